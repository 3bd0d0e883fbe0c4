/* SPDX-License-Identifier: Apache-2.0 */
/* What the database says when it fails, as an errno. */
#ifndef REGISTRY_DBERROR_H
#define REGISTRY_DBERROR_H

#include "base/reason.h"

#include <sys/types.h>

/* The negative errno that the database's error text stands for: -ENOSPC (also for a disk quota), -EBADMSG
 * (damage), -EBUSY (locked), -EACCES, -EROFS, -EMFILE, -ENOMEM, -EINVAL, else -EIO. */
int dberror_parse(const char *text);

/* The same, with a reason for a person: what happened to which folder while doing what, and what to do.
 * `holder` is the pid of who has it locked, or 0. */
int dberror_explain(const char *text, const char *path, const char *doing, pid_t holder, struct reason *why);

#endif
