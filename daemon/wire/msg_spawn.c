/* SPDX-License-Identifier: Apache-2.0 */
/* The one large message: a start. Declared in msg_spawn.h. */
#include "wire/msg_spawn.h"

#include "base/attr.h"
#include "base/cursor.h"

#include <errno.h>
#include <string.h>

#define ALL_FLAGS                                                                                       \
    (MSG_SPAWN_CGROUP | MSG_SPAWN_LOG | MSG_SPAWN_JOURNAL | MSG_SPAWN_STATE_DIR | MSG_SPAWN_AUTOGROUP | \
     MSG_SPAWN_STATE_TOOL)

static void pack_texts(struct packer *p, const char *const *texts, size_t n) {
    packer_u32(p, (uint32_t)n);
    for (size_t i = 0; i < n; i++)
        packer_text(p, texts[i]);
}

int msg_encode_spawn(const struct msg_spawn *m, void *buf, size_t size) {
    if (m->n_groups > SK_WIRE_GROUPS_MAX || m->n_rlimits > MSG_RLIMITS_MAX || m->n_argv > SK_WIRE_ARGS_MAX ||
        m->n_env > SK_WIRE_ARGS_MAX)
        return -EMSGSIZE;
    struct packer p;
    packer_init(&p, buf, MIN(size, (size_t)SK_WIRE_MESSAGE_MAX));
    packer_u8(&p, SK_REQUEST_SPAWN);
    packer_u64(&p, m->start_id);
    packer_u32(&p, m->flags);
    packer_text(&p, m->tenant);
    packer_text(&p, m->app);
    packer_u32(&p, m->number);
    packer_text(&p, m->log_name);
    packer_u32(&p, m->uid);
    packer_u32(&p, m->gid);
    packer_u32(&p, m->umask);
    packer_u32(&p, (uint32_t)m->nice);
    packer_u32(&p, m->sched_policy);
    packer_u32(&p, m->sched_slice_usec);
    packer_u32(&p, m->ioprio);
    packer_u32(&p, (uint32_t)m->oom_score_adj);
    packer_text(&p, m->working_directory);
    packer_u32(&p, (uint32_t)m->n_groups);
    for (size_t i = 0; i < m->n_groups; i++)
        packer_u32(&p, m->groups[i]);
    packer_u32(&p, (uint32_t)m->n_rlimits);
    for (size_t i = 0; i < m->n_rlimits; i++) {
        packer_u32(&p, m->rlimits[i].resource);
        packer_u64(&p, m->rlimits[i].soft);
        packer_u64(&p, m->rlimits[i].hard);
    }
    pack_texts(&p, m->argv, m->n_argv);
    pack_texts(&p, m->env, m->n_env);
    return packer_end(&p);
}

/* A count that must not exceed `max`; 0 and a bad cursor if it does. */
static size_t take_count(struct cursor *c, size_t max) {
    uint32_t n = cursor_u32(c);
    if (n > max) {
        c->bad = true;
        return 0;
    }
    return n;
}

/* texts has room for SK_WIRE_ARGS_MAX and the NULL behind them. */
static size_t take_texts(struct cursor *c, const char **texts) {
    size_t n = take_count(c, SK_WIRE_ARGS_MAX);
    for (size_t i = 0; i < n; i++)
        texts[i] = cursor_text(c);
    texts[n] = NULL;
    return n;
}

static void take_numbers(struct cursor *c, struct msg_spawn *m) {
    m->uid = cursor_u32(c);
    m->gid = cursor_u32(c);
    m->umask = cursor_u32(c);
    m->nice = (int32_t)cursor_u32(c);
    m->sched_policy = cursor_u32(c);
    m->sched_slice_usec = cursor_u32(c);
    m->ioprio = cursor_u32(c);
    m->oom_score_adj = (int32_t)cursor_u32(c);
}

static void take_groups_and_limits(struct cursor *c, struct msg_spawn *m) {
    m->n_groups = take_count(c, SK_WIRE_GROUPS_MAX);
    for (size_t i = 0; i < m->n_groups; i++)
        m->groups[i] = cursor_u32(c);
    m->n_rlimits = take_count(c, MSG_RLIMITS_MAX);
    for (size_t i = 0; i < m->n_rlimits; i++) {
        m->rlimits[i].resource = cursor_u32(c);
        m->rlimits[i].soft = cursor_u64(c);
        m->rlimits[i].hard = cursor_u64(c);
    }
}

int msg_decode_spawn(const void *data, size_t len, struct msg_spawn *ret) {
    struct cursor c;
    struct msg_spawn m;
    cursor_init(&c, data, len);
    if (len > SK_WIRE_MESSAGE_MAX || cursor_u8(&c) != SK_REQUEST_SPAWN)
        return -EBADMSG;
    m.start_id = cursor_u64(&c);
    m.flags = cursor_u32(&c);
    m.tenant = cursor_text(&c);
    m.app = cursor_text(&c);
    m.number = cursor_u32(&c);
    m.log_name = cursor_text(&c);
    take_numbers(&c, &m);
    m.working_directory = cursor_text(&c);
    take_groups_and_limits(&c, &m);
    m.n_argv = take_texts(&c, m.argv);
    m.n_env = take_texts(&c, m.env);
    if (cursor_end(&c) < 0 || m.start_id == 0 || (m.flags & ~(uint32_t)ALL_FLAGS) || m.n_argv == 0)
        return -EBADMSG;

    /* Copies only what is filled: the unused ends of the arrays stay as they were. */
    memcpy(ret, &m, offsetof(struct msg_spawn, groups));
    memcpy(ret->groups, m.groups, m.n_groups * sizeof(m.groups[0]));
    memcpy(ret->rlimits, m.rlimits, m.n_rlimits * sizeof(m.rlimits[0]));
    memcpy(ret->argv, m.argv, (m.n_argv + 1) * sizeof(m.argv[0]));
    memcpy(ret->env, m.env, (m.n_env + 1) * sizeof(m.env[0]));
    return 0;
}
