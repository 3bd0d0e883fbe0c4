/* SPDX-License-Identifier: Apache-2.0 */
/* Reads the files of a folder; does not know what is in them. */
#include "conf/folder.h"

#include "base/fd.h"
#include "base/text.h"
#include "conf/fault.h"
#include "conf/ini.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>

static const char suffix[] = ".conf";

static int is_conf_file(const struct dirent *e) {
    size_t n = strlen(e->d_name);
    return n > strlen(suffix) && e->d_name[0] != '.' && strcmp(e->d_name + n - strlen(suffix), suffix) == 0;
}

/* By byte, so that the order does not depend on the locale. */
static int compare_names(const struct dirent **a, const struct dirent **b) {
    return strcmp((*a)->d_name, (*b)->d_name);
}

static int read_one(const char *folder, const char *entry, conf_file_fn fn, void *userdata,
                    struct reason *why) {
    char file[PATH_MAX], name[NAME_MAX + 1];
    struct conf_place place = {.file = file};
    if (text_format(file, sizeof(file), "%s/%s", folder, entry) < 0)
        return reason_set(why, -ENAMETOOLONG, "The path of the configuration folder is too long.");
    memcpy(name, entry, strlen(entry) + 1);
    name[strlen(entry) - strlen(suffix)] = '\0';
    if (!text_is_name(name))
        return conf_fault(
            why, -EINVAL, &place,
            "the file's name is the name of what it describes and must be 1 to %d of a-z, 0-9, '-' and "
            "'_' before .conf; rename the file",
            NAME_LEN_MAX);
    AUTO_FREE char *text = NULL;
    size_t len;
    int r = fd_read_file_at(AT_FDCWD, file, INI_TEXT_MAX, &text, &len);
    if (r == -EFBIG)
        return conf_fault(why, r, &place, "larger than %d KiB, which no configuration file may be",
                          INI_TEXT_MAX / 1024);
    if (r < 0)
        return conf_fault(why, r, &place, "cannot be read: %s", strerror(-r));
    return fn(file, name, text, len, userdata, why);
}

int conf_folder_read(const char *etc, const char *folder, conf_file_fn fn, void *userdata,
                     struct reason *why) {
    char path[PATH_MAX];
    struct conf_place place = {.file = path};
    if (text_format(path, sizeof(path), "%s/%s", etc, folder) < 0)
        return reason_set(why, -ENAMETOOLONG, "The path of the configuration folder is too long.");
    struct dirent **entries;
    int n = scandir(path, &entries, is_conf_file, compare_names);
    if (n < 0) {
        int error = -errno;
        return error == -ENOENT ? 0 : conf_fault(why, error, &place, "cannot be read: %s", strerror(-error));
    }
    int r = 0;
    for (int i = 0; i < n; i++) {
        if (r >= 0)
            r = read_one(path, entries[i]->d_name, fn, userdata, why);
        free(entries[i]);
    }
    free(entries);
    return r;
}
