/* SPDX-License-Identifier: Apache-2.0 */
/* Verbs that show something once: ask, sort, print. */
#include "ctl/render.h"
#include "ctl/verbs.h"

#include "ctl/options.h"
#include "streamkeeper/exit.h"

#include <stdio.h>
#include <string.h>

#ifndef SK_VERSION
#define SK_VERSION "unknown"
#endif

typedef void (*render_fn)(const struct look *l, const struct value *v, struct text_buf *b);

/* A method with these arguments, printed by `render`. */
static int show(struct ctl *c, const char *method, const struct call_arg *args, size_t n, render_fn render) {
    struct reply r;
    struct text_buf b = {0};
    if (ctl_call(c, method, args, n, &r) < 0)
        return ctl_fail(c);
    int code;
    if (c->options.json) {
        code = ctl_print_json(c, r.value);
    } else {
        render(&c->look, r.value, &b);
        code = ctl_print(c, &b);
    }
    reply_free(&r);
    return code;
}

/* The values of a reply are ours while we hold it. */
static struct value *list_of(struct reply *r) {
    return (struct value *)(uintptr_t)r->value;
}

int verb_list(struct ctl *c, int n, char **args) {
    struct reply r;
    struct text_buf b = {0};
    (void)n;
    (void)args;
    if (ctl_call(c, "List", NULL, 0, &r) < 0)
        return ctl_fail(c);
    render_sort_apps(list_of(&r));
    int code;
    if (c->options.json) {
        code = ctl_print_json(c, r.value);
    } else {
        render_list(&c->look, r.value, &b);
        code = ctl_print(c, &b);
    }
    reply_free(&r);
    return code;
}

static int status_of_all(struct ctl *c) {
    struct reply version = {0}, apps = {0};
    struct text_buf b = {0};
    int code;
    if (ctl_call(c, "Version", NULL, 0, &version) < 0 ||
        ctl_call(c, "Status", CALL_ARGS(ARG_TEXT(""), ARG_BOOL(1)), &apps) < 0) {
        code = ctl_fail(c);
    } else {
        render_sort_apps(list_of(&apps));
        if (c->options.json) {
            code = ctl_print_json(c, apps.value);
        } else {
            render_usage(&c->look, version.value, apps.value, &b);
            code = ctl_print(c, &b);
        }
    }
    reply_free(&version);
    reply_free(&apps);
    return code;
}

int verb_status(struct ctl *c, int n, char **args) {
    int code = SK_EXIT_OK;
    struct arena arena = {0};
    struct reply *replies = calloc((size_t)n + 1, sizeof(*replies));
    struct value *all = value_new(&arena, VALUE_LIST, NULL);
    struct text_buf b = {0};
    if (n == 0 || !replies || !all) {
        free(replies);
        arena_free(&arena);
        return status_of_all(c);
    }
    for (int i = 0; i < n && code != SK_EXIT_UNREACHABLE; i++) {
        if (ctl_call(c, "Status", CALL_ARGS(ARG_TEXT(args[i]), ARG_BOOL(1)), &replies[i]) < 0) {
            int failed = ctl_fail(c);
            code = code ? code : failed;
            continue;
        }
        struct value *app = replies[i].value->list.first;
        if (!app)
            continue;
        text_buf_add(&b, b.len ? "\n" : "");
        render_app(&c->look, app, &b);
        value_append(all, app);
    }
    int printed = SK_EXIT_OK;
    if (all->list.n > 0 && c->options.json)
        printed = ctl_print_json(c, all);
    else if (all->list.n > 0)
        printed = ctl_print(c, &b);
    for (int i = 0; i < n; i++)
        reply_free(&replies[i]);
    text_buf_free(&b);
    free(replies);
    arena_free(&arena);
    return code ? code : printed;
}

static void render_spec(const struct look *l, const struct value *v, struct text_buf *b) {
    const struct value *spec = value_get(v, "spec");
    if (!spec || spec->kind != VALUE_TEXT)
        return;
    if (l->width > 0)
        text_add_harmless(b, spec->text.data, spec->text.len, true);
    else
        text_buf_add_bytes(b, spec->text.data, spec->text.len);
}

int verb_show(struct ctl *c, int n, char **args) {
    (void)n;
    return show(c, "Show", CALL_ARGS(ARG_TEXT(args[0])), render_spec);
}

int verb_history(struct ctl *c, int n, char **args) {
    (void)n;
    uint32_t limit = c->options.lines ? c->options.lines : 20;
    return show(c, "History", CALL_ARGS(ARG_TEXT(args[0]), ARG_U32(limit)), render_history);
}

int verb_classes(struct ctl *c, int n, char **args) {
    (void)n;
    (void)args;
    return show(c, "Classes", NULL, 0, render_classes);
}

int verb_tenants(struct ctl *c, int n, char **args) {
    (void)n;
    (void)args;
    return show(c, "Tenants", NULL, 0, render_tenants);
}

int verb_doctor(struct ctl *c, int n, char **args) {
    struct reply r;
    struct text_buf b = {0};
    bool well = true;
    (void)n;
    (void)args;
    if (ctl_call(c, "Doctor", NULL, 0, &r) < 0)
        return ctl_fail(c);
    VALUE_EACH(r.value, check)
    well &= strcmp(value_text(check, "level", ""), "ok") == 0;
    if (!c->options.json)
        render_doctor(&c->look, r.value, &b);
    int code = c->options.json ? ctl_print_json(c, r.value) : ctl_print(c, &b);
    reply_free(&r);
    return code ? code : well ? SK_EXIT_OK : SK_EXIT_DEGRADED;
}

int verb_version(struct ctl *c, int n, char **args) {
    struct reply r;
    struct text_buf b = {0};
    (void)n;
    (void)args;
    if (ctl_call(c, "Version", NULL, 0, &r) < 0)
        return ctl_fail(c);
    value_add_text(&r.arena, list_of(&r), "streamctl_version", SK_VERSION);
    if (!c->options.json)
        render_version(&c->look, SK_VERSION, r.value, &b);
    int code = c->options.json ? ctl_print_json(c, r.value) : ctl_print(c, &b);
    reply_free(&r);
    return code;
}

int verb_help(struct ctl *c, int n, char **args) {
    struct text_buf b = {0};
    const struct verb *verb = n > 0 ? verb_find(args[0]) : NULL;
    if (n > 0 && !verb) {
        const char *near = verb_nearest(args[0]);
        failure_set(&c->failure, SK_EXIT_USAGE, "there is no verb \"%s\"%s%s%s", args[0],
                    near ? "; did you mean " : "", near ? near : "", near ? "?" : "");
        return ctl_fail(c);
    }
    options_help(&c->look, verb, &b);
    return ctl_print(c, &b);
}

/* For completion: names of apps, one a line; silent when there is no daemon. */
int verb_names(struct ctl *c, int n, char **args) {
    struct reply r;
    struct text_buf b = {0};
    if (ctl_call(c, "List", NULL, 0, &r) < 0)
        return c->failure.exit_code;
    VALUE_EACH(r.value, app) {
        const char *name = value_text(app, "name", "");
        if (n == 0 || strncmp(name, args[0], strlen(args[0])) == 0)
            text_buf_addf(&b, "%s\n", name);
    }
    reply_free(&r);
    return ctl_print(c, &b);
}
