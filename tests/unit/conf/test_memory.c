/* SPDX-License-Identifier: Apache-2.0 */
/* Every allocation fails once: each function says -ENOMEM, leaves its result untouched and loses nothing. The
 * linker sends the allocations of conf and base here (meson.build); leaks are seen by the sanitizer builds.
 */
#include "conf/class.h"
#include "conf/daemon_conf.h"
#include "conf/spec.h"
#include "conf/tenant.h"

#include <errno.h>
#include <ini.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static unsigned countdown; /* 0: no failure any more */
static long balance;       /* blocks of the code under test that are not freed */

static bool fails_now(void) {
    return countdown > 0 && --countdown == 0;
}

void *__real_malloc(size_t size);
void *__real_calloc(size_t n, size_t size);
void *__real_realloc(void *p, size_t size);
void __real_free(void *p);
char *__real_strdup(const char *text);
char *__real_strndup(const char *text, size_t n);
void *__real_reallocarray(void *p, size_t n, size_t size);
int __real_ini_parse_stream(ini_reader reader, void *stream, ini_handler handler, void *user);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t n, size_t size);
void *__wrap_realloc(void *p, size_t size);
void __wrap_free(void *p);
char *__wrap_strdup(const char *text);
char *__wrap_strndup(const char *text, size_t n);
void *__wrap_reallocarray(void *p, size_t n, size_t size);
int __wrap_ini_parse_stream(ini_reader reader, void *stream, ini_handler handler, void *user);

static void *counted(void *p) {
    balance += p != NULL;
    return p;
}

void *__wrap_malloc(size_t size) {
    return fails_now() ? NULL : counted(__real_malloc(size));
}

void *__wrap_calloc(size_t n, size_t size) {
    return fails_now() ? NULL : counted(__real_calloc(n, size));
}

void *__wrap_realloc(void *p, size_t size) {
    if (fails_now())
        return NULL;
    return p ? __real_realloc(p, size) : counted(__real_realloc(p, size));
}

void *__wrap_reallocarray(void *p, size_t n, size_t size) {
    if (fails_now())
        return NULL;
    return p ? __real_reallocarray(p, n, size) : counted(__real_reallocarray(p, n, size));
}

void __wrap_free(void *p) {
    balance -= p != NULL;
    __real_free(p);
}

char *__wrap_strdup(const char *text) {
    return fails_now() ? NULL : counted(__real_strdup(text));
}

char *__wrap_strndup(const char *text, size_t n) {
    return fails_now() ? NULL : counted(__real_strndup(text, n));
}

/* inih's own allocation is inside its shared library; it says -2 when it fails. */
int __wrap_ini_parse_stream(ini_reader reader, void *stream, ini_handler handler, void *user) {
    return fails_now() ? -2 : __real_ini_parse_stream(reader, stream, handler, user);
}

static const char spec_text[] =
    "[app]\nname = t/a\ncommand = /bin/x \"a b\" %S\nuser = joe\nenvironment = A=1 B=2\nenvironment = C=3\n"
    "working-directory = /opt\n[restart]\nsuccess-exit = 0 1\nno-restart-exit = 78\nbudget = 3 in 1m\n"
    "[ready]\nprobe = exec:/bin/test -e x\n[kafka]\ncluster = c\ngroup = g\ninputs = a b\noutputs = c\n";
static const char class_text[] = "[class]\nrank = 3\n[memory]\nclass-max = 50%\n";
static const char tenant_text[] = "[tenant]\nmembers = a b\ngroups = c\nrun-as = d 1-2\nclasses = adhoc\n";
static const char daemon_text[] = "[access]\noperator-group = ops\n";

typedef int (*step_fn)(struct reason *why);

static int step_parse_spec(struct reason *why) {
    struct spec s, before;
    memset(&s, 0x77, sizeof(s));
    memcpy(&before, &s, sizeof(s));
    int r = spec_parse("f", spec_text, strlen(spec_text), &s, why);
    if (r == 0)
        spec_free(&s);
    else
        assert_memory_equal(&s, &before, sizeof(s));
    return r;
}

/* A text with a mistake: -EINVAL if the memory suffices. */
static int step_parse_wrong(struct reason *why) {
    static const char text[] =
        "[app]\nname = t/a\ncommand = /bin/x\nenvironment = A=1 B=2\nenvironment = B=2\n";
    struct spec s;
    int r = spec_parse("f", text, strlen(text), &s, why);
    assert_true(r < 0);
    return r == -EINVAL ? 0 : r;
}

static int step_unknown_key(struct reason *why) {
    static const char text[] = "[app]\npriority = 3\n";
    struct spec s;
    int r = spec_parse("f", text, strlen(text), &s, why);
    assert_true(r < 0);
    return r == -EINVAL ? 0 : r;
}

static struct spec shared;

static int step_copy(struct reason *why ATTR_UNUSED) {
    struct spec s = {0};
    int r = spec_copy(&shared, &s);
    assert_true(r == 0 ? spec_equal(&s, &shared) : s.command == NULL);
    spec_free(&s);
    return r;
}

static int step_print(struct reason *why ATTR_UNUSED) {
    char *text = NULL;
    int r = spec_print(&shared, &text);
    assert_true(r == 0 ? text != NULL : text == NULL);
    free(text);
    return r;
}

static int step_expand(struct reason *why ATTR_UNUSED) {
    static const struct spec_specifiers values = {
        .state_directory = "/s", .app = "a", .tenant = "t", .client_id = "c", .member_id = "m"};
    char **words = NULL;
    int r = spec_expand(shared.command, &values, &words);
    text_list_free(words);
    return r;
}

static int step_class(struct reason *why) {
    struct class_conf c;
    char *text = NULL;
    int r = class_parse("f", "c", class_text, strlen(class_text), &c, why);
    if (r == 0)
        r = class_print(&c, &text);
    free(text);
    return r;
}

static int step_tenant(struct reason *why) {
    struct tenant_conf t = {0};
    char *text = NULL;
    int r = tenant_parse("f", "t", tenant_text, strlen(tenant_text), &t, why);
    if (r == 0)
        r = tenant_print(&t, &text);
    free(text);
    tenant_free(&t);
    return r;
}

static int step_default_tenant(struct reason *why ATTR_UNUSED) {
    struct tenant_table t = {0};
    int r = tenant_table_set_default(&t, 7);
    assert_int_equal(t.n, r == 0);
    tenant_table_free(&t);
    return r;
}

static int step_daemon(struct reason *why) {
    struct daemon_conf c;
    char *text = NULL;
    int r = daemon_conf_parse("f", daemon_text, strlen(daemon_text), &c, why);
    if (r == 0)
        r = daemon_conf_print(&c, &text);
    free(text);
    return r;
}

/* Fails the first, the second, ... allocation until the step succeeds with none failed. */
static void sweep(step_fn step, unsigned at_least) {
    for (unsigned n = 1; n < 5000; n++) {
        struct reason why = {0};
        long before = balance;
        countdown = n;
        int r = step(&why);
        bool failed = countdown == 0;
        countdown = 0;
        assert_int_equal(balance, before);
        if (!failed) {
            assert_int_equal(r, 0);
            assert_true(n > at_least);
            return;
        }
        /* Where only a part of a message was lost, the message may be shorter. */
        if (r == -ENOMEM)
            assert_true(why.error == 0 || why.error == -ENOMEM);
        else if (step != step_unknown_key)
            fail_msg("allocation %u failed, and the result was %d: %s", n, r, why.text);
    }
    fail_msg("no end");
}

static void test_sweep(void **state) {
    step_fn step;
    memcpy(&step, state, sizeof(step));
    sweep(step, 1);
}

static int set_up(void **state ATTR_UNUSED) {
    return spec_parse("f", spec_text, strlen(spec_text), &shared, NULL);
}

static int tear_down(void **state ATTR_UNUSED) {
    spec_free(&shared);
    return 0;
}

int main(void) {
    static const struct {
        const char *name;
        step_fn step;
    } steps[] = {
        {"parse_spec", step_parse_spec},
        {"parse_wrong", step_parse_wrong},
        {"unknown_key", step_unknown_key},
        {"copy", step_copy},
        {"print", step_print},
        {"expand", step_expand},
        {"class", step_class},
        {"tenant", step_tenant},
        {"default_tenant", step_default_tenant},
        {"daemon", step_daemon},
    };
    struct CMUnitTest tests[ARRAY_LEN(steps)];
    for (size_t i = 0; i < ARRAY_LEN(steps); i++) {
        tests[i] = (struct CMUnitTest){.name = steps[i].name, .test_func = test_sweep};
        memcpy(&tests[i].initial_state, &steps[i].step, sizeof(tests[i].initial_state));
    }
    return cmocka_run_group_tests_name("memory", tests, set_up, tear_down);
}
