/* SPDX-License-Identifier: Apache-2.0 */
/* Files in tests/golden/conf/KIND: NAME.in parses and prints as NAME.ok; NAME.bad is refused with exactly
 * NAME.err. With GOLDEN_UPDATE=1 in the environment the expected files are written instead, for a person to
 * read. */
#include "base/fd.h"
#include "conf/class.h"
#include "conf/daemon_conf.h"
#include "conf/governor.h"
#include "conf/spec.h"
#include "conf/tenant.h"

#include <dirent.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

typedef int (*print_fn)(const char *file, const char *text, size_t len, char **ret, struct reason *why);

static int print_spec(const char *file, const char *text, size_t len, char **ret, struct reason *why) {
    CLEANUP(cleanup_spec) struct spec s = {0};
    int r = spec_parse(file, text, len, &s, why);
    return r < 0 ? r : spec_print(&s, ret);
}

static int print_class(const char *file, const char *text, size_t len, char **ret, struct reason *why) {
    struct class_conf c;
    int r = class_parse(file, "some", text, len, &c, why);
    return r < 0 ? r : class_print(&c, ret);
}

static int print_tenant(const char *file, const char *text, size_t len, char **ret, struct reason *why) {
    struct tenant_conf t;
    int r = tenant_parse(file, "some", text, len, &t, why);
    if (r < 0)
        return r;
    r = tenant_print(&t, ret);
    tenant_free(&t);
    return r;
}

static int print_daemon(const char *file, const char *text, size_t len, char **ret, struct reason *why) {
    struct daemon_conf c;
    int r = daemon_conf_parse(file, text, len, &c, why);
    return r < 0 ? r : daemon_conf_print(&c, ret);
}

static int print_governor(const char *file, const char *text, size_t len, char **ret, struct reason *why) {
    struct governor_conf c;
    int r = governor_conf_parse(file, text, len, &c, why);
    return r < 0 ? r : governor_conf_print(&c, ret);
}

static const struct {
    const char *folder;
    print_fn print;
} kinds[] = {{"spec", print_spec},
             {"class", print_class},
             {"tenant", print_tenant},
             {"daemon", print_daemon},
             {"governor", print_governor}};

#define CASES_MAX 400

struct golden {
    char name[300], folder[300];
    print_fn print;
    bool bad;
};

static struct golden cases[CASES_MAX];
static size_t n_cases;

static void read_file(const char *folder, const char *name, const char *suffix, char **ret, size_t *ret_len) {
    char path[700];
    snprintf(path, sizeof(path), "%s/%s%s", folder, name, suffix);
    int r = fd_read_file_at(AT_FDCWD, path, 1 << 20, ret, ret_len);
    if (r < 0)
        fail_msg("%s: %s", path, strerror(-r));
}

/* Returns the text, made to end in a newline so that it is a text file. */
static char *result_of(const struct golden *g, const char *input, size_t len) {
    char file[320];
    snprintf(file, sizeof(file), "%s%s", g->name, g->bad ? ".bad" : ".in");
    struct reason why = {0};
    char *printed = NULL;
    int r = g->print(file, input, len, &printed, &why);
    if (!g->bad) {
        if (r < 0)
            fail_msg("refused: %s", why.text);
        return printed;
    }
    if (r == 0)
        fail_msg("accepted, and printed as:\n%s", printed);
    assert_int_equal(r, why.error);
    char *text = NULL;
    assert_true(asprintf(&text, "%s\n", why.text) > 0);
    return text;
}

static void test_case(void **state) {
    const struct golden *g = *state;
    AUTO_FREE char *input = NULL, *expected = NULL;
    size_t len;
    read_file(g->folder, g->name, g->bad ? ".bad" : ".in", &input, &len);
    AUTO_FREE char *result = result_of(g, input, len);
    const char *suffix = g->bad ? ".err" : ".ok";
    if (getenv("GOLDEN_UPDATE")) {
        char path[700];
        snprintf(path, sizeof(path), "%s/%s%s", g->folder, g->name, suffix);
        assert_int_equal(fd_replace_file_at(AT_FDCWD, path, result, 0644), 0);
        printf("skip: wrote %s\n", path);
        skip();
    }
    read_file(g->folder, g->name, suffix, &expected, NULL);
    assert_string_equal(result, expected);
    if (g->bad)
        return;
    /* What was printed is canonical: it parses, to itself. */
    AUTO_FREE char *again = result_of(g, result, strlen(result));
    assert_string_equal(again, result);
}

static void add_folder(const char *folder, print_fn print) {
    char path[300];
    snprintf(path, sizeof(path), GOLDEN_DIR "/%s", folder);
    struct dirent **entries;
    int n = scandir(path, &entries, NULL, alphasort);
    for (int i = 0; i < n; i++) {
        const char *dot = strrchr(entries[i]->d_name, '.');
        bool bad = dot && strcmp(dot, ".bad") == 0;
        if (dot && (bad || strcmp(dot, ".in") == 0) && n_cases < CASES_MAX) {
            struct golden *g = &cases[n_cases++];
            snprintf(g->name, sizeof(g->name), "%.*s", (int)(dot - entries[i]->d_name), entries[i]->d_name);
            snprintf(g->folder, sizeof(g->folder), "%s", path);
            g->print = print;
            g->bad = bad;
        }
        free(entries[i]);
    }
    if (n >= 0)
        free(entries);
}

int main(void) {
    static struct CMUnitTest tests[CASES_MAX];
    static char names[CASES_MAX][320];
    for (size_t i = 0; i < ARRAY_LEN(kinds); i++) {
        size_t before = n_cases;
        add_folder(kinds[i].folder, kinds[i].print);
        if (n_cases == before) {
            printf("Bail out! no files in " GOLDEN_DIR "/%s\n", kinds[i].folder);
            return 1;
        }
        for (size_t k = before; k < n_cases; k++)
            snprintf(names[k], sizeof(names[k]), "%s/%.280s", kinds[i].folder, cases[k].name);
    }
    for (size_t i = 0; i < n_cases; i++)
        tests[i] = (struct CMUnitTest){.name = names[i], .test_func = test_case, .initial_state = &cases[i]};
    return _cmocka_run_group_tests("golden", tests, n_cases, NULL, NULL);
}
