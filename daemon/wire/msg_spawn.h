/* SPDX-License-Identifier: Apache-2.0 */
/* The one large message: a start. As the others of wire/msg.h, which includes this. */
#ifndef WIRE_MSG_SPAWN_H
#define WIRE_MSG_SPAWN_H

#include "streamkeeper/wire.h"

#include <stddef.h>
#include <stdint.h>

enum msg_spawn_flags {
    MSG_SPAWN_CGROUP = 1 << 0,    /* first fd: the directory of the leaf group to be born in */
    MSG_SPAWN_LOG = 1 << 1,       /* next fd: stdout and stderr */
    MSG_SPAWN_JOURNAL = 1 << 2,   /* connect stdout and stderr to the journal as `log_name` */
    MSG_SPAWN_STATE_DIR = 1 << 3, /* make <state>/tenant/app/number, owned by uid, and check it */
    MSG_SPAWN_AUTOGROUP =
        1 << 4, /* also write the nice value to the session's autogroup (no CPU controller) */
    MSG_SPAWN_STATE_TOOL = 1 << 5, /* run streamkeeper-state beside the launcher instead of argv[0] */
};

enum { MSG_SCHED_OTHER = 0, MSG_SCHED_BATCH = 3, MSG_SCHED_IDLE = 5 }; /* as in <sched.h> */

struct msg_rlimit {
    uint32_t resource; /* RLIMIT_* */
    uint64_t soft, hard;
};

#define MSG_RLIMITS_MAX 8

/* One start. `start_id` is chosen by the daemon, never 0, never used twice. */
struct msg_spawn {
    uint64_t start_id;
    uint32_t flags;
    const char *tenant, *app; /* names (base/text.h); with number they make the path of the state directory */
    uint32_t number;
    const char *log_name; /* SYSLOG_IDENTIFIER in the journal */
    uint32_t uid, gid;
    uint32_t umask;
    int32_t nice;
    uint32_t sched_policy;     /* MSG_SCHED_* */
    uint32_t sched_slice_usec; /* 0: leave */
    uint32_t ioprio;           /* class << 13 | level, 0: leave */
    int32_t oom_score_adj;
    const char *working_directory; /* "" : the state directory, or / without one */
    size_t n_groups, n_rlimits, n_argv, n_env;
    uint32_t groups[SK_WIRE_GROUPS_MAX]; /* those outside the permitted range are left out by the launcher */
    struct msg_rlimit rlimits[MSG_RLIMITS_MAX];
    const char *argv[SK_WIRE_ARGS_MAX + 1]; /* NULL-terminated; argv[0] absolute */
    const char *env[SK_WIRE_ARGS_MAX + 1];  /* the whole environment, NULL-terminated; "%S" of the daemon's
                                               expansion is already a path */
};

int msg_encode_spawn(const struct msg_spawn *m, void *buf, size_t size);
int msg_decode_spawn(const void *data, size_t len, struct msg_spawn *ret);

#endif
