/* SPDX-License-Identifier: Apache-2.0 */
/* The protocol between launcher (root) and daemon on a SOCK_SEQPACKET pair: numbers and limits;
 * daemon/wire/msg.h has the fields.
 *
 * One datagram is one message: a verb byte, then its fields (base/cursor.h), then nothing. The daemon speaks
 * first with HELLO; the launcher answers WELCOME, replays what it knows as CHILD and EXITED messages, ends
 * that with REPLAYED, and from then on both sides send what they have. A message that is unknown, too long,
 * short, or in the wrong state ends the connection, and with it the daemon process; the launcher starts a new
 * one.
 *
 * A start whose exec has not happened yet when HELLO arrives is replayed as CHILD too; should its exec fail
 * after all, SPAWN_FAILED follows behind REPLAYED. After TERMINATE and its DONE the daemon ends by itself.
 *
 * History (numbers are never reused): 1 - the first. */
#ifndef STREAMKEEPER_WIRE_H
#define STREAMKEEPER_WIRE_H

#define SK_WIRE_VERSION     1
#define SK_WIRE_FD          3 /* the daemon's end, at exec */
#define SK_CONTROL_FD       4 /* the listening control socket, kept by the launcher over the daemon's restarts */
#define SK_HANDOVER_FD      5            /* the listening handover socket (daemon/wire/handover.h) */
#define SK_WIRE_MESSAGE_MAX (160 * 1024) /* bytes of one message; below the default socket buffer */
#define SK_WIRE_FDS_MAX     2            /* per message */
#define SK_WIRE_ARGS_MAX    1024         /* arguments, and environment entries, of one start */
#define SK_WIRE_GROUPS_MAX  64           /* supplementary groups of one start */

/* Daemon to launcher. */
enum sk_request {
    SK_REQUEST_HELLO = 1,
    SK_REQUEST_SPAWN = 2,        /* fds: [cgroup directory], [log file], as the flags say, in this order */
    SK_REQUEST_SIGNAL = 3,       /* to the main process of a start */
    SK_REQUEST_KILL = 4,         /* every process of a start, where there is no cgroup to kill */
    SK_REQUEST_FORGET = 5,       /* the daemon has noted the exit: drop the record */
    SK_REQUEST_ADOPT = 6,        /* fds: [cgroup directory]; a process found there becomes a child record */
    SK_REQUEST_STATE_REMOVE = 7, /* remove the empty state directory of an instance */
    SK_REQUEST_READY = 8,        /* the daemon serves: tell whoever waits for the service */
    SK_REQUEST_STATUS = 9,       /* a line for the service manager */
    SK_REQUEST_PONG = 10,        /* answer to PING */
    SK_REQUEST_DONE = 11, /* answer to TERMINATE: all that had to stop has stopped; the launcher may end */
};

/* Launcher to daemon. */
enum sk_report {
    SK_REPORT_WELCOME = 64,
    SK_REPORT_CHILD = 65,    /* replay: a start that runs; fds: [pidfd] */
    SK_REPORT_REPLAYED = 66, /* end of the replay */
    SK_REPORT_SPAWNED = 67,  /* fds: [pidfd] */
    SK_REPORT_SPAWN_FAILED = 68,
    SK_REPORT_EXITED = 69,  /* repeated after each HELLO until forgotten */
    SK_REPORT_ADOPTED = 70, /* fds: [pidfd] */
    SK_REPORT_ADOPT_FAILED = 71,
    SK_REPORT_STATE_REMOVED = 72,
    SK_REPORT_TERMINATE = 73, /* the launcher was told to end */
    SK_REPORT_PING = 74,
};

/* Where a start failed. The order is the order of the steps; daemon/wire/stage.h has the words. */
enum sk_stage {
    SK_STAGE_REQUEST,     /* the launcher refused the request itself */
    SK_STAGE_TABLE,       /* no free child record */
    SK_STAGE_STATE_DIR,   /* state directory could not be made */
    SK_STAGE_LOG,         /* no log */
    SK_STAGE_CLONE,       /* clone3 into the cgroup */
    SK_STAGE_SESSION,     /* setsid, stdin, signals */
    SK_STAGE_SCHED,       /* nice, autogroup, scheduling policy, ioprio, oom_score_adj */
    SK_STAGE_LIMITS,      /* rlimits */
    SK_STAGE_CREDENTIALS, /* groups, gid, uid, no_new_privs, and their verification */
    SK_STAGE_WORKDIR,
    SK_STAGE_EXEC,
    SK_STAGE_MAX,
};

#endif
