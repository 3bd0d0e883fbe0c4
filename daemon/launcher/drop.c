/* SPDX-License-Identifier: Apache-2.0 */
/* The way down from root; does not decide who to become. */
#include "launcher/drop.h"

#include "streamkeeper/wire.h"

#include <errno.h>
#include <grp.h>
#include <linux/capability.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

static int clear_bounding_set(void) {
    for (unsigned long cap = 0;; cap++)
        if (prctl(PR_CAPBSET_DROP, cap, 0, 0, 0) < 0)
            return errno == EINVAL ? 0 : -errno; /* EINVAL: behind the last one the kernel knows */
}

static int clear_capabilities(void) {
    struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
    struct __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3] = {{0}};
    return syscall(SYS_capset, &header, data) < 0 ? -errno : 0;
}

static int change_ids(const struct drop_ids *ids) {
    gid_t groups[SK_WIRE_GROUPS_MAX];
    if (ids->n_groups > SK_WIRE_GROUPS_MAX)
        return -EINVAL;
    for (size_t i = 0; i < ids->n_groups; i++)
        groups[i] = ids->groups[i];
    if (setgroups(ids->n_groups, groups) < 0)
        return -errno;
    if (setresgid(ids->gid, ids->gid, ids->gid) < 0)
        return -errno;
    if (setresuid(ids->uid, ids->uid, ids->uid) < 0)
        return -errno;
    return 0;
}

static int verify_ids(const struct drop_ids *ids) {
    uid_t r, e, s;
    gid_t rg, eg, sg;
    gid_t groups[SK_WIRE_GROUPS_MAX];
    if (getresuid(&r, &e, &s) < 0 || getresgid(&rg, &eg, &sg) < 0)
        return -errno;
    if (r != ids->uid || e != ids->uid || s != ids->uid)
        return -EPERM;
    if (rg != ids->gid || eg != ids->gid || sg != ids->gid)
        return -EPERM;
    int n = getgroups(SK_WIRE_GROUPS_MAX, groups);
    if (n < 0)
        return -errno;
    if ((size_t)n > ids->n_groups) /* fewer: the kernel keeps them sorted, we may have named one twice */
        return -EPERM;
    if (ids->uid != 0 && setresuid(0, 0, 0) == 0)
        return -EPERM;
    return 0;
}

static int verify_capabilities(void) {
    struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
    struct __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3];
    if (syscall(SYS_capget, &header, data) < 0)
        return -errno;
    for (int i = 0; i < _LINUX_CAPABILITY_U32S_3; i++)
        if (data[i].effective | data[i].permitted | data[i].inheritable)
            return -EPERM;
    return prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) == 1 ? 0 : -EPERM;
}

int drop_privileges(const struct drop_ids *ids) {
    /* 1. No way back through exec. A root without CAP_SETPCAP (a container) cannot empty the bounding set;
     * that matters only if the process stays root, for which exec gives capabilities back. */
    (void)prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0);
    int r = clear_bounding_set();
    if (r < 0 && ids->change && ids->uid == 0)
        return r;
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
        return -errno;
    /* 2. Groups before gid before uid: each needs the privilege that the next one takes away. */
    if (ids->change) {
        r = change_ids(ids);
        if (r < 0)
            return r;
    }
    /* 3. What a process that stays root still holds. */
    r = clear_capabilities();
    if (r < 0)
        return r;
    if (ids->change) {
        r = verify_ids(ids);
        if (r < 0)
            return r;
    }
    return verify_capabilities();
}
