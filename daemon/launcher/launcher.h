/* SPDX-License-Identifier: Apache-2.0 */
/* The launcher as one value: everything its parts share. There is one per process, static, and nothing is
 * allocated after the start.
 *
 * One thread, one epoll: signals, the wire to the daemon, the pipes of starts on their way, and the pidfds of
 * processes that are not our children. Parts, each in a file of that name: daemon (streamkeeperd's process),
 * serve (its requests), outbox (what it has to be told), reap (exits), adopt (processes of a launcher that
 * died), killall, watchdog, resume (executing ourselves again), loop. */
#ifndef LAUNCHER_LAUNCHER_H
#define LAUNCHER_LAUNCHER_H

#include "base/cgroot.h"
#include "base/paths.h"
#include "launcher/children.h"
#include "launcher/lock.h"
#include "launcher/notify.h"
#include "launcher/options.h"
#include "launcher/policy.h"
#include "launcher/queue.h"
#include "launcher/spawn.h"
#include "launcher/users.h"

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

/* The conversation with the daemon: greeting until its HELLO, replaying until REPLAYED is sent, then open. */
enum wire_state { WIRE_CLOSED, WIRE_GREETING, WIRE_REPLAYING, WIRE_OPEN };

/* Why we end, if we do. */
enum ending { ENDING_NOT, ENDING_STOP, ENDING_LEAVE, ENDING_ASK, ENDING_RELOAD };

struct outbox {
    int socket; /* owned; -EBADF while closed */
    enum wire_state state;
    bool owes_replayed, owes_terminate, owes_ping;
    unsigned interest;        /* what epoll watches now */
    struct child_queue queue; /* records with something owed */
    /* The answer to the last request, if the socket was full; no further request is read before it is sent.
     */
    int reply_len;
    uint8_t reply[1024];
};

struct daemon_process {
    pid_t pid;      /* 0: none runs */
    bool has_ended; /* reaped, with this status; what it said last is still to be read */
    int wait_status;
    uint64_t started_at, heard_at, start_at, kill_at; /* CLOCK_MONOTONIC; USEC_NEVER: not set */
    uint64_t delay_usec;                              /* before the next start */
    unsigned failures;                                /* deaths in a row while we want to end */
    bool has_served; /* one of our daemons, or of the program before us, did */
    const char *path;
    char path_buf[600];
};

struct watchdog {
    uint64_t interval_usec; /* 0: off */
    uint64_t next_at;       /* USEC_NEVER while off */
    bool ping_unanswered;
};

struct launcher {
    struct options options;
    char **argv; /* borrowed, for executing ourselves again */
    struct paths paths;
    struct cgroot cgroot;
    struct policy policy;
    struct spawn_host host;
    struct user daemon_user;
    struct notify notify;
    bool under_systemd;
    struct lock_note last; /* what the launcher before us noted */
    char program[600], program_folder[600], state_tool[700], cgsetup[700]; /* from /proc/self/exe */

    int epoll_fd, signal_fd, control_fd, handover_fd, lock_fd; /* owned */
    enum ending ending;
    int deferred_signal;    /* came while a reload was on its way; for the program after it */
    bool is_ready, is_done; /* the daemon serves; it has said DONE */
    bool must_exit;
    int exit_code;

    struct daemon_process daemon;
    struct watchdog watchdog;
    struct outbox outbox;
    struct children children;
    struct msg_spawn spawn; /* the request in hand; too large for a stack */
    uint8_t datagram[SK_WIRE_MESSAGE_MAX];
};

/* What an epoll event means: a kind and the index of a child record. */
enum source { SOURCE_SIGNAL, SOURCE_WIRE, SOURCE_PIPE, SOURCE_PIDFD };

static inline uint64_t source_tag(enum source source, unsigned index) {
    return (uint64_t)source << 32 | index;
}

#endif
