/* SPDX-License-Identifier: Apache-2.0 */
/* The one place that knows the folder names. */
#include "base/paths.h"
#include "base/text.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>
#include <unistd.h>

static int make_absolute(const char *root, char *buf, size_t size) {
    if (root[0] == '/')
        return text_format(buf, size, "%s", root);
    char here[512];
    if (!getcwd(here, sizeof(here)))
        return -errno;
    return text_format(buf, size, "%s/%s", here, root);
}

/* "/a/./" is "/a". */
static void strip_end(char *path) {
    for (size_t n = strlen(path); n > 1; n--) {
        bool dot = path[n - 1] == '.' && path[n - 2] == '/';
        if (path[n - 1] != '/' && !dot)
            return;
        path[n - 1] = '\0';
    }
}

int paths_init(struct paths *ret, const char *root) {
    struct paths p = {.root = ""};
    if (!root || !*root) {
        p = (struct paths){.etc = "/etc/streamkeeper",
                           .run = "/run/streamkeeper",
                           .state = "/var/lib/streamkeeper/state",
                           .registry = "/var/lib/streamkeeper/registry",
                           .log = "/var/log/streamkeeper"};
        *ret = p;
        return 0;
    }
    int r = make_absolute(root, p.root, sizeof(p.root));
    if (r < 0)
        return r;
    strip_end(p.root);
    const struct {
        char *field;
        const char *name;
    } below[] = {
        {p.etc, "etc"}, {p.run, "run"}, {p.state, "state"}, {p.registry, "registry"}, {p.log, "log"}};
    for (size_t i = 0; i < ARRAY_LEN(below); i++) {
        r = text_format(below[i].field, sizeof(p.etc), "%s/%s", strcmp(p.root, "/") ? p.root : "",
                        below[i].name);
        if (r < 0)
            return r;
    }
    *ret = p;
    return 0;
}
