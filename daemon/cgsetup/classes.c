/* SPDX-License-Identifier: Apache-2.0 */
/* Lists class names; reads no class. */
#include "cgsetup/classes.h"

#include "base/attr.h"
#include "base/text.h"

#include <dirent.h>
#include <errno.h>
#include <string.h>

#define SUFFIX ".conf"

static const char *const shipped[] = {"critical", "standard", "adhoc"};

static void close_folder(DIR **d) {
    if (*d)
        closedir(*d);
}

static int add_if_class(char ***list, const char *file) {
    char name[NAME_LEN_MAX + 1];
    size_t len = strlen(file), suffix = strlen(SUFFIX);
    if (len <= suffix || len - suffix >= sizeof(name) || strcmp(file + len - suffix, SUFFIX) != 0)
        return 0;
    memcpy(name, file, len - suffix);
    name[len - suffix] = '\0';
    return text_is_name(name) ? text_list_add(list, name) : 0;
}

int classes_list(const char *etc_folder, char ***ret_names) {
    char path[700];
    CLEANUP(cleanup_text_list) char **list = NULL;
    int r = text_format(path, sizeof(path), "%s/classes.d", etc_folder);
    if (r < 0)
        return r;
    CLEANUP(close_folder) DIR *d = opendir(path);
    if (!d && errno != ENOENT)
        return -errno;
    for (struct dirent *e; d && (e = readdir(d));) {
        r = add_if_class(&list, e->d_name);
        if (r < 0)
            return r;
    }
    bool none = list == NULL;
    for (size_t i = 0; none && i < ARRAY_LEN(shipped); i++) {
        r = text_list_add(&list, shipped[i]);
        if (r < 0)
            return r;
    }
    *ret_names = TAKE_PTR(list);
    return 0;
}
