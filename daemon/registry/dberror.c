/* SPDX-License-Identifier: Apache-2.0 */
/* A pure table from words to errors; the words are those of RocksDB 7 (status codes and subcodes) and of
 * strerror in the C locale. */
#include "registry/dberror.h"

#include "base/attr.h"

#include <errno.h>
#include <string.h>

/* The first row whose words occur in the text decides, so the particular stands above the general: a full
 * disk is told as an I/O error, a lock without rights as a lock, and a file that cannot be read for lack of
 * rights as a corruption. A file that the database misses is damage. */
static const struct {
    const char *words;
    int error;
} errors[] = {
    {"No space left on device", -ENOSPC},
    {"Space limit reached", -ENOSPC},
    {"Disk quota exceeded", -ENOSPC},
    {"Read-only file system", -EROFS},
    {"Permission denied", -EACCES},
    {"Operation not permitted", -EACCES},
    {"Too many open files", -EMFILE},
    {"Cannot allocate memory", -ENOMEM},
    {"Memory limit reached", -ENOMEM},
    {"While lock file", -EBUSY},
    {"lock hold by current process", -EBUSY},
    {"Corruption", -EBADMSG},
    {"does not exist (create_if_missing is false)", -EBADMSG},
    {"Not implemented", -EBADMSG},
    {"No such file or directory", -EBADMSG},
    {"Invalid argument", -EINVAL},
};

int dberror_parse(const char *text) {
    for (size_t i = 0; i < ARRAY_LEN(errors); i++)
        if (strstr(text, errors[i].words))
            return errors[i].error;
    return -EIO;
}

int dberror_explain(const char *text, const char *path, const char *doing, pid_t holder, struct reason *why) {
    int r = dberror_parse(text);
    if (r == -ENOSPC)
        reason_set(
            why, r,
            "No room left for the registry in %s while %s; it takes changes again by itself once there "
            "is room on that file system",
            path, doing);
    else if (r == -EBADMSG)
        reason_set(why, r,
                   "The registry in %s is damaged (found while %s). Stop the service, move this folder away "
                   "and keep it, then put a backup in its place or register the apps again; running apps "
                   "are not touched. The database says: %s",
                   path, doing, text);
    else if (r == -EBUSY && holder > 0)
        reason_set(why, r, "The registry in %s is in use by process %d; stop it first", path, (int)holder);
    else if (r == -EACCES)
        reason_set(why, r,
                   "No right to the registry in %s while %s; folder and files must belong to the user that "
                   "the daemon runs as. The database says: %s",
                   path, doing, text);
    else
        reason_set(why, r, "The registry in %s failed while %s: %s", path, doing, text);

    for (char *p = why ? why->text : NULL; p && *p; p++)
        if ((unsigned char)*p < ' ')
            *p = ' ';
    return r;
}
