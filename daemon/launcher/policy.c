/* SPDX-License-Identifier: Apache-2.0 */
/* Checks of requests; acts on nothing. */
#include "launcher/policy.h"

#include "base/parse.h"
#include "base/text.h"

#include <errno.h>
#include <linux/magic.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/vfs.h>
#include <unistd.h>

#define NUMBER_MAX       99999
#define LOG_NAME_LEN_MAX 200
#define SLICE_MIN_USEC   100
#define SLICE_MAX_USEC   100000

/* The kernel's "no such id" values: as 32 bits, and as 16 bits. */
static bool is_no_id(uint32_t id) {
    return id == UINT32_MAX || id == 0xffff;
}

static bool permits_id(const struct policy *p, uint32_t id, uint32_t owner, uint32_t daemon) {
    if (is_no_id(id))
        return false;
    if (p->owner_permitted && id == owner)
        return true;
    if (id == 0 || (p->daemon_is_apart && id == daemon))
        return false;
    return id >= p->uid_min && id <= p->uid_max;
}

bool policy_permits_uid(const struct policy *p, uint32_t uid) {
    if (!p->can_change_uid)
        return uid == p->self_uid;
    return permits_id(p, uid, p->owner_uid, p->daemon_uid);
}

bool policy_permits_gid(const struct policy *p, uint32_t gid) {
    if (!p->can_change_uid)
        return gid == p->self_gid;
    return permits_id(p, gid, p->owner_gid, p->daemon_gid);
}

static bool is_sched_policy(uint32_t v) {
    return v == MSG_SCHED_OTHER || v == MSG_SCHED_BATCH || v == MSG_SCHED_IDLE;
}

static bool is_ioprio(uint32_t v) {
    return v == 0 || (v >> 13 >= 1 && v >> 13 <= 3 && (v & 0x1fff) <= 7);
}

static bool is_log_name(const char *name) {
    size_t len = strlen(name);
    return len > 0 && len <= LOG_NAME_LEN_MAX && !strchr(name, '\n');
}

static bool is_environment(const struct msg_spawn *m) {
    for (size_t i = 0; i < m->n_env; i++)
        if (m->env[i][0] == '=' || !strchr(m->env[i], '='))
            return false;
    return true;
}

static bool are_rlimits(const struct msg_spawn *m) {
    for (size_t i = 0; i < m->n_rlimits; i++)
        if (m->rlimits[i].resource >= RLIM_NLIMITS || m->rlimits[i].soft > m->rlimits[i].hard)
            return false;
    return true;
}

void policy_filter_groups(const struct policy *p, struct msg_spawn *m) {
    size_t kept = 0;
    for (size_t i = 0; i < m->n_groups; i++)
        if (policy_permits_gid(p, m->groups[i]))
            m->groups[kept++] = m->groups[i];
    m->n_groups = kept;
}

/* Every instance is born in its group where there are groups at all; a one-shot state tool may do without. */
static bool has_its_group(const struct policy *p, const struct msg_spawn *m) {
    bool given = m->flags & MSG_SPAWN_CGROUP;
    if (p->cgroot->mode == CGROOT_NONE)
        return !given;
    return given || (m->flags & MSG_SPAWN_STATE_TOOL);
}

int policy_check_spawn(const struct policy *p, const struct msg_spawn *m, const char **ret_detail) {
    const bool tool = m->flags & MSG_SPAWN_STATE_TOOL, journal = m->flags & MSG_SPAWN_JOURNAL;
    const struct {
        bool fine;
        int error;
        const char *word;
    } checks[] = {
        {text_is_name(m->tenant), -EINVAL, "tenant"},
        {text_is_name(m->app), -EINVAL, "app"},
        {m->number <= NUMBER_MAX, -EINVAL, "instance number"},
        {policy_permits_uid(p, m->uid), -EPERM, "uid"},
        {policy_permits_gid(p, m->gid), -EPERM, "gid"},
        {has_its_group(p, m), -EPERM, "cgroup"},
        {!(journal && (m->flags & MSG_SPAWN_LOG)), -EINVAL, "two logs"},
        {!journal || p->has_journal, -EINVAL, "journal"},
        {!journal || is_log_name(m->log_name), -EINVAL, "log name"},
        {m->umask <= 0777, -EINVAL, "umask"},
        {m->nice >= -20 && m->nice <= 19, -EINVAL, "nice"},
        {is_sched_policy(m->sched_policy), -EINVAL, "scheduling policy"},
        {m->sched_slice_usec == 0 ||
             (m->sched_slice_usec >= SLICE_MIN_USEC && m->sched_slice_usec <= SLICE_MAX_USEC),
         -EINVAL, "scheduling slice"},
        {is_ioprio(m->ioprio), -EINVAL, "I/O priority"},
        {m->oom_score_adj > -1000 && m->oom_score_adj <= 1000, -EINVAL, "oom_score_adj"},
        {m->working_directory[0] == '\0' || m->working_directory[0] == '/', -EINVAL, "working directory"},
        {are_rlimits(m), -EINVAL, "resource limit"},
        {tool || m->argv[0][0] == '/', -EINVAL, "command without a full path"},
        {is_environment(m), -EINVAL, "environment"},
    };
    for (size_t i = 0; i < ARRAY_LEN(checks); i++)
        if (!checks[i].fine) {
            *ret_detail = checks[i].word;
            return checks[i].error;
        }
    return 0;
}

/* Copies the next component of a path, moves *p behind it and its '/'. */
static bool take_component(const char **p, char *buf, size_t size) {
    size_t len = strcspn(*p, "/");
    if (len == 0 || len >= size)
        return false;
    memcpy(buf, *p, len);
    buf[len] = '\0';
    *p += len + ((*p)[len] == '/');
    return true;
}

bool policy_group_fits(const char *below_root, const char *tenant, const char *app, uint32_t number) {
    char class[NAME_LEN_MAX + 1], owner[NAME_LEN_MAX + 1], leaf[NAME_LEN_MAX + 16];
    if (!take_component(&below_root, class, sizeof(class)) ||
        !take_component(&below_root, owner, sizeof(owner)) ||
        !take_component(&below_root, leaf, sizeof(leaf)) || *below_root != '\0')
        return false;
    char *dot = strrchr(leaf, '.');
    uint32_t n;
    if (!dot || parse_u32(dot + 1, &n) < 0 || n > NUMBER_MAX)
        return false;
    *dot = '\0';
    if (!text_is_name(class) || !text_is_name(owner) || !text_is_name(leaf))
        return false;
    return !tenant || (strcmp(owner, tenant) == 0 && strcmp(leaf, app) == 0 && n == number);
}

int policy_check_cgroup(const struct policy *p, int fd, const char *tenant, const char *app,
                        uint32_t number) {
    struct statfs fs;
    if (fstatfs(fd, &fs) < 0)
        return -errno;
    if (fs.f_type != CGROUP2_SUPER_MAGIC)
        return -EPERM;
    char link[64], path[1024];
    snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
    ssize_t len = readlink(link, path, sizeof(path) - 1);
    if (len < 0)
        return -errno;
    path[len] = '\0';
    size_t root_len = strlen(p->cgroot->path);
    if (root_len == 0 || strncmp(path, p->cgroot->path, root_len) != 0 || path[root_len] != '/')
        return -EPERM;
    return policy_group_fits(path + root_len + 1, tenant, app, number) ? 0 : -EPERM;
}
