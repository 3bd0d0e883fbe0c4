/* SPDX-License-Identifier: Apache-2.0 */
/* Random specs: what was meant is what is parsed, and what is printed parses to the same. The seed is
 * printed; give it back as CONF_SEED to run the same ones. */
#include "conf/spec.h"
#include "conf/spec_table.h"

#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

static uint64_t seed, random_state;

static uint32_t draw(uint32_t below) {
    random_state = random_state * 6364136223846793005ULL + 1442695040888963407ULL;
    return (uint32_t)(random_state >> 33) % below;
}

/* What a word is made of: all that quoting must get right. */
static const char *const pieces[] = {"a",  "Z",  "7",  " ", "\t", "\"", "'",    "\\", ";",  "#",
                                     "%%", "%S", "%n", "=", ":",  "[",  "]",    "é",  "日", "🚀",
                                     "-",  "/",  ",",  "$", "`",  "*",  "\\\\", " ;", " #"};

static void draw_word(struct text_buf *b, uint32_t pieces_max) {
    for (uint32_t n = draw(pieces_max); n > 0; n--)
        text_buf_add(b, pieces[draw(ARRAY_LEN(pieces))]);
}

/* Writes the word in one of the ways to quote it. */
static void write_word(struct text_buf *b, const char *word) {
    bool has_single = strchr(word, '\'') != NULL;
    switch (word[0] == '\0' ? draw(2) : draw(3)) {
    case 0:
        if (!has_single) {
            text_buf_addf(b, "'%s'", word);
            break;
        }
        /* fall through */
    case 1:
        text_buf_add(b, "\"");
        for (const char *p = word; *p; p++) {
            if (*p == '"' || *p == '\\')
                text_buf_add(b, "\\");
            text_buf_add_bytes(b, p, 1);
        }
        text_buf_add(b, "\"");
        break;
    default: /* a backslash before all that is not plain; but a blank at the end of a line needs quotes */
        for (const char *p = word; *p; p++) {
            bool plain = (*p & 0x80) ||
                         strchr("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789%/=", *p);
            bool blank = *p == ' ' || *p == '\t';
            if (blank)
                text_buf_addf(b, "\"%c\"", *p);
            else
                text_buf_addf(b, "%s%c", plain ? "" : "\\", *p);
        }
    }
}

static void blanks(struct text_buf *b) {
    static const char *const some[] = {
        " ", "  ", "\t", " \t ", " \\\n", " \\\r\n\t", " \\\n# between\n ; too\n"};
    text_buf_add(b, some[draw(ARRAY_LEN(some))]);
}

/* Values that are right for each key without words of its own, several to draw from. */
static const struct {
    const char *section, *key, *values[5];
} simple[] = {
    {"app", "class", {"critical", "standard", "a-b_c"}},
    {"app", "user", {"joe", "1001", "\"joe\""}},
    {"app", "instances", {"1", "2", "1000"}},
    {"app", "umask", {"022", "0077", "0777", "000"}},
    {"app", "working-directory", {"/", "%S", "%S/x", "\"/opt/a b\"", "'/o;p'"}},
    {"resources", "cpu", {"0.01", "1", "1.25", "0.5"}},
    {"resources", "cpu-max", {"8192", "2000.001", "1.250"}},
    {"resources", "memory", {"1M", "1048577", "1.5G"}},
    {"resources", "memory-max", {"2G", "4096M", "1T"}},
    {"resources", "tasks-max", {"1", "4194304"}},
    {"resources", "state-max", {"20G", "1025K"}},
    {"resources", "open-files-max", {"16", "65536"}},
    {"restart", "policy", {"always", "on-failure", "never"}},
    {"restart", "delay", {"0", "1ms", "1s", "90s", "1us"}},
    {"restart", "delay-max", {"5m", "1d", "90s", "2h3m4s5ms6us"}},
    {"restart", "budget", {"1 in 1s", "10 in 10m", "1000 in 7d", "3   in   90"}},
    {"restart", "stable", {"0", "10s", "1m30s"}},
    {"restart", "success-exit", {"0", "0 143", "1-3 5 7", "0-255"}},
    {"restart", "no-restart-exit", {"78", "64-66 70", "255"}},
    {"stop", "signal", {"SIGTERM", "INT", "9", "40", "64"}},
    {"stop", "timeout", {"60s", "1m", "2m", "0", "1500ms"}},
    {"kafka", "cluster", {"main", "c-1"}},
    {"kafka", "group", {"g", "\"a group\"", "'#;'", "grün"}},
    {"kafka", "inputs", {"a", "a b.c d_e-f"}},
    {"kafka", "outputs", {"a", "x y z"}},
    {"kafka", "guarantee", {"at-least-once", "exactly-once"}},
};

static void write_simple(struct text_buf *b, const char *section) {
    for (size_t i = 0; i < ARRAY_LEN(simple); i++) {
        if (strcmp(simple[i].section, section) != 0 || draw(2))
            continue;
        uint32_t n = 0;
        while (n < 5 && simple[i].values[n])
            n++;
        text_buf_addf(b, "%s = %s%s\n", simple[i].key, simple[i].values[draw(n)], draw(4) ? "" : " ; why");
    }
}

/* A random text, and the words its command was meant to have. */
static char *draw_spec(char ***ret_command, char ***ret_environment) {
    static const char *const sections[] = {"resources", "restart", "stop", "kafka"};
    struct text_buf b = {0};
    text_buf_add(&b, "[app]\nname = t/a\ncommand = /bin/x");
    assert_int_equal(text_list_add(ret_command, "/bin/x"), 0);
    for (uint32_t n = draw(8); n > 0; n--) {
        CLEANUP(cleanup_text_buf) struct text_buf word = {0};
        draw_word(&word, 8);
        AUTO_FREE char *text = text_buf_take(&word);
        assert_int_equal(text_list_add(ret_command, text), 0);
        blanks(&b);
        write_word(&b, text);
    }
    text_buf_add(&b, "\n");
    for (uint32_t n = draw(5); n > 0; n--) {
        CLEANUP(cleanup_text_buf) struct text_buf word = {0};
        text_buf_addf(&word, "V%u=", n);
        draw_word(&word, 8);
        AUTO_FREE char *text = text_buf_take(&word);
        assert_int_equal(text_list_add(ret_environment, text), 0);
        text_buf_add(&b, "environment = ");
        write_word(&b, text);
        text_buf_add(&b, "\n");
    }
    write_simple(&b, "app");
    for (size_t i = 0; i < ARRAY_LEN(sections); i++) {
        text_buf_addf(&b, "[%s]\n", sections[i]);
        write_simple(&b, sections[i]);
    }
    if (draw(2)) {
        static const char *const probes[] = {"none", "notify", "tcp:80", "exec:/bin/test \"a ; b\" %S"};
        text_buf_addf(&b, "[ready]\nprobe = %s\n", probes[draw(ARRAY_LEN(probes))]);
    }
    char *text = text_buf_take(&b);
    assert_non_null(text);
    return text;
}

/* The only reason for which one of these texts may be refused. */
static bool is_contradiction(const struct reason *why) {
    return strstr(why->text, "cannot be over") != NULL;
}

static void check_one(const char *text, char *const *command, char *const *environment, uint32_t *accepted) {
    CLEANUP(cleanup_spec) struct spec a = {0}, b = {0}, c = {0};
    struct reason why = {0};
    if (spec_parse("random", text, strlen(text), &a, &why) < 0) {
        if (!is_contradiction(&why))
            fail_msg("seed %" PRIu64 ": %s\n%s", seed, why.text, text);
        return;
    }
    ++*accepted;
    if (!text_list_equal(a.command, command) || !text_list_equal(a.environment, environment))
        fail_msg("seed %" PRIu64 ": other words than meant:\n%s", seed, text);
    AUTO_FREE char *printed = NULL, *again = NULL;
    assert_int_equal(spec_print(&a, &printed), 0);
    if (spec_parse("printed", printed, strlen(printed), &b, &why) < 0)
        fail_msg("seed %" PRIu64 ": %s\n%s", seed, why.text, printed);
    if (!spec_equal(&a, &b) || !spec_keeps_instances(&a, &b))
        fail_msg("seed %" PRIu64 ": changed by printing:\n%s\n%s", seed, text, printed);
    assert_int_equal(spec_print(&b, &again), 0);
    assert_string_equal(printed, again);
    assert_int_equal(spec_copy(&a, &c), 0);
    assert_true(spec_equal(&a, &c));
    spec_free(&b);
    spec_free(&c);
}

static void test_round_trip(void **state ATTR_UNUSED) {
    uint32_t accepted = 0;
    for (uint32_t i = 0; i < 4000; i++) {
        CLEANUP(cleanup_text_list) char **command = NULL;
        CLEANUP(cleanup_text_list) char **environment = NULL;
        AUTO_FREE char *text = draw_spec(&command, &environment);
        check_one(text, command, environment, &accepted);
    }
    printf("%u of 4000 texts were specs\n", accepted);
    assert_true(accepted > 1000);
}

/* Broken texts: any byte changed, dropped or doubled. Each is refused with a reason, or is a spec that
 * round-trips. */
static void test_mutations(void **state ATTR_UNUSED) {
    uint32_t accepted = 0;
    for (uint32_t i = 0; i < 8000; i++) {
        CLEANUP(cleanup_text_list) char **command = NULL;
        CLEANUP(cleanup_text_list) char **environment = NULL;
        AUTO_FREE char *text = draw_spec(&command, &environment);
        size_t len = strlen(text);
        for (uint32_t n = 1 + draw(3); n > 0; n--) {
            size_t at = draw((uint32_t)len);
            if (draw(3) == 0)
                memmove(text + at, text + at + 1, len-- - at);
            else
                text[at] = (char)(draw(4) ? "\"'\\;#%=:[]\n\r\t -"[draw(15)] : (int)draw(256));
        }
        CLEANUP(cleanup_spec) struct spec a = {0}, b = {0};
        struct reason why = {0};
        if (spec_parse("mutated", text, len, &a, &why) < 0) {
            assert_true(why.error < 0);
            assert_memory_equal(why.text, "mutated:", 8);
            continue;
        }
        accepted++;
        AUTO_FREE char *printed = NULL;
        assert_int_equal(spec_print(&a, &printed), 0);
        if (spec_parse("printed", printed, strlen(printed), &b, &why) < 0)
            fail_msg("seed %" PRIu64 ": %s\n%s", seed, why.text, printed);
        assert_true(spec_equal(&a, &b));
        spec_free(&b);
    }
    printf("%u of 8000 broken texts were specs\n", accepted);
}

/* Defaults stand in the table as the text that printing gives, else they would be printed. */
static void test_defaults_are_canonical(void **state ATTR_UNUSED) {
    static const char text[] = "[app]\nname = t/a\ncommand = /bin/x\n";
    CLEANUP(cleanup_spec) struct spec s = {0};
    assert_int_equal(spec_parse("t", text, strlen(text), &s, NULL), 0);
    AUTO_FREE char *printed = NULL;
    assert_int_equal(spec_print(&s, &printed), 0);
    assert_string_equal(printed, text);
    /* Every row has words for a person. */
    for (size_t i = 0; i < spec_table.n; i++)
        assert_non_null(spec_table.rows[i].right);
}

int main(void) {
    const char *given = getenv("CONF_SEED");
    seed = given ? strtoull(given, NULL, 10) : (uint64_t)time(NULL);
    random_state = seed;
    printf("# CONF_SEED=%" PRIu64 "\n", seed);
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_round_trip),
        cmocka_unit_test(test_mutations),
        cmocka_unit_test(test_defaults_are_canonical),
    };
    return cmocka_run_group_tests_name("property", tests, NULL, NULL);
}
