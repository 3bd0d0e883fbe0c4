/* SPDX-License-Identifier: Apache-2.0 */
/* What a spec's struct holds, and what may be done with it; the texts are in tests/golden/conf/spec. */
#include "base/parse.h"
#include "conf/spec.h"

#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#define MINIMAL "[app]\nname = shop/orders\ncommand = /bin/true\n"

static struct spec parsed(const char *text) {
    struct spec s;
    struct reason why = {0};
    if (spec_parse("test", text, strlen(text), &s, &why) < 0)
        fail_msg("%s", why.text);
    return s;
}

static void test_defaults(void **state ATTR_UNUSED) {
    CLEANUP(cleanup_spec) struct spec s = parsed(MINIMAL);
    assert_string_equal(s.tenant, "shop");
    assert_string_equal(s.app, "orders");
    assert_string_equal(s.class, "standard");
    assert_string_equal(s.command[0], "/bin/true");
    assert_null(s.command[1]);
    assert_null(s.user);
    assert_int_equal(s.instances, 1);
    assert_null(s.environment);
    assert_null(s.working_directory);
    assert_int_equal(s.umask, 0077);
    assert_int_equal(s.cpu_milli, 0);
    assert_int_equal(s.memory_bytes, 0);
    assert_int_equal(s.restart, SPEC_RESTART_ALWAYS);
    assert_int_equal(s.delay_usec, 1000000);
    assert_int_equal(s.delay_max_usec, 300000000);
    assert_int_equal(s.budget_starts, 10);
    assert_int_equal(s.budget_usec, 600000000);
    assert_int_equal(s.stable_usec, 10000000);
    assert_true(spec_codes_has(&s.success, 0));
    assert_true(spec_codes_has(&s.success, 143));
    assert_false(spec_codes_has(&s.success, 1));
    assert_false(spec_codes_has(&s.no_restart, 0));
    assert_int_equal(s.stop_signal, SIGTERM);
    assert_int_equal(s.stop_usec, 60000000);
    assert_int_equal(s.ready, SPEC_READY_NONE);
    assert_int_equal(s.ready_usec, 300000000);
    assert_int_equal(s.ready_interval_usec, 1000000);
    assert_null(s.group);
    assert_int_equal(s.guarantee, SPEC_GUARANTEE_UNSET);
}

static void test_values(void **state ATTR_UNUSED) {
    CLEANUP(cleanup_spec)
    struct spec s = parsed(
        MINIMAL "environment = A=1 'B=x y'\nenvironment = C=\n[resources]\ncpu = 1.5\ncpu-max = 2\n"
                "memory = 1.5G\nmemory-max = 2G\n[restart]\nno-restart-exit = 64-66\n[stop]\nsignal = INT\n"
                "[ready]\nprobe = tcp:8080\ntimeout = infinity\n[kafka]\nguarantee = exactly-once\n"
                "inputs = a b\n");
    assert_int_equal(text_list_len(s.environment), 3);
    assert_string_equal(s.environment[1], "B=x y");
    assert_string_equal(s.environment[2], "C=");
    assert_int_equal(s.cpu_milli, 1500);
    assert_int_equal(s.cpu_max_milli, 2000);
    assert_int_equal(s.memory_bytes, 1536ULL << 20);
    assert_int_equal(s.memory_max_bytes, 2ULL << 30);
    for (unsigned code = 0; code < 300; code++)
        assert_int_equal(spec_codes_has(&s.no_restart, code), code >= 64 && code <= 66);
    assert_int_equal(s.stop_signal, SIGINT);
    assert_int_equal(s.stop_usec, 120000000);
    assert_int_equal(s.ready, SPEC_READY_TCP);
    assert_int_equal(s.ready_port, 8080);
    assert_int_equal(s.ready_usec, UINT64_MAX);
    assert_string_equal(s.inputs[1], "b");
}

static void test_failure_leaves_result(void **state ATTR_UNUSED) {
    struct spec s, before;
    memset(&s, 0x5a, sizeof(s));
    memcpy(&before, &s, sizeof(s));
    struct reason why = {0};
    assert_int_equal(spec_parse("f", "[app]\nname = x\n", 15, &s, &why), -EINVAL);
    assert_memory_equal(&s, &before, sizeof(s));
    assert_int_equal(why.error, -EINVAL);
    assert_int_equal(spec_parse("f", "[app]\nname = x\n", 15, &s, NULL), -EINVAL);
    AUTO_FREE char *large = calloc(1, SPEC_TEXT_MAX + 1);
    assert_int_equal(spec_parse("f", large, SPEC_TEXT_MAX + 1, &s, &why), -EFBIG);
}

/* The name of the file comes from whoever asks; the message must be fit for a bus and a terminal. */
static void test_hostile_file_name(void **state ATTR_UNUSED) {
    char name[5000];
    memset(name, 'a', sizeof(name));
    memcpy(name, "\x1b[2J\xff\n", 6);
    name[sizeof(name) - 1] = '\0';
    struct spec s;
    struct reason why = {0};
    assert_int_equal(spec_parse(name, "[app]\nnmae = x\n", 15, &s, &why), -EINVAL);
    assert_non_null(strstr(why.text, "did you mean \"name\"?"));
    for (const char *p = why.text; *p; p++)
        assert_true((unsigned char)*p >= 0x20 && (unsigned char)*p != 0xff);
}

static void test_copy_is_deep(void **state ATTR_UNUSED) {
    CLEANUP(cleanup_spec)
    struct spec a = parsed(
        MINIMAL
        "user = joe\nenvironment = A=1\nworking-directory = /opt\n"
        "[ready]\nprobe = exec:/bin/test x\n[kafka]\ncluster = c\ngroup = g\ninputs = i\noutputs = o\n");
    CLEANUP(cleanup_spec) struct spec b = {0};
    assert_int_equal(spec_copy(&a, &b), 0);
    assert_true(spec_equal(&a, &b));
    assert_ptr_not_equal(a.command, b.command);
    assert_ptr_not_equal(a.user, b.user);
    assert_ptr_not_equal(a.ready_command[0], b.ready_command[0]);
    b.ready_command[1][0] = 'y';
    assert_string_equal(a.ready_command[1], "x");
    assert_false(spec_equal(&a, &b));
    spec_free(&b);
    assert_null(b.command);
    spec_free(&b);
    spec_free(NULL);
}

/* For each line that may be added: is it a change, and may what runs go on running? */
static void test_equal_and_keeps(void **state ATTR_UNUSED) {
    static const struct {
        const char *add;
        bool equal, keeps;
    } cases[] = {
        {"", true, true},
        {"umask = 077\n", true, true},
        {"[restart]\ndelay = 1000ms\n", true, true},
        {"instances = 2\n", false, true},
        {"[restart]\npolicy = never\n", false, true},
        {"[restart]\nbudget = 9 in 10m\n", false, true},
        {"[restart]\nbudget = 10 in 9m\n", false, true},
        {"[restart]\nsuccess-exit = 0\n", false, true},
        {"[stop]\ntimeout = 61s\n", false, true},
        {"[stop]\nsignal = INT\n", false, true},
        {"[ready]\nprobe = tcp:80\n", false, true},
        {"[ready]\nprobe = exec:/bin/true\n", false, true},
        {"class = critical\n", false, false},
        {"user = joe\n", false, false},
        {"environment = A=1\n", false, false},
        {"working-directory = /opt\n", false, false},
        {"umask = 0022\n", false, false},
        {"[resources]\ncpu = 1\n", false, false},
        {"[resources]\nmemory-max = 1G\n", false, false},
        {"[resources]\nopen-files-max = 64\n", false, false},
        {"[kafka]\ncluster = c\n", false, false},
        {"[kafka]\ninputs = a\n", false, false},
        {"[kafka]\nguarantee = at-least-once\n", false, false},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        char text[300];
        assert_int_equal(text_format(text, sizeof(text), MINIMAL "%s", cases[i].add), 0);
        CLEANUP(cleanup_spec) struct spec a = parsed(MINIMAL), b = parsed(text);
        if (spec_equal(&a, &b) != cases[i].equal || spec_equal(&b, &a) != cases[i].equal)
            fail_msg("equal is wrong for: %s", cases[i].add);
        if (spec_keeps_instances(&a, &b) != cases[i].keeps || spec_keeps_instances(&b, &a) != cases[i].keeps)
            fail_msg("keeps_instances is wrong for: %s", cases[i].add);
        spec_free(&b);
    }
    CLEANUP(cleanup_spec)
    struct spec a = parsed(MINIMAL), b = parsed("[app]\nname = shop/other\ncommand = /bin/true\n");
    assert_false(spec_keeps_instances(&a, &b));
    spec_free(&b);
    b = parsed("[app]\nname = shop/orders\ncommand = /bin/true x\n");
    assert_false(spec_keeps_instances(&a, &b));
    spec_free(&b);
}

static void test_expand(void **state ATTR_UNUSED) {
    static const struct spec_specifiers values = {.state_directory = "/state/shop/orders/7",
                                                  .number = 7,
                                                  .app = "orders",
                                                  .tenant = "shop",
                                                  .client_id = "critical.shop.orders.7",
                                                  .member_id = "shop.orders.7"};
    CLEANUP(cleanup_spec)
    struct spec s =
        parsed("[app]\nname = shop/orders\ncommand = /bin/x %S/%n a%ab %t%t %c %i 100%% %%S ''\n");
    CLEANUP(cleanup_text_list) char **words = NULL;
    assert_int_equal(spec_expand(s.command, &values, &words), 0);
    static const char *const expected[] = {"/bin/x",
                                           "/state/shop/orders/7/7",
                                           "aordersb",
                                           "shopshop",
                                           "critical.shop.orders.7",
                                           "shop.orders.7",
                                           "100%",
                                           "%S",
                                           ""};
    assert_int_equal(text_list_len(words), ARRAY_LEN(expected));
    for (size_t i = 0; i < ARRAY_LEN(expected); i++)
        assert_string_equal(words[i], expected[i]);

    char word[] = "%x", end[] = "x%", *unknown[] = {word, NULL}, *last[] = {end, NULL}, *none[] = {NULL};
    char **untouched = words;
    assert_int_equal(spec_expand(unknown, &values, &words), -EINVAL);
    assert_int_equal(spec_expand(last, &values, &words), -EINVAL);
    assert_ptr_equal(words, untouched);
    CLEANUP(cleanup_text_list) char **empty = NULL;
    assert_int_equal(spec_expand(none, &values, &empty), 0);
    assert_int_equal(text_list_len(empty), 0);
}

/* A spec of allowed length must not make a list that fills the memory. */
static void test_expand_is_bounded(void **state ATTR_UNUSED) {
    static const struct spec_specifiers values = {.state_directory = "/a/long/path/to/a/state/directory",
                                                  .app = "a",
                                                  .tenant = "t",
                                                  .client_id = "c",
                                                  .member_id = "m"};
    AUTO_FREE char *word = malloc(60001);
    for (size_t i = 0; i < 60000; i += 2)
        memcpy(word + i, "%S", 2);
    word[60000] = '\0';
    char *words[] = {word, NULL};
    char **list = NULL;
    assert_int_equal(spec_expand(words, &values, &list), -E2BIG);
    assert_null(list);
}

static void test_names(void **state ATTR_UNUSED) {
    assert_string_equal(spec_restart_name(SPEC_RESTART_ON_FAILURE), "on-failure");
    assert_string_equal(spec_ready_name(SPEC_READY_TCP), "tcp");
    assert_string_equal(spec_guarantee_name(SPEC_EXACTLY_ONCE), "exactly-once");
    for (unsigned i = 0; i < SPEC_RESTART_MAX; i++)
        assert_non_null(spec_restart_name(i));
    for (unsigned i = 0; i < SPEC_READY_MAX; i++)
        assert_non_null(spec_ready_name(i));
    for (unsigned i = 0; i < SPEC_GUARANTEE_MAX; i++)
        assert_non_null(spec_guarantee_name(i));
    assert_string_equal(spec_restart_name(SPEC_RESTART_MAX), "unknown");
    assert_string_equal(spec_ready_name(SPEC_READY_MAX), "unknown");
    assert_string_equal(spec_guarantee_name(SPEC_GUARANTEE_MAX), "unknown");
}

int main(void) {
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_defaults),
        cmocka_unit_test(test_values),
        cmocka_unit_test(test_failure_leaves_result),
        cmocka_unit_test(test_hostile_file_name),
        cmocka_unit_test(test_copy_is_deep),
        cmocka_unit_test(test_equal_and_keeps),
        cmocka_unit_test(test_expand),
        cmocka_unit_test(test_expand_is_bounded),
        cmocka_unit_test(test_names),
    };
    return cmocka_run_group_tests_name("spec", tests, NULL, NULL);
}
