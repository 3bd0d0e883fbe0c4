/* SPDX-License-Identifier: Apache-2.0 */
/* The connection to the daemon: a method call in, a tree out. The only place of streamctl that speaks D-Bus.
 */
#ifndef CTL_CALL_H
#define CTL_CALL_H

#include "ctl/value.h"

struct call; /* a connection */

/* Why something did not work: what the person reads, and the exit code (streamkeeper/exit.h). */
struct failure {
    int exit_code;
    char text[1024];
};

/* Sets the failure and returns -1. */
int failure_set(struct failure *f, int exit_code, const char *format, ...) ATTR_PRINTF(3, 4);
const char *failure_word(int exit_code); /* "unknown", "denied", …: stable, for --json */

/* Connects to the control socket. Returns 0, or -1 with a failure that says which socket and why. */
int call_open(const char *socket, struct call **ret, struct failure *f);
void call_close(struct call *c);

struct call_arg {
    char type;        /* 's' text, 'u' or 't' number, 'b' number, 'y' bytes: text and len */
    const char *text; /* borrowed */
    uint64_t number;
    size_t len;
};

#define ARG_TEXT(t)              \
    (struct call_arg) {          \
        .type = 's', .text = (t) \
    }
#define ARG_BYTES(t, n)                      \
    (struct call_arg) {                      \
        .type = 'y', .text = (t), .len = (n) \
    }
#define ARG_U32(n)                 \
    (struct call_arg) {            \
        .type = 'u', .number = (n) \
    }
#define ARG_U64(n)                 \
    (struct call_arg) {            \
        .type = 't', .number = (n) \
    }
#define ARG_BOOL(n)                \
    (struct call_arg) {            \
        .type = 'b', .number = (n) \
    }

/* An answer: one value, or several as a list. Free with reply_free. */
struct reply {
    const struct value *value;
    struct arena arena;
    void *message; /* owned; texts lie in it */
};

/* Calls and waits for the answer. While the daemon says that it is busy (it is starting) it is asked again
 * for some seconds. Returns 0, or -1 with a failure; ret is untouched then. args may be NULL when n is 0. */
int call_method(struct call *c, const char *method, const struct call_arg *args, size_t n, struct reply *ret,
                struct failure *f);
void reply_free(struct reply *r);

#define CALL_ARGS(...) \
    (struct call_arg[]){__VA_ARGS__}, (sizeof((struct call_arg[]){__VA_ARGS__}) / sizeof(struct call_arg))

#endif
