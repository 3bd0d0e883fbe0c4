/* SPDX-License-Identifier: Apache-2.0 */
/* The command line: what is taken, what is refused with which words, and that help and tables agree. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "ctl/call.h"
#include "ctl/options.h"
#include "streamkeeper/exit.h"

#include <stdlib.h>
#include <string.h>

struct result {
    struct ctl c;
    const struct verb *verb;
    int n, r;
    char **args;
};

/* Splits the line by blanks and parses it. */
static struct result parse(const char *line) {
    static char text[512], *argv[32];
    static char program[] = "streamctl";
    int argc = 0;
    struct result r = {0};
    strncpy(text, line, sizeof(text) - 1);
    argv[argc++] = program;
    for (char *p = strtok(text, " "); p; p = strtok(NULL, " "))
        argv[argc++] = p;
    argv[argc] = NULL;
    r.r = options_parse(&r.c, argc, argv, &r.verb, &r.n, &r.args);
    return r;
}

static void expect_usage(const char *line, const char *words) {
    struct result r = parse(line);
    assert_int_equal(r.r, -1);
    assert_int_equal(r.c.failure.exit_code, SK_EXIT_USAGE);
    assert_string_equal(r.c.failure.text, words);
}

static void options_may_stand_anywhere(void **state) {
    (void)state;
    struct result r = parse("--root /tmp/x logs -f t/a -n 7 --json");
    assert_int_equal(r.r, 0);
    assert_string_equal(r.verb->name, "logs");
    assert_int_equal(r.n, 1);
    assert_string_equal(r.args[0], "t/a");
    assert_true(r.c.options.follow && r.c.options.json);
    assert_int_equal(r.c.options.lines, 7);
    assert_string_equal(r.c.paths.run, "/tmp/x/run");
    r = parse("register --timeout=90s --no-start a b -");
    assert_int_equal(r.r, 0);
    assert_int_equal(r.n, 3);
    assert_true(r.c.options.no_start);
    assert_int_equal(r.c.options.timeout_usec, 90000000);
    r = parse("stop -- --strange");
    assert_int_equal(r.r, 0);
    assert_string_equal(r.args[0], "--strange");
}

static void mistakes_are_explained(void **state) {
    (void)state;
    expect_usage("", "a verb is missing; see streamctl --help");
    expect_usage("lst", "there is no verb \"lst\"; did you mean list?");
    expect_usage("restrat t/a", "there is no verb \"restrat\"; did you mean restart?");
    expect_usage("xyzzy", "there is no verb \"xyzzy\"; see streamctl --help");
    expect_usage("list --jsn", "there is no option \"--jsn\"; did you mean --json?");
    expect_usage("list --quite-other", "there is no option \"--quite-other\"; see streamctl --help");
    expect_usage("list -x", "there is no option \"-x\"; see streamctl --help");
    expect_usage("list --purge", "`streamctl list` has no option --purge");
    expect_usage("list -f", "`streamctl list` has no option --follow");
    expect_usage("logs t/a -n 0", "--lines needs a number from 1, not \"0\"");
    expect_usage("logs t/a -n", "-n needs a value");
    expect_usage("start t/a --timeout", "--timeout needs a value");
    expect_usage("start t/a --timeout soon", "--timeout needs a time like 30s or 5m, not \"soon\"");
    expect_usage("list --json=yes", "--json takes no value");
    expect_usage("logs t/a -fx", "there is no option \"-x\"; see streamctl --help");
    expect_usage("list --color=pink", "--color is auto, always or never, not \"pink\"");
    expect_usage("scale t/a", "usage: streamctl scale APP N");
    expect_usage("list t/a", "usage: streamctl list ");
}

static void help_is_a_verb_and_an_option(void **state) {
    (void)state;
    struct result r = parse("--help");
    assert_int_equal(r.r, 0);
    assert_string_equal(r.verb->name, "help");
    assert_int_equal(r.n, 0);
    r = parse("restart --help");
    assert_string_equal(r.verb->name, "help");
    assert_int_equal(r.n, 1);
    assert_string_equal(r.args[0], "restart");
}

static void help_shows_every_verb(void **state) {
    struct look l = {0};
    struct text_buf all = {0};
    (void)state;
    options_help(&l, NULL, &all);
    for (const struct verb *v = verbs; v->name; v++) {
        char line[64];
        struct text_buf own = {0};
        strcpy(line, "\n  ");
        strcat(line, v->name);
        strcat(line, " ");
        if (v->name[0] == '_') {
            assert_null(strstr(all.data, v->name));
            continue;
        }
        assert_non_null(strstr(all.data, line));
        assert_non_null(strstr(all.data, v->summary));
        options_help(&l, v, &own);
        size_t options = 0;
        for (const char *p = own.data; (p = strstr(p, "\n  ")); p++)
            options++;
        assert_int_equal(options, strlen(v->options)); /* each letter is an option of the table */
        text_buf_free(&own);
    }
    text_buf_free(&all);
}

static void verbs_are_found(void **state) {
    (void)state;
    for (const struct verb *v = verbs; v->name; v++) {
        assert_ptr_equal(verb_find(v->name), v);
        assert_non_null(v->run);
        assert_true(v->max_args < 0 || v->min_args <= v->max_args);
    }
    assert_null(verb_find("nothing"));
    assert_string_equal(verb_nearest("star"), "start");
    assert_null(verb_nearest("__name")); /* not suggested: it is for scripts */
}

static void exit_codes_have_words(void **state) {
    (void)state;
    for (int code = SK_EXIT_OK; code <= SK_EXIT_DEGRADED; code++)
        for (int other = SK_EXIT_OK; other < code; other++)
            assert_string_not_equal(failure_word(code), failure_word(other));
    assert_string_equal(failure_word(SK_EXIT_UNKNOWN), "unknown");
    assert_string_equal(failure_word(-1), "failed");
    assert_string_equal(failure_word(99), "failed");
}

static void instances_are_split(void **state) {
    struct ctl c = {0};
    char name[64];
    uint32_t number;
    (void)state;
    assert_int_equal(ctl_split_instance(&c, "t/a", name, sizeof(name), &number), 0);
    assert_string_equal(name, "t/a");
    assert_int_equal(number, UINT32_MAX);
    assert_int_equal(ctl_split_instance(&c, "t/a/12", name, sizeof(name), &number), 0);
    assert_string_equal(name, "t/a");
    assert_int_equal(number, 12);
    assert_int_equal(ctl_split_instance(&c, "t/a/x", name, sizeof(name), &number), -1);
    assert_string_equal(c.failure.text, "\"t/a/x\" is no instance; it is tenant/app/NUMBER");
    assert_int_equal(ctl_split_instance(&c, "", name, sizeof(name), &number), -1);
}

static void no_daemon_is_said_plainly(void **state) {
    struct failure f = {0};
    struct call *call = NULL;
    (void)state;
    assert_int_equal(call_open("/nonexistent/run/control.sock", &call, &f), -1);
    assert_int_equal(f.exit_code, SK_EXIT_UNREACHABLE);
    assert_non_null(strstr(f.text, "/nonexistent/run/control.sock: No such file or directory"));
    assert_non_null(strstr(f.text, "systemctl start streamkeeper"));
    assert_null(call);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(options_may_stand_anywhere),
        cmocka_unit_test(mistakes_are_explained),
        cmocka_unit_test(help_is_a_verb_and_an_option),
        cmocka_unit_test(help_shows_every_verb),
        cmocka_unit_test(verbs_are_found),
        cmocka_unit_test(exit_codes_have_words),
        cmocka_unit_test(instances_are_split),
        cmocka_unit_test(no_daemon_is_said_plainly),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
