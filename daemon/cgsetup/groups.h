/* SPDX-License-Identifier: Apache-2.0 */
/* Groups by path: making, controllers, owners, removing. Everything is read back, since the kernel is the
 * only one to ask whether a controller is really there. */
#ifndef CGSETUP_GROUPS_H
#define CGSETUP_GROUPS_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

/* The controllers that classes use, most useful first; NULL-terminated. Those that work per process and not
 * per thread come before the others: enabling only the others on a group with processes would silently make
 * it a threaded one. */
extern const char *const groups_controllers[];

/* mkdir; one that exists is fine. Returns 0 or -errno. */
int groups_make(const char *path);

/* Enables each of the wanted controllers that the group has for the groups below it. Returns 0 or the -errno
 * of the last one refused; see groups_enabled for what came of it. */
int groups_enable(const char *path);

/* Pure: whether a list of words separated by blanks has this word. */
bool groups_has_word(const char *words, const char *word);

/* Which of the wanted controllers a file (cgroup.controllers or cgroup.subtree_control) of a group lists, as
 * words separated by blanks. Returns 0 or -errno. */
int groups_enabled(const char *path, const char *file, char *ret, size_t size);

/* Moves every process of one group to another. Returns 0 or -errno of the first that could not be moved. */
int groups_move_all(const char *from, const char *to);

/* Gives a group to a user: its folder, and its delegation files or all its writable files. Returns 0 or
 * -errno. */
int groups_give(const char *path, uid_t uid, gid_t gid, bool all_files);

/* Removes a group and all below it, as far as they are empty. Returns 0, or -EBUSY when something lives
 * there. */
int groups_remove(const char *path);

#endif
