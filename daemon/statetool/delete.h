/* SPDX-License-Identifier: Apache-2.0 */
/* Deletes what is in a directory, run as its owner.
 *
 * What is in a state directory was made by a tenant's program and is not trusted: everything goes by
 * directory descriptors, no link is followed, no other file system is entered, and the depth is bounded. */
#ifndef STATETOOL_DELETE_H
#define STATETOOL_DELETE_H

#include "base/reason.h"

#include <sys/types.h>

/* Deletes everything below dirfd, not the directory itself. Returns 0, or -errno with words: -EBUSY while a
 * process holds a lock in it, -EXDEV for a mount point in it, -ELOOP when it is deeper than any program
 * makes. What could be deleted until then is deleted, except with -EBUSY: then nothing is. */
int delete_contents(int dirfd, struct reason *reason);

/* Looks for a lock file (.lock as Kafka Streams has it, LOCK as RocksDB has it) that a process holds. Returns
 * 0 or -EBUSY with words that name the file and the process. */
int delete_check_locks(int dirfd, struct reason *reason);

#endif
