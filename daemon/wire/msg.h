/* SPDX-License-Identifier: Apache-2.0 */
/* The messages between launcher and daemon as values: one struct, one encode and one decode per verb that has
 * fields. No policy, no I/O.
 *
 * Encoders return the length or -EMSGSIZE. Decoders return 0 or -EBADMSG (wrong verb, short, too long, a text
 * that is not one); texts and lists of a decoded message are borrowed from the datagram and live as long as
 * it. Nothing is changed on failure. */
#ifndef WIRE_MSG_H
#define WIRE_MSG_H

#include "streamkeeper/wire.h"
#include "wire/msg_spawn.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* The daemon's first message. */
struct msg_hello {
    uint32_t version;
};

/* What the daemon must know about its launcher. */
struct msg_welcome {
    uint32_t version;
    uint32_t launcher_pid;
    bool can_change_uid; /* it is root: instances may run as other users */
    bool has_journal;    /* output can go to the journal */
    bool under_systemd;  /* NOTIFY_SOCKET was set: a service manager waits */
    uint32_t owner_uid;  /* who started the service: owner of the default tenant */
    uint32_t owner_gid;
    uint32_t uid_min, uid_max; /* what the launcher permits for instances (uids and gids), both included;
                                  owner_uid too if owner_permitted */
    bool owner_permitted;
};

struct msg_signal {
    uint64_t start_id;
    uint32_t signo;
};

/* KILL, FORGET: only the start they mean. */
struct msg_start_ref {
    uint64_t start_id;
};

struct msg_adopt {
    uint64_t start_id;
    uint32_t pid;
    uint64_t start_ticks;     /* field 22 of /proc/PID/stat: guards against a recycled pid */
    const char *tenant, *app; /* for the record only; "" or NULL: not known */
    uint32_t number;
};

struct msg_state_remove {
    const char *tenant, *app;
    uint32_t number;
};

struct msg_status {
    const char *text;
};

/* CHILD, SPAWNED, ADOPTED. */
struct msg_child {
    uint64_t start_id;
    uint32_t pid;
    uint64_t start_ticks;
    /* Which instance it is, as its SPAWN or ADOPT said: the daemon may have died before it noted the start.
     * "" (or NULL when encoding): not known. */
    const char *tenant, *app;
    uint32_t number;
};

/* SPAWN_FAILED, ADOPT_FAILED (stage REQUEST), STATE_REMOVED (start_id 0; error 0 is success). */
struct msg_failed {
    uint64_t start_id;
    uint32_t stage;     /* enum sk_stage */
    uint32_t error;     /* positive errno */
    const char *detail; /* "" or a path or word that helps a person */
};

enum msg_exit_how { MSG_EXIT_UNKNOWN = 0, MSG_EXIT_CODE = 1, MSG_EXIT_SIGNAL = 2, MSG_EXIT_DUMPED = 3 };

struct msg_exited {
    uint64_t start_id;
    uint32_t pid;
    uint32_t how;     /* enum msg_exit_how */
    uint32_t code;    /* exit code or signal */
    uint64_t at_usec; /* CLOCK_REALTIME when the launcher saw it */
    uint64_t at_monotonic_usec;
    uint64_t user_usec, system_usec, max_rss_bytes; /* 0 when unknown */
    const char *tenant, *app;                       /* as in msg_child */
    uint32_t number;
};

enum msg_terminate_why { MSG_TERMINATE_STOP = 1, MSG_TERMINATE_LEAVE = 2, MSG_TERMINATE_ASK = 3 };

/* STOP: stop the apps in order, then DONE. LEAVE: end, leaving the apps. ASK: the service manager knows which
 * of the two. */
struct msg_terminate {
    uint32_t why;
};

int msg_encode_plain(uint8_t verb, void *buf, size_t size); /* REPLAYED, READY, PING, PONG, DONE */
int msg_encode_hello(const struct msg_hello *m, void *buf, size_t size);
int msg_encode_welcome(const struct msg_welcome *m, void *buf, size_t size);
int msg_encode_signal(const struct msg_signal *m, void *buf, size_t size);
int msg_encode_start_ref(uint8_t verb, const struct msg_start_ref *m, void *buf, size_t size);
int msg_encode_adopt(const struct msg_adopt *m, void *buf, size_t size);
int msg_encode_state_remove(const struct msg_state_remove *m, void *buf, size_t size);
int msg_encode_status(const struct msg_status *m, void *buf, size_t size);
int msg_encode_child(uint8_t verb, const struct msg_child *m, void *buf, size_t size);
int msg_encode_failed(uint8_t verb, const struct msg_failed *m, void *buf, size_t size);
int msg_encode_exited(const struct msg_exited *m, void *buf, size_t size);
int msg_encode_terminate(const struct msg_terminate *m, void *buf, size_t size);

/* The verb of a datagram, or -EBADMSG for an empty one. */
int msg_verb(const void *data, size_t len);

int msg_decode_plain(const void *data, size_t len); /* nothing may follow the verb */
int msg_decode_hello(const void *data, size_t len, struct msg_hello *ret);
int msg_decode_welcome(const void *data, size_t len, struct msg_welcome *ret);
int msg_decode_signal(const void *data, size_t len, struct msg_signal *ret);
int msg_decode_start_ref(const void *data, size_t len, struct msg_start_ref *ret);
int msg_decode_adopt(const void *data, size_t len, struct msg_adopt *ret);
int msg_decode_state_remove(const void *data, size_t len, struct msg_state_remove *ret);
int msg_decode_status(const void *data, size_t len, struct msg_status *ret);
int msg_decode_child(const void *data, size_t len, struct msg_child *ret);
int msg_decode_failed(const void *data, size_t len, struct msg_failed *ret);
int msg_decode_exited(const void *data, size_t len, struct msg_exited *ret);
int msg_decode_terminate(const void *data, size_t len, struct msg_terminate *ret);

#endif
