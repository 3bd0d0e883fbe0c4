/* SPDX-License-Identifier: Apache-2.0 */
/* The rules of waiting; the loop is in await.c. */
#include "ctl/wait.h"

#include <inttypes.h>
#include <string.h>

#define UNSTABLE_RESTARTS 2 /* after so many an app that ends again is not going to run */

static bool concerns(const struct wait_target *t, const struct value *instance) {
    return t->only == WAIT_ALL || value_uint(instance, "number", 0) == t->only;
}

static bool state_is(const struct value *instance, const char *state) {
    return strcmp(value_text(instance, "state", ""), state) == 0;
}

static bool is_down(const struct value *instance) {
    return state_is(instance, "stopped") || state_is(instance, "held") || state_is(instance, "failed-start");
}

/* It ran since it was asked for, ended, and its spec lets it. */
static bool has_ended_well(const struct wait_target *t, const struct value *instance) {
    const struct value *last = value_get(instance, "last_exit");
    return state_is(instance, "stopped") && value_uint(last, "at_usec", 0) >= t->asked_usec &&
           value_uint(last, "code", 1) == 0;
}

static enum wait_verdict judge_start(const struct wait_target *t, const struct value *i) {
    uint64_t number = value_uint(i, "number", 0);
    uint64_t pid = value_uint(i, "pid", 0);
    bool old = number < WAIT_NUMBERS && t->old_pids[number] != 0 && t->old_pids[number] == pid;
    if (state_is(i, "running"))
        return old || value_bool(i, "outdated") ? WAIT_MORE : WAIT_REACHED;
    if (state_is(i, "held") || state_is(i, "failed-start"))
        return WAIT_FAILED;
    if (state_is(i, "backoff") && value_uint(i, "restarts", 0) >= UNSTABLE_RESTARTS)
        return WAIT_FAILED;
    if (has_ended_well(t, i))
        return WAIT_REACHED;
    const struct value *last = value_get(i, "last_exit");
    if (state_is(i, "stopped") && last && value_uint(last, "at_usec", 0) >= t->asked_usec)
        return WAIT_FAILED;
    return WAIT_MORE;
}

static enum wait_verdict judge_instance(const struct wait_target *t, const struct value *i) {
    if (t->goal != WAIT_RUNNING)
        return is_down(i) ? WAIT_REACHED : WAIT_MORE;
    return judge_start(t, i);
}

enum wait_verdict wait_judge(const struct wait_target *t, const struct value *app,
                             const struct value **ret_instance) {
    *ret_instance = NULL;
    if (!app)
        return t->goal == WAIT_RUNNING ? WAIT_FAILED : WAIT_REACHED;
    if (t->goal == WAIT_GONE)
        return WAIT_MORE;
    if (t->goal == WAIT_RUNNING && !value_bool(app, "wanted"))
        return WAIT_FAILED; /* somebody has stopped it */
    const struct value *instances = value_get(app, "instances");
    if (t->count != WAIT_ALL && value_len(instances) != t->count)
        return WAIT_MORE;
    enum wait_verdict all = WAIT_REACHED;
    VALUE_EACH(instances, i) {
        enum wait_verdict one = concerns(t, i) ? judge_instance(t, i) : WAIT_REACHED;
        if (one == WAIT_FAILED) {
            *ret_instance = i;
            return WAIT_FAILED;
        }
        if (one == WAIT_MORE)
            all = WAIT_MORE;
    }
    return all;
}

void wait_remember(struct wait_target *t, const struct value *app) {
    VALUE_EACH(value_get(app, "instances"), i) {
        uint64_t number = value_uint(i, "number", WAIT_NUMBERS);
        if (number < WAIT_NUMBERS && concerns(t, i))
            t->old_pids[number] = (uint32_t)value_uint(i, "pid", 0);
    }
}

void wait_progress(const struct wait_target *t, const struct value *app, struct text_buf *b) {
    const struct value *instances = value_get(app, "instances");
    const char *other = NULL;
    size_t reached = 0, others = 0, all = 0;
    VALUE_EACH(instances, i) {
        if (!concerns(t, i))
            continue;
        all++;
        if (judge_instance(t, i) == WAIT_REACHED) {
            reached++;
            continue;
        }
        const char *state = value_text(i, "state", "?");
        if (!other)
            other = state;
        others += strcmp(other, state) == 0;
    }
    if (t->count != WAIT_ALL && t->count > all)
        all = t->count;
    text_buf_addf(b, "%s: %zu/%zu %s", t->name, reached, all,
                  t->goal == WAIT_RUNNING ? "running" : "stopped");
    if (other && strcmp(other, "running") == 0 && t->goal == WAIT_RUNNING)
        other = "to be replaced";
    if (other)
        text_buf_addf(b, ", %zu %s", others, other);
}

void wait_explain(const struct wait_target *t, const struct value *app, const struct value *instance,
                  struct text_buf *b) {
    if (!app) {
        text_buf_addf(b, "%s is not there any more: somebody has unregistered it", t->name);
        return;
    }
    if (!instance) {
        text_buf_addf(b, "%s is not to run any more: somebody has stopped it", t->name);
        return;
    }
    const struct value *last = value_get(instance, "last_exit");
    const char *why = value_text(instance, "why", "");
    const char *state = value_text(instance, "state", "?");
    const char *how = value_text(last, "text", "");
    char age[32];
    text_buf_addf(b, "%s/%" PRIu64 " %s", t->name, value_uint(instance, "number", 0),
                  strcmp(state, "backoff") == 0        ? "keeps ending"
                  : strcmp(state, "failed-start") == 0 ? "could not be started"
                  : strcmp(state, "stopped") == 0      ? "has ended"
                                                       : "is ");
    if (strcmp(state, "held") == 0)
        text_buf_add(b, "held");
    if (*why)
        text_buf_addf(b, ": %s", why);
    if (*how && strncmp(why, how, strlen(how)) != 0) {
        text_buf_addf(b, "%s last exit: %s", *why ? ";" : ":", how);
        if (value_uint(last, "run_usec", 0) > 0)
            text_buf_addf(b, " after %s", text_age(value_uint(last, "run_usec", 0), age, sizeof(age)));
    }
    if (value_has(instance, "next_usec"))
        text_buf_add(b, "; it will be tried again");
}
