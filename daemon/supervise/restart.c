/* SPDX-License-Identifier: Apache-2.0 */
/* The restart rules and the words for them; starts nothing and reads no clock. */
#include "supervise/restart.h"

#include "base/attr.h"
#include "base/clock.h"
#include "base/parse.h"
#include "wire/stage.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

static bool codes_has(const uint64_t codes[4], uint32_t code) {
    return code < 256 && (codes[code / 64] >> (code % 64) & 1);
}

/* The exit as a shell would number it; false when it has no number. */
static bool exit_number(const struct run_exit *exit, uint32_t *ret) {
    switch (exit->end) {
    case RUN_END_CODE:
        *ret = exit->code;
        return true;
    case RUN_END_SIGNAL:
        *ret = 128 + exit->code;
        return exit->code < 128;
    case RUN_END_UNKNOWN:
    case RUN_END_FAILED_START:
    case RUN_END_MAX:
        break;
    }
    return false;
}

bool run_exit_is_success(const struct restart_policy *p, const struct run_exit *exit) {
    uint32_t number;
    return !exit->not_ready && exit_number(exit, &number) && codes_has(p->success, number);
}

static bool is_forbidden(const struct restart_policy *p, const struct run_exit *exit) {
    uint32_t number;
    return exit_number(exit, &number) && codes_has(p->no_restart, number);
}

/* Automatic starts less than one window ago. */
static uint32_t count_recent(const struct restart_history *h, uint64_t window_usec, uint64_t now_usec) {
    uint32_t recent = 0;
    for (uint32_t i = 0; i < h->n; i++)
        recent += usec_sub(now_usec, h->starts[i]) < window_usec;
    return recent;
}

static uint64_t delay_after(const struct restart_policy *p, uint32_t unstable_runs, uint64_t jitter) {
    uint64_t delay = MIN(p->delay_usec, p->delay_max_usec);
    for (uint32_t i = 0; i < unstable_runs && delay > 0 && delay < p->delay_max_usec; i++)
        delay = delay > p->delay_max_usec / 2 ? p->delay_max_usec : delay * 2;
    return delay - jitter % (delay / 10 + 1);
}

struct restart_decision restart_decide(const struct restart_policy *p, const struct restart_history *h,
                                       const struct run_exit *exit, bool wanted, bool stable,
                                       uint64_t now_usec, uint64_t jitter) {
    bool success = run_exit_is_success(p, exit);
    if (!wanted)
        return (struct restart_decision){.verdict = RESTART_NOT_WANTED};
    if (is_forbidden(p, exit))
        return (struct restart_decision){.verdict = RESTART_FORBIDDEN};
    if (success && p->when != RESTART_POLICY_ALWAYS)
        return (struct restart_decision){.verdict = RESTART_DONE};
    if (p->when == RESTART_POLICY_NEVER)
        return (struct restart_decision){.verdict = RESTART_NEVER};
    if (count_recent(h, p->budget_usec, now_usec) >= MIN(p->budget_starts, RESTART_HISTORY_MAX))
        return (struct restart_decision){.verdict = RESTART_BUDGET};
    if (stable)
        return (struct restart_decision){.verdict = RESTART_NOW};
    return (struct restart_decision){.verdict = RESTART_DELAYED,
                                     .delay_usec = delay_after(p, h->unstable_runs, jitter)};
}

void restart_note_start(struct restart_history *h, uint64_t now_usec) {
    h->starts[h->next] = now_usec;
    h->next = (h->next + 1) % RESTART_HISTORY_MAX;
    h->n = MIN(h->n + 1, RESTART_HISTORY_MAX);
}

void restart_note_run(struct restart_history *h, bool stable) {
    if (stable)
        h->unstable_runs = 0;
    else if (h->unstable_runs < UINT32_MAX)
        h->unstable_runs++;
}

void restart_forget(struct restart_history *h) {
    memset(h, 0, sizeof(*h));
}

const char *run_exit_text(const struct run_exit *exit, char *buf, size_t size) {
    const char *first = exit->not_ready ? "not ready in time, then " : "";
    char word[32];
    switch (exit->end) {
    case RUN_END_CODE:
        snprintf(buf, size, "%sexit code %" PRIu32 "%s", first, exit->code,
                 exit->oom_killed ? " (out of memory in its group)" : "");
        break;
    case RUN_END_SIGNAL:
        snprintf(buf, size, "%skilled by %s%s", first, signal_name((int)exit->code, word, sizeof(word)),
                 exit->oom_killed ? " (out of memory)"
                 : exit->dumped   ? " (core dumped)"
                                  : "");
        break;
    case RUN_END_FAILED_START: {
        const char *reason = strerrordesc_np((int)exit->code);
        snprintf(buf, size, "%s: %s", stage_name(exit->stage), reason ? reason : "unknown error");
        break;
    }
    case RUN_END_UNKNOWN:
    case RUN_END_MAX:
        snprintf(buf, size, "%sended, how is unknown", first);
        break;
    }
    return buf;
}

static const char *const verdict_names[] = {
    [RESTART_NONE] = "no run has ended yet",
    [RESTART_NOW] = "restarted at once",
    [RESTART_DELAYED] = "waiting to restart",
    [RESTART_NOT_WANTED] = "stopped as asked",
    [RESTART_ASKED] = "started again as asked",
    [RESTART_DONE] = "ended well",
    [RESTART_FORBIDDEN] = "held: this exit code forbids a restart",
    [RESTART_NEVER] = "stopped: the policy is never to restart",
    [RESTART_BUDGET] = "held: too many restarts in too short a time",
};
static_assert(ARRAY_LEN(verdict_names) == RESTART_VERDICT_MAX, "a verdict without words");

const char *restart_verdict_name(enum restart_verdict v) {
    return v < RESTART_VERDICT_MAX ? verdict_names[v] : "unknown";
}
