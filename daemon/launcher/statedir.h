/* SPDX-License-Identifier: Apache-2.0 */
/* The instances' state directories, made and removed below one directory descriptor.
 *
 * <state>/<tenant>/<app>/<n>: the first two belong to the launcher's user and nobody else may write there, so
 * no tenant can put a link in the way; the last belongs to the instance's user. No link is followed at any
 * step, and a directory with the wrong owner is refused, never changed. */
#ifndef LAUNCHER_STATEDIR_H
#define LAUNCHER_STATEDIR_H

#include <stdint.h>
#include <sys/types.h>

/* Makes what is missing and checks all. Returns a descriptor (owned by the caller) of the last directory, or
 * -errno: -EPERM for a wrong owner, -EACCES for a parent that others may write to, -ELOOP or -ENOTDIR for
 * something else in the way. Names are checked by the caller. */
int statedir_open(int state_fd, const char *tenant, const char *app, uint32_t number, uid_t uid, gid_t gid);

/* Removes the empty directory of an instance, and its parents as far as they are empty. One that is not there
 * is fine. Returns 0, -ENOTEMPTY, or another -errno. */
int statedir_remove(int state_fd, const char *tenant, const char *app, uint32_t number);

#endif
