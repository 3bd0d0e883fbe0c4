/* SPDX-License-Identifier: Apache-2.0 */
/* What the registry holds, as values and bytes. Keys:
 *
 *     app/<tenant>/<app>                    the app: its spec, generation, whether it is to run
 *     run/<tenant>/<app>/<n>                the present or last start of an instance
 *     exit/<tenant>/<app>/<n>/<seq>         how its runs ended
 *     event/<seq>                           what happened, for people
 *
 * <n> has 4 digits, <seq> 16 hex digits, so that the order of the keys is the order of things. Every value
 * begins with a version byte; a version that is not known is an error, never a guess. A new field is added
 * behind the others with a new version. Decoders take whatever bytes: 0, or -EBADMSG (ret untouched; what it
 * would own is freed). */
#ifndef MANAGER_RECORD_H
#define MANAGER_RECORD_H

#include "base/text.h"
#include "supervise/restart.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define RECORD_KEY_MAX 256

struct app_record {
    uint64_t generation;
    bool wanted;             /* it is to run */
    bool removing;           /* unregistered; its instances are still to be stopped */
    bool purge;              /* ... and its state directories removed */
    uint32_t instances;      /* after scale; the spec's number otherwise */
    uint32_t most_instances; /* it ever had: so many state directories may exist */
    uint64_t registered_usec;
    uint32_t registered_by;
    uint64_t asked_usec; /* when somebody last asked for a start: no end before that holds it back */
    char *spec_text;     /* canonical; owned */
};

struct run_record {
    uint64_t start_id;
    uint64_t generation;
    uint32_t pid; /* 0: asked for, not yet started */
    uint64_t start_ticks;
    uint64_t exit_seq;               /* number of exits noted so far */
    uint64_t started_usec;           /* CLOCK_REALTIME */
    uint64_t oom_before, cpu_before; /* counters of its group when it began; UINT64_MAX unknown */
    bool ended, ready;
    enum restart_verdict verdict; /* what followed its end; RESTART_NONE before */
    uint32_t restarts;            /* automatic starts since the last manual one */
    char class[NAME_LEN_MAX + 1]; /* where its group is */
    char boot_id[40];
};

#define RECORD_TEXT_MAX 256

struct exit_record {
    uint32_t number; /* the instance */
    uint64_t seq, generation, started_usec;
    uint32_t pid;
    struct run_exit exit;
    enum restart_verdict verdict;    /* what followed */
    char reason[RECORD_TEXT_MAX];    /* who or what asked for the end, or what followed and why */
    char last_line[RECORD_TEXT_MAX]; /* last line of its output, where known */
};

enum event_kind {
    EVENT_REGISTERED,
    EVENT_UNREGISTERED,
    EVENT_WANTED, /* somebody said start, stop, restart, scale */
    EVENT_STARTED,
    EVENT_READY,
    EVENT_EXITED,
    EVENT_START_FAILED,
    EVENT_RESTARTING,
    EVENT_HELD,
    EVENT_STOPPED,
    EVENT_OOM,
    EVENT_GATED,
    EVENT_TAKEN_OVER,
    EVENT_SERVICE, /* the daemon itself: started, stopping, configuration */
    EVENT_KIND_MAX,
};

struct event_record {
    uint64_t at_usec;
    enum event_kind kind;
    char tenant[NAME_LEN_MAX + 1], app[NAME_LEN_MAX + 1]; /* "" : the service */
    int32_t number;                                       /* instance, -1: the app as a whole */
    int64_t actor_uid;                                    /* -1: the daemon itself */
    char text[RECORD_TEXT_MAX];                           /* what happened and why, one line */
};

const char *event_kind_name(enum event_kind kind); /* "registered", "started", … */

/* Keys. All fit RECORD_KEY_MAX. */
void record_app_key(char key[RECORD_KEY_MAX], const char *tenant, const char *app);
void record_run_key(char key[RECORD_KEY_MAX], const char *tenant, const char *app, uint32_t number);
void record_exit_key(char key[RECORD_KEY_MAX], const char *tenant, const char *app, uint32_t number,
                     uint64_t seq);
void record_event_key(char key[RECORD_KEY_MAX], uint64_t seq);
/* "run/<tenant>/<app>/" and the like: every key of one app of a kind ("run", "exit"). */
void record_app_prefix(char key[RECORD_KEY_MAX], const char *kind, const char *tenant, const char *app);
/* The sequence number at the end of an exit or event key. 0 or -EBADMSG. */
int record_key_seq(const char *key, uint64_t *ret);
/* The names in an app or run key; number may be NULL. 0 or -EBADMSG. */
int record_key_app(const char *key, char tenant[NAME_LEN_MAX + 1], char app[NAME_LEN_MAX + 1],
                   uint32_t *number);

/* Encoders: the length, or -EMSGSIZE. */
int app_record_encode(const struct app_record *r, void *buf, size_t size);
int run_record_encode(const struct run_record *r, void *buf, size_t size);
int exit_record_encode(const struct exit_record *r, void *buf, size_t size);
int event_record_encode(const struct event_record *r, void *buf, size_t size);

int app_record_decode(const void *data, size_t len,
                      struct app_record *ret); /* spec_text is allocated; -ENOMEM too */
int run_record_decode(const void *data, size_t len, struct run_record *ret);
int exit_record_decode(const void *data, size_t len, struct exit_record *ret);
int event_record_decode(const void *data, size_t len, struct event_record *ret);
void app_record_free(struct app_record *r);

#endif
