/* SPDX-License-Identifier: Apache-2.0 */
/* One run of streamctl: what was asked for, and where to print. */
#ifndef CTL_CTL_H
#define CTL_CTL_H

#include "base/paths.h"
#include "ctl/call.h"
#include "ctl/term.h"

#include <stdbool.h>
#include <stdint.h>

struct ctl_options {
    const char *root; /* NULL: the system's folders */
    const char *colour;
    const char *policy; /* NULL: the shipped settings of the governor */
    bool json, no_wait, follow, purge, yes, no_start, all, help;
    uint64_t timeout_usec;
    uint32_t lines; /* 0: the verb's default */
};

struct ctl {
    struct ctl_options options;
    struct paths paths;
    struct look look;       /* of stdout */
    struct call *call;      /* owned; NULL: not connected yet */
    struct failure failure; /* why the verb failed */
};

/* Connects at the first call. Returns 0, or -1 with c->failure. */
int ctl_call(struct ctl *c, const char *method, const struct call_arg *args, size_t n, struct reply *ret);

/* Prints the text (freed) or, with --json, nothing. Both return the exit code. */
int ctl_print(struct ctl *c, struct text_buf *b);
int ctl_print_json(struct ctl *c, const struct value *v);

/* Splits "tenant/app/3" into the app and the instance's number (UINT32_MAX when none is named). Returns 0, or
 * -1 with c->failure. */
int ctl_split_instance(struct ctl *c, const char *arg, char name[], size_t size, uint32_t *ret_number);

/* Prints c->failure, for a person or as JSON, on stderr. Returns its exit code. */
int ctl_fail(struct ctl *c);

#endif
