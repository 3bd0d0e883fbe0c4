/* SPDX-License-Identifier: Apache-2.0 */
/* The loop around wait.c. The daemon is asked for the status; nothing there waits for us. */
#include "ctl/await.h"

#include "base/clock.h"
#include "base/fd.h"
#include "streamkeeper/exit.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/signalfd.h>
#include <unistd.h>

#define STEP_MSEC      40
#define STEP_MAX_MSEC  250
#define LAST_LINES     5
#define EXPLAINED_SIZE 900
#define NOT_SHOWN      SIZE_MAX /* another app has the line */

int await_catch(void) {
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGINT);
    sigaddset(&set, SIGTERM);
    if (sigprocmask(SIG_BLOCK, &set, NULL) < 0)
        return -errno;
    int fd = signalfd(-1, &set, SFD_CLOEXEC);
    return fd < 0 ? -errno : fd;
}

bool await_pause(int signal_fd, unsigned msec) {
    struct pollfd p = {.fd = signal_fd, .events = POLLIN};
    return poll(&p, 1, (int)msec) > 0;
}

struct progress {
    bool shown;  /* there is a line to take back */
    bool wanted; /* stderr is a terminal */
    bool silent; /* --json */
    uint64_t begun_usec;
};

static void progress_clear(struct progress *p) {
    if (p->shown)
        fputs("\r\033[K", stderr);
    p->shown = false;
}

static void progress_show(struct progress *p, const struct wait_target *t, const struct value *app,
                          size_t others, unsigned width) {
    uint64_t seconds = usec_sub(clock_monotonic_usec(), p->begun_usec) / USEC_PER_SEC;
    if (!p->wanted || !app)
        return;
    CLEANUP(cleanup_text_buf) struct text_buf line = {0};
    CLEANUP(cleanup_text_buf) struct text_buf clean = {0};
    CLEANUP(cleanup_text_buf) struct text_buf cut = {0};
    wait_progress(t, app, &line);
    if (others > 0)
        text_buf_addf(&line, " (and %zu more)", others);
    text_buf_addf(&line, "  %u:%02u", (unsigned)(seconds / 60), (unsigned)(seconds % 60));
    if (line.failed)
        return;
    text_add_harmless(&clean, line.data, line.len, false);
    text_add_cut(&cut, clean.data ? clean.data : "", width > 1 ? width - 1 : 79);
    fprintf(stderr, "\r\033[K%s", cut.data ? cut.data : "");
    fflush(stderr);
    p->shown = true;
}

/* The last lines an instance wrote, below the explanation. */
static void add_last_lines(struct ctl *c, const char *name, uint64_t number, struct text_buf *b) {
    struct reply r;
    struct failure kept = c->failure;
    if (ctl_call(c, "Logs", CALL_ARGS(ARG_TEXT(name), ARG_U32(number), ARG_TEXT(""), ARG_U32(LAST_LINES)),
                 &r) < 0) {
        c->failure = kept;
        return;
    }
    const struct value *lines = r.value->list.first;
    if (value_len(lines) > 0)
        text_buf_add(b, "\nIts last lines:");
    VALUE_EACH(lines, line) {
        const struct value *text = line->list.last;
        text_buf_add(b, "\n  ");
        text_buf_add_bytes(b, text->text.data, MIN(text->text.len, (size_t)160));
    }
    reply_free(&r);
}

static int fail_target(struct ctl *c, const struct wait_target *t, const struct value *app,
                       const struct value *instance) {
    CLEANUP(cleanup_text_buf) struct text_buf b = {0};
    wait_explain(t, app, instance, &b);
    if (instance)
        add_last_lines(c, t->name, value_uint(instance, "number", 0), &b);
    failure_set(&c->failure, SK_EXIT_FAILURE, "%.*s", EXPLAINED_SIZE, b.data ? b.data : t->name);
    return ctl_fail(c);
}

static void say_reached(const struct progress *p, const struct wait_target *t, const struct value *app) {
    CLEANUP(cleanup_text_buf) struct text_buf b = {0};
    char age[32];
    if (p->silent || t->goal == WAIT_GONE || !app)
        return;
    wait_progress(t, app, &b);
    printf("%s, after %s\n", b.data ? b.data : t->name,
           text_age(usec_sub(clock_monotonic_usec(), p->begun_usec), age, sizeof(age)));
    fflush(stdout);
}

/* Asks for one app. Returns the exit code of what ended it, 0 while nothing did. */
static int look_at(struct ctl *c, struct wait_target *t, struct progress *p, size_t others) {
    struct reply r = {0};
    const struct value *instance, *app = NULL;
    if (ctl_call(c, "Status", CALL_ARGS(ARG_TEXT(t->name), ARG_BOOL(0)), &r) >= 0) {
        app = r.value->list.first;
    } else if (c->failure.exit_code != SK_EXIT_UNKNOWN) {
        progress_clear(p);
        return ctl_fail(c);
    }
    t->verdict = wait_judge(t, app, &instance);
    int code = SK_EXIT_OK;
    if (t->verdict == WAIT_FAILED) {
        progress_clear(p);
        code = fail_target(c, t, app, instance);
    } else if (t->verdict == WAIT_MORE && others != NOT_SHOWN) {
        progress_show(p, t, app, others, c->look.width ? c->look.width : 80);
    } else if (t->verdict == WAIT_REACHED) {
        progress_clear(p);
        say_reached(p, t, app);
    }
    reply_free(&r);
    return code;
}

static int give_up(struct ctl *c, const struct wait_target *t, const char *why) {
    struct reply r = {0};
    CLEANUP(cleanup_text_buf) struct text_buf b = {0};
    if (ctl_call(c, "Status", CALL_ARGS(ARG_TEXT(t->name), ARG_BOOL(0)), &r) >= 0) {
        text_buf_add(&b, " (");
        wait_progress(t, r.value->list.first, &b);
        text_buf_add(&b, ")");
        VALUE_EACH(value_get(r.value->list.first, "instances"), i) {
            const char *word = value_text(i, "why", "");
            if (*word && strcmp(value_text(i, "state", ""), "running") != 0) {
                text_buf_addf(&b, "; %s", word);
                break;
            }
        }
    }
    reply_free(&r);
    failure_set(&c->failure, SK_EXIT_TIMEOUT,
                "%s%s; the request was accepted, and the daemon goes on with it", why, b.data ? b.data : "");
    return ctl_fail(c);
}

static int await_all(struct ctl *c, struct wait_target *targets, size_t n, struct progress *p,
                     int signal_fd) {
    uint64_t end = usec_add(p->begun_usec, c->options.timeout_usec);
    char duration[32], why[64];
    int code = SK_EXIT_OK;
    for (unsigned step = STEP_MSEC;; step = MIN(step + STEP_MSEC / 4, (unsigned)STEP_MAX_MSEC)) {
        struct wait_target *first = NULL;
        size_t others = 0;
        for (size_t i = 0; i < n; i++)
            others += targets[i].verdict == WAIT_MORE;
        for (size_t i = 0; i < n; i++) {
            struct wait_target *t = &targets[i];
            if (t->verdict != WAIT_MORE)
                continue;
            int r = look_at(c, t, p, first ? NOT_SHOWN : others - 1);
            if (r == SK_EXIT_UNREACHABLE)
                return r;
            code = code ? code : r;
            if (t->verdict == WAIT_MORE && !first)
                first = t;
        }
        if (!first)
            return code;
        bool late = clock_monotonic_usec() >= end;
        if (late || await_pause(signal_fd, step)) {
            progress_clear(p);
            snprintf(why, sizeof(why), "not reached in %s",
                     text_duration(c->options.timeout_usec, duration, sizeof(duration)));
            return give_up(c, first, late ? why : "no longer waiting");
        }
    }
}

int await_targets(struct ctl *c, struct wait_target *targets, size_t n) {
    if (c->options.no_wait || n == 0)
        return SK_EXIT_OK;
    AUTO_FD int signal_fd = await_catch();
    struct progress p = {.begun_usec = clock_monotonic_usec(),
                         .wanted = isatty(STDERR_FILENO) && !c->options.json,
                         .silent = c->options.json};
    int code = await_all(c, targets, n, &p, signal_fd);
    progress_clear(&p);
    return code;
}
