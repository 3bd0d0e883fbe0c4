/* SPDX-License-Identifier: Apache-2.0 */
/* A folder of files NAME.conf, where the name means something: classes.d, tenants.d. */
#ifndef CONF_FOLDER_H
#define CONF_FOLDER_H

#include "base/reason.h"

#include <stddef.h>

/* Called once per file with its path, the name without .conf (it obeys text_is_name) and its text. Returns 0,
 * or -errno with a reason, which ends the walk. */
typedef int (*conf_file_fn)(const char *file, const char *name, const char *text, size_t len, void *userdata,
                            struct reason *why);

/* Walks etc/folder in the order of the names. Files that do not end in .conf, and hidden ones, are skipped; a
 * missing folder has no files. Returns 0, or -errno with a reason. */
int conf_folder_read(const char *etc, const char *folder, conf_file_fn fn, void *userdata,
                     struct reason *why);

#endif
