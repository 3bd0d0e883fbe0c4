/* SPDX-License-Identifier: Apache-2.0 */
/* Whether, and when, to start again: pure.
 *
 * Rules, in this order: somebody wants it down -> stopped. The exit code is listed as no-restart -> held.
 * Policy never, or on-failure after a success -> stopped. The budget (N automatic starts in the window that
 * ends now; 0: none ever) is used up -> held. The run was stable (ready, and at least stable_usec long) ->
 * start at once, delays begin anew. Else wait: delay doubled for each unstable run in a row, up to delay_max,
 * with up to 10 % jitter taken off, so that a herd does not come back in step. A failed start counts like an
 * unstable run. */
#ifndef SUPERVISE_RESTART_H
#define SUPERVISE_RESTART_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum run_end {
    RUN_END_CODE,         /* exit code in `code` */
    RUN_END_SIGNAL,       /* killed by signal `code` */
    RUN_END_UNKNOWN,      /* gone, and the kernel could not tell how */
    RUN_END_FAILED_START, /* never ran: `stage` and `code` (positive errno) */
    RUN_END_MAX,
};

struct run_exit {
    enum run_end end;
    uint32_t code;
    uint32_t stage; /* enum sk_stage; only with RUN_END_FAILED_START */
    bool dumped;
    bool oom_killed;   /* the out-of-memory killer was in the group */
    bool not_ready;    /* ended by us: not ready in time, or its watchdog missed; a failure */
    uint64_t at_usec;  /* CLOCK_REALTIME */
    uint64_t run_usec; /* how long it ran; 0 when unknown: the run was not stable */
    uint64_t cpu_usec, memory_peak_bytes; /* 0 when unknown */
};

#define RESTART_HISTORY_MAX 64u /* a budget above this is refused by the spec */

/* Monotonic times of the last automatic starts. */
struct restart_history {
    uint64_t starts[RESTART_HISTORY_MAX];
    uint32_t n;             /* in use */
    uint32_t next;          /* ring position */
    uint32_t unstable_runs; /* in a row */
};

enum restart_when { RESTART_POLICY_ALWAYS, RESTART_POLICY_ON_FAILURE, RESTART_POLICY_NEVER };

struct restart_policy {
    enum restart_when when;
    uint64_t delay_usec, delay_max_usec;
    uint32_t budget_starts;
    uint64_t budget_usec;
    uint64_t stable_usec;
    uint64_t success[4], no_restart[4]; /* bit sets of exit codes; a signal n counts as 128 + n */
    uint64_t stop_usec, ready_usec;     /* grace of a stop, time for readiness */
};

enum restart_verdict {
    RESTART_NONE, /* no run has ended yet */
    RESTART_NOW,
    RESTART_DELAYED,
    RESTART_NOT_WANTED, /* somebody wants it down */
    RESTART_ASKED,      /* somebody wanted it again while it ended; never from restart_decide */
    RESTART_DONE,       /* ended well, and the policy lets it */
    RESTART_FORBIDDEN,  /* the exit code says do not restart */
    RESTART_NEVER,      /* the policy is never */
    RESTART_BUDGET,     /* the budget is used up */
    RESTART_VERDICT_MAX,
};

struct restart_decision {
    enum restart_verdict verdict;
    uint64_t delay_usec; /* with RESTART_DELAYED */
};

/* Decides after the end of a run; comes before restart_note_run for it. `wanted` and `stable` as above;
 * jitter is any random number. Changes nothing. */
struct restart_decision restart_decide(const struct restart_policy *p, const struct restart_history *h,
                                       const struct run_exit *exit, bool wanted, bool stable,
                                       uint64_t now_usec, uint64_t jitter);

/* Notes an automatic start, or the end of a run. */
void restart_note_start(struct restart_history *h, uint64_t now_usec);
void restart_note_run(struct restart_history *h, bool stable);
void restart_forget(struct restart_history *h); /* a person started it: a new budget */

bool run_exit_is_success(const struct restart_policy *p, const struct run_exit *exit);

/* "exit code 1", "killed by SIGKILL", "exec: No such file or directory"… Returns buf. */
const char *run_exit_text(const struct run_exit *exit, char *buf, size_t size);

const char *restart_verdict_name(
    enum restart_verdict v); /* "restarted at once", "waiting", "stopped as asked", …: words for a person */

#endif
