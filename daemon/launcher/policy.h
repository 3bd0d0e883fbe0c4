/* SPDX-License-Identifier: Apache-2.0 */
/* What the launcher permits, whatever the daemon asks: the last check before root acts.
 *
 * The daemon has checked all of this too; it is checked again because the daemon talks to tenants and may be
 * taken over by one. What a daemon in the wrong hands can still do is start programs as users in the
 * permitted range, inside our own cgroups. It cannot become root, a system account, or itself; it cannot get
 * a group outside that range (disk, shadow); it cannot place a process in a foreign cgroup. */
#ifndef LAUNCHER_POLICY_H
#define LAUNCHER_POLICY_H

#include "base/cgroot.h"
#include "wire/msg.h"

#include <stdbool.h>
#include <stdint.h>

struct policy {
    bool can_change_uid;         /* we are root */
    uint32_t self_uid, self_gid; /* our own */
    uint32_t owner_uid, owner_gid;
    bool owner_permitted;      /* the owner's uid and gid are permitted, even 0 */
    uint32_t uid_min, uid_max; /* both included; for gids and groups too */
    bool daemon_is_apart;      /* the daemon has a user of its own, which is then never permitted */
    uint32_t daemon_uid, daemon_gid;
    bool has_journal;
    const struct cgroot *cgroot; /* borrowed */
};

/* Pure: numbers against the policy. */
bool policy_permits_uid(const struct policy *p, uint32_t uid);
bool policy_permits_gid(const struct policy *p, uint32_t gid);

/* Takes out the supplementary groups that are not permitted. No error: people are members of groups (sudo,
 * docker, disk) that are none of an app's business, and their apps start all the same, without them. */
void policy_filter_groups(const struct policy *p, struct msg_spawn *m);

/* Pure: every field of a start, but its supplementary groups. Returns 0, -EPERM (not permitted) or -EINVAL
 * (makes no sense); *ret_detail is then a static word for the field. */
int policy_check_spawn(const struct policy *p, const struct msg_spawn *m, const char **ret_detail);

/* Pure: "<class>/<tenant>/<app>.<n>", the part of a group's path below the root. With tenant NULL any names
 * will do, else exactly these. */
bool policy_group_fits(const char *below_root, const char *tenant, const char *app, uint32_t number);

/* The descriptor is a directory of cgroup v2, and an instance's group below our root. Returns 0 or -EPERM,
 * -EINVAL, or another -errno. */
int policy_check_cgroup(const struct policy *p, int fd, const char *tenant, const char *app, uint32_t number);

#endif
