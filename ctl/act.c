/* SPDX-License-Identifier: Apache-2.0 */
/* Verbs that change something: ask, say what was accepted, wait until it is reached. */
#include "ctl/await.h"
#include "ctl/verbs.h"

#include "base/clock.h"
#include "base/fd.h"
#include "base/parse.h"
#include "ctl/json.h"
#include "streamkeeper/exit.h"
#include "streamkeeper/names.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define SPEC_BYTES_MAX (SK_REQUEST_MAX - 8192) /* what fits into a request; the daemon allows less */

/* The apps of one command: each is asked for on its own, then all are waited for together. */
struct batch {
    struct ctl *c;
    struct wait_target *targets; /* owned; so are their names */
    size_t n;
    int code;  /* of the first that failed */
    bool over; /* nobody answers: asking for the others makes no sense */
};

static int batch_new(struct batch *b, struct ctl *c, int n) {
    *b = (struct batch){.c = c, .targets = calloc((size_t)n, sizeof(*b->targets))};
    if (!b->targets)
        return failure_set(&c->failure, SK_EXIT_FAILURE, "out of memory");
    return 0;
}

static void batch_free(struct batch *b) {
    for (size_t i = 0; i < b->n; i++)
        free((void *)(uintptr_t)b->targets[i].name);
    free(b->targets);
}

static void batch_fail(struct batch *b) {
    int code = ctl_fail(b->c);
    b->code = b->code ? b->code : code;
    b->over = code == SK_EXIT_UNREACHABLE;
}

static void batch_add(struct batch *b, const struct wait_target *t) {
    char *name = strdup(t->name);
    if (!name)
        return;
    b->targets[b->n] = *t;
    b->targets[b->n++].name = name;
}

static int batch_end(struct batch *b) {
    int code = await_targets(b->c, b->targets, b->n);
    code = b->code ? b->code : code;
    batch_free(b);
    return code;
}

/* What the daemon says to an accepted request. */
static void print_result(struct ctl *c, const struct value *result) {
    struct text_buf b = {0};
    if (c->options.json) {
        json_add(&b, result);
    } else {
        CLEANUP(cleanup_text_buf) struct text_buf line = {0};
        text_buf_addf(&line, "%s: %s", value_text(result, "name", "?"), value_text(result, "text", ""));
        text_add_harmless(&b, line.data ? line.data : "", line.len, false);
        text_buf_add(&b, "\n");
    }
    ctl_print(c, &b);
}

static bool name_is_plausible(struct ctl *c, const char *name) {
    if (*name)
        return true;
    failure_set(&c->failure, SK_EXIT_USAGE, "the name of an app is empty; it is tenant/app");
    return false;
}

/* One request about one app. */
static void batch_ask(struct batch *b, const char *method, const struct call_arg *args, size_t n,
                      const struct wait_target *t) {
    struct reply r;
    if (!name_is_plausible(b->c, t->name) || ctl_call(b->c, method, args, n, &r) < 0) {
        batch_fail(b);
        return;
    }
    print_result(b->c, r.value);
    batch_add(b, t);
    reply_free(&r);
}

static struct wait_target target(const char *name, enum wait_goal goal) {
    return (struct wait_target){
        .name = name, .goal = goal, .only = WAIT_ALL, .count = WAIT_ALL, .asked_usec = clock_realtime_usec()};
}

static int read_spec(struct ctl *c, const char *file, char **ret_text, size_t *ret_len) {
    bool is_stdin = strcmp(file, "-") == 0;
    AUTO_FD int fd = is_stdin ? -EBADF : open(file, O_RDONLY | O_CLOEXEC | O_NOCTTY);
    if (!is_stdin && fd < 0)
        return failure_set(&c->failure, SK_EXIT_INVALID, "cannot read %s: %s", file, strerror(errno));
    AUTO_FREE char *text = malloc(SPEC_BYTES_MAX + 1);
    size_t len = 0;
    ssize_t n = 1;
    while (text && n > 0 && len <= SPEC_BYTES_MAX) {
        n = read(is_stdin ? STDIN_FILENO : fd, text + len, SPEC_BYTES_MAX + 1 - len);
        if (n < 0)
            return failure_set(&c->failure, SK_EXIT_INVALID, "cannot read %s: %s", file, strerror(errno));
        len += (size_t)n;
    }
    if (!text)
        return failure_set(&c->failure, SK_EXIT_FAILURE, "out of memory");
    if (len > SPEC_BYTES_MAX)
        return failure_set(&c->failure, SK_EXIT_INVALID, "%s is too long for a spec (at most 64 KiB)", file);
    *ret_text = TAKE_PTR(text);
    *ret_len = len;
    return 0;
}

static const char *file_name(const char *file) {
    return strcmp(file, "-") == 0 ? "(standard input)" : file;
}

static int register_one(struct ctl *c, const char *file, struct reply *ret) {
    AUTO_FREE char *text = NULL;
    size_t len = 0;
    if (read_spec(c, file, &text, &len) < 0)
        return -1;
    return ctl_call(
        c, "Register",
        CALL_ARGS(ARG_TEXT(file_name(file)), ARG_BYTES(text, len), ARG_BOOL(!c->options.no_start)), ret);
}

int verb_register(struct ctl *c, int n, char **args) {
    struct batch b;
    if (batch_new(&b, c, n) < 0)
        return ctl_fail(c);
    for (int i = 0; i < n && !b.over; i++) {
        struct reply r;
        struct wait_target t = target("", WAIT_RUNNING);
        if (register_one(c, args[i], &r) < 0) {
            batch_fail(&b);
            continue;
        }
        print_result(c, r.value);
        t.name = value_text(r.value, "name", "");
        if (!c->options.no_start && *t.name)
            batch_add(&b, &t);
        reply_free(&r);
    }
    return batch_end(&b);
}

int verb_validate(struct ctl *c, int n, char **args) {
    int code = SK_EXIT_OK;
    for (int i = 0; i < n && code != SK_EXIT_UNREACHABLE; i++) {
        AUTO_FREE char *text = NULL;
        size_t len = 0;
        struct reply r;
        if (read_spec(c, args[i], &text, &len) < 0 ||
            ctl_call(c, "Validate", CALL_ARGS(ARG_TEXT(file_name(args[i])), ARG_BYTES(text, len)), &r) < 0) {
            int failed = ctl_fail(c);
            code = code ? code : failed;
            continue;
        }
        struct text_buf b = {0};
        if (c->options.json)
            json_add(&b, r.value);
        else
            text_buf_addf(&b, "%s: a valid spec of %s\n", file_name(args[i]),
                          value_text(r.value, "name", "?"));
        ctl_print(c, &b);
        reply_free(&r);
    }
    return code;
}

static bool confirm(struct ctl *c, const char *name) {
    char answer[16] = "";
    if (c->options.yes || !isatty(STDIN_FILENO))
        return true;
    fprintf(stderr, "Remove %s and all its state for good? [y/N] ", name);
    if (fgets(answer, sizeof(answer), stdin) && (answer[0] == 'y' || answer[0] == 'Y'))
        return true;
    failure_set(&c->failure, SK_EXIT_FAILURE, "%s was left as it is", name);
    return false;
}

int verb_unregister(struct ctl *c, int n, char **args) {
    struct batch b;
    if (batch_new(&b, c, n) < 0)
        return ctl_fail(c);
    for (int i = 0; i < n && !b.over; i++) {
        struct wait_target t = target(args[i], WAIT_GONE);
        if (c->options.purge && !confirm(c, args[i]))
            batch_fail(&b);
        else
            batch_ask(&b, "Unregister", CALL_ARGS(ARG_TEXT(args[i]), ARG_BOOL(c->options.purge)), &t);
    }
    return batch_end(&b);
}

static int start_or_stop(struct ctl *c, int n, char **args, const char *method, enum wait_goal goal) {
    struct batch b;
    if (batch_new(&b, c, n) < 0)
        return ctl_fail(c);
    for (int i = 0; i < n && !b.over; i++) {
        struct wait_target t = target(args[i], goal);
        batch_ask(&b, method, CALL_ARGS(ARG_TEXT(args[i])), &t);
    }
    return batch_end(&b);
}

int verb_start(struct ctl *c, int n, char **args) {
    return start_or_stop(c, n, args, "Start", WAIT_RUNNING);
}

int verb_stop(struct ctl *c, int n, char **args) {
    return start_or_stop(c, n, args, "Stop", WAIT_STOPPED);
}

int verb_restart(struct ctl *c, int n, char **args) {
    struct batch b;
    if (batch_new(&b, c, n) < 0)
        return ctl_fail(c);
    for (int i = 0; i < n && !b.over; i++) {
        char name[256];
        uint32_t number;
        struct reply before;
        if (ctl_split_instance(c, args[i], name, sizeof(name), &number) < 0) {
            batch_fail(&b);
            continue;
        }
        struct wait_target t = target(name, WAIT_RUNNING);
        t.only = number;
        if (!c->options.no_wait &&
            ctl_call(c, "Status", CALL_ARGS(ARG_TEXT(name), ARG_BOOL(0)), &before) >= 0) {
            wait_remember(&t, before.value->list.first);
            reply_free(&before);
        }
        batch_ask(&b, "Restart", CALL_ARGS(ARG_TEXT(name), ARG_U32(number)), &t);
    }
    return batch_end(&b);
}

int verb_scale(struct ctl *c, int n, char **args) {
    struct batch b;
    uint32_t count;
    (void)n;
    if (parse_u32(args[1], &count) < 0) {
        failure_set(&c->failure, SK_EXIT_USAGE, "the number of instances is a number, not \"%s\"", args[1]);
        return ctl_fail(c);
    }
    if (batch_new(&b, c, 1) < 0)
        return ctl_fail(c);
    struct reply now;
    struct wait_target t = target(args[0], WAIT_RUNNING);
    t.count = count;
    if (ctl_call(c, "Status", CALL_ARGS(ARG_TEXT(args[0]), ARG_BOOL(0)), &now) >= 0) {
        if (!value_bool(now.value->list.first, "wanted"))
            t.goal = WAIT_STOPPED; /* a stopped app is only told how many it will have */
        reply_free(&now);
    }
    batch_ask(&b, "Scale", CALL_ARGS(ARG_TEXT(args[0]), ARG_U32(count)), &t);
    return batch_end(&b);
}
