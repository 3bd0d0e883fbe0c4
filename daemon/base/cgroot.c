/* SPDX-License-Identifier: Apache-2.0 */
/* The text form of the cgroup tree's facts; touches no cgroup. */
#include "base/cgroot.h"
#include "base/fd.h"
#include "base/text.h"
#include "streamkeeper/names.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>

static const char *const mode_names[CGROOT_MODE_MAX] = {
    [CGROOT_NONE] = "none",
    [CGROOT_HYBRID] = "hybrid",
    [CGROOT_UNIFIED] = "unified",
};

const char *cgroot_mode_name(enum cgroot_mode mode) {
    return mode < CGROOT_MODE_MAX ? mode_names[mode] : "none";
}

static int set_mode(const char *word, size_t len, enum cgroot_mode *ret) {
    for (unsigned i = 0; i < CGROOT_MODE_MAX; i++)
        if (strlen(mode_names[i]) == len && memcmp(mode_names[i], word, len) == 0) {
            *ret = (enum cgroot_mode)i;
            return 0;
        }
    return -EINVAL;
}

static int set_field(struct cgroot *c, const char *key, size_t key_len, const char *value, size_t len) {
    const struct {
        const char *key;
        char *buf;
        size_t size;
    } fields[] = {{"path", c->path, sizeof(c->path)},
                  {"controllers", c->controllers, sizeof(c->controllers)},
                  {"reason", c->reason, sizeof(c->reason)}};
    if (key_len == strlen("mode") && memcmp(key, "mode", key_len) == 0)
        return set_mode(value, len, &c->mode);
    for (size_t i = 0; i < ARRAY_LEN(fields); i++) {
        if (strlen(fields[i].key) != key_len || memcmp(fields[i].key, key, key_len) != 0)
            continue;
        if (len >= fields[i].size)
            return -EINVAL;
        memcpy(fields[i].buf, value, len);
        fields[i].buf[len] = '\0';
    }
    return 0;
}

int cgroot_parse(const char *text, struct cgroot *ret) {
    struct cgroot c = {.mode = CGROOT_MODE_MAX};
    while (*text) {
        size_t line = strcspn(text, "\n");
        const char *equals = memchr(text, '=', line);
        if (!equals)
            return -EINVAL;
        size_t key_len = (size_t)(equals - text);
        int r = set_field(&c, text, key_len, equals + 1, line - key_len - 1);
        if (r < 0)
            return r;
        text += line + (text[line] == '\n');
    }
    if (c.mode == CGROOT_MODE_MAX || (c.mode != CGROOT_NONE && c.path[0] != '/'))
        return -EINVAL;
    *ret = c;
    return 0;
}

int cgroot_load(const char *run, struct cgroot *ret) {
    char path[700];
    AUTO_FREE char *text = NULL;
    int r = text_format(path, sizeof(path), "%s/" SK_CGROUP_FILE, run);
    r = r < 0 ? r : fd_read_file_at(AT_FDCWD, path, 4096, &text, NULL);
    return r < 0 ? r : cgroot_parse(text, ret);
}

int cgroot_print(const struct cgroot *c, char *buf, size_t size) {
    if (strchr(c->path, '\n') || strchr(c->controllers, '\n') || strchr(c->reason, '\n'))
        return -EINVAL;
    return text_format(buf, size, "mode=%s\npath=%s\ncontrollers=%s\nreason=%s\n", cgroot_mode_name(c->mode),
                       c->path, c->controllers, c->reason);
}
