/* SPDX-License-Identifier: Apache-2.0 */
/* Has an app reached what was asked for? Pure: its status goes in, a verdict comes out. */
#ifndef CTL_WAIT_H
#define CTL_WAIT_H

#include "base/text.h"
#include "ctl/value.h"

#define WAIT_ALL     UINT32_MAX
#define WAIT_NUMBERS 64 /* instances whose old process is remembered */

enum wait_goal { WAIT_RUNNING, WAIT_STOPPED, WAIT_GONE };
enum wait_verdict { WAIT_MORE, WAIT_REACHED, WAIT_FAILED };

struct wait_target {
    const char *name; /* borrowed */
    enum wait_goal goal;
    uint32_t only;                   /* this instance, or WAIT_ALL */
    uint32_t count;                  /* so many instances there must be, or WAIT_ALL: as many as there are */
    uint64_t asked_usec;             /* CLOCK_REALTIME: exits before that do not count */
    uint32_t old_pids[WAIT_NUMBERS]; /* by number: processes that have to be replaced; 0: none */
    enum wait_verdict verdict;
};

/* `app` is one of Status; NULL: there is none. With WAIT_FAILED, *ret_instance is whose fault it is (may be
 * NULL). */
enum wait_verdict wait_judge(const struct wait_target *t, const struct value *app,
                             const struct value **ret_instance);

/* Notes which processes run now. */
void wait_remember(struct wait_target *t, const struct value *app);

/* "payments/enrich: 2/3 running, 1 starting". */
void wait_progress(const struct wait_target *t, const struct value *app, struct text_buf *b);

/* Why it failed, for a person: "payments/enrich/1 is held: … Last exit: …". */
void wait_explain(const struct wait_target *t, const struct value *app, const struct value *instance,
                  struct text_buf *b);

#endif
