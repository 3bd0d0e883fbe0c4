/* SPDX-License-Identifier: Apache-2.0 */
/* What the registry promises while nothing goes wrong: order, scans, rest. */
#include "base/attr.h"
#include "base/clock.h"
#include "ground.h"

#include <dirent.h>
#include <errno.h>
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

struct place {
    char *path;
    struct registry *r;
};

static int make(void **state) {
    struct place *p = calloc(1, sizeof(*p));
    p->path = ground_make();
    p->r = ground_open(p->path);
    *state = p;
    return 0;
}

static int unmake(void **state) {
    struct place *p = *state;
    registry_close(p->r);
    ground_remove(p->path);
    free(p);
    return 0;
}

static void reopen(struct place *p) {
    registry_close(p->r);
    p->r = ground_open(p->path);
}

static void keeps_what_was_committed(void **state) {
    struct place *p = *state;
    assert_string_equal(ground_load(p->r, ""), "");
    assert_int_equal(ground_put(p->r, "app/b", "2", true), 0);
    assert_int_equal(ground_put(p->r, "app/a", "1", false), 0);
    assert_int_equal(ground_put(p->r, "apq", "x", true), 0);
    reopen(p);
    assert_string_equal(ground_load(p->r, "app/"), "app/a=1 app/b=2 ");
    assert_string_equal(ground_load(p->r, ""), "app/a=1 app/b=2 apq=x ");
    assert_string_equal(ground_load(p->r, "zzz"), "");
}

static void changes_of_a_batch_in_their_order(void **state) {
    struct place *p = *state;
    static const char *const keys[] = {"e/1", "e/2", "e/\xff", "e", "f/1", "e0"};
    for (size_t i = 0; i < ARRAY_LEN(keys); i++)
        assert_int_equal(ground_put(p->r, keys[i], "old", false), 0);
    struct registry_batch *b = registry_batch_new();
    registry_batch_put(b, "e/3", "gone", 4);
    registry_batch_delete_prefix(b, "e/");
    registry_batch_put(b, "e/2", "new", 3);
    registry_batch_delete(b, "f/1");
    registry_batch_delete(b, "never there");
    registry_batch_put(b, "nothing", NULL, 0);
    assert_int_equal(ground_commit(p->r, b, true), 0);
    const char *wanted = "e=old e/2=new e0=old nothing= ";
    assert_string_equal(ground_load(p->r, ""), wanted);
    reopen(p);
    assert_string_equal(ground_load(p->r, ""), wanted);

    b = registry_batch_new();
    registry_batch_delete_prefix(b, "");
    registry_batch_put(b, "last", "1", 1);
    assert_int_equal(ground_commit(p->r, b, true), 0);
    assert_string_equal(ground_load(p->r, ""), "last=1 ");
}

static bool is_even(const void *data, const char *key, const void *value, size_t len) {
    (void)key;
    return len == 1 && ((const char *)value)[0] % *(const unsigned char *)data == 0;
}

static void scans(void **state) {
    struct place *p = *state;
    static const char *const keys[] = {"a/1", "e/1", "e/2", "e/3", "e/4", "e/5", "f/1"};
    for (size_t i = 0; i < ARRAY_LEN(keys); i++)
        assert_int_equal(ground_put(p->r, keys[i], keys[i] + 2, false), 0);
    const unsigned char two = 2;
    const struct {
        struct registry_scan scan;
        const char *wanted;
    } cases[] = {
        {{.prefix = "e/"}, "e/1=1 e/2=2 e/3=3 e/4=4 e/5=5 "},
        {{.prefix = "e/", .newest_first = true}, "e/5=5 e/4=4 e/3=3 e/2=2 e/1=1 "},
        {{.prefix = "e/", .limit = 2}, "e/1=1 e/2=2 "},
        {{.prefix = "e/", .limit = 2, .newest_first = true}, "e/5=5 e/4=4 "},
        {{.prefix = "e/", .after = "e/2"}, "e/3=3 e/4=4 e/5=5 "},
        {{.prefix = "e/", .after = "e/2", .newest_first = true}, "e/1=1 "},
        {{.prefix = "e/", .after = "e/25"}, "e/3=3 e/4=4 e/5=5 "},
        {{.prefix = "e/", .after = "e/25", .newest_first = true}, "e/2=2 e/1=1 "},
        {{.prefix = "e/", .after = "a"}, "e/1=1 e/2=2 e/3=3 e/4=4 e/5=5 "},
        {{.prefix = "e/", .after = "a", .newest_first = true}, ""},
        {{.prefix = "e/", .after = "z"}, ""},
        {{.prefix = "e/", .after = "z", .newest_first = true}, "e/5=5 e/4=4 e/3=3 e/2=2 e/1=1 "},
        {{.prefix = "e/", .after = "e/5"}, ""},
        {{.prefix = "e/", .filter = is_even, .filter_data = &two, .filter_len = 1}, "e/2=2 e/4=4 "},
        {{.prefix = "e/",
          .filter = is_even,
          .filter_data = &two,
          .filter_len = 1,
          .limit = 1,
          .newest_first = true},
         "e/4=4 "},
        {{.prefix = "x"}, ""},
        {{.prefix = NULL, .limit = 2}, "a/1=1 e/1=1 "},
        {{.prefix = "", .newest_first = true, .limit = 2}, "f/1=1 e/5=5 "},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++)
        assert_string_equal(ground_scan(p->r, &cases[i].scan, NULL), cases[i].wanted);
    /* From files as from memory. */
    reopen(p);
    for (size_t i = 0; i < ARRAY_LEN(cases); i++)
        assert_string_equal(ground_scan(p->r, &cases[i].scan, NULL), cases[i].wanted);
}

struct order {
    unsigned n;
    int errors;
    struct registry *r;
    size_t found[64];
};

static void count(void *userdata, int error) {
    struct order *o = userdata;
    o->n++;
    o->errors += error != 0;
}

struct step {
    struct order *order;
    unsigned number;
};

static void check_step(struct step *s, int error) {
    assert_int_equal(error, 0);
    assert_int_equal(s->order->n, s->number);
    s->order->n++;
}

static void step_done(void *userdata, int error) {
    check_step(userdata, error);
}

static void step_scanned(void *userdata, int error, const struct registry_entry *entries, size_t n) {
    struct step *s = userdata;
    (void)entries;
    s->order->found[s->number] = n;
    check_step(s, error);
}

static void answers_in_the_order_of_the_requests(void **state) {
    struct place *p = *state;
    struct order o = {.n = 0};
    struct step steps[64];
    for (unsigned i = 0; i < ARRAY_LEN(steps); i++) {
        steps[i] = (struct step){.order = &o, .number = i};
        char key[16];
        snprintf(key, sizeof(key), "k%02u", i);
        if (i % 4 == 3) {
            struct registry_scan scan = {.prefix = "k"};
            assert_int_equal(registry_scan(p->r, &scan, step_scanned, &steps[i]), 0);
        } else {
            struct registry_batch *b = registry_batch_new();
            registry_batch_put(b, key, "v", 1);
            assert_int_equal(registry_commit(p->r, b, i % 2, step_done, &steps[i]), 0);
        }
    }
    ground_wait(p->r, &o.n, ARRAY_LEN(steps));
    /* Each scan saw exactly what was committed before it. */
    for (unsigned i = 3; i < ARRAY_LEN(steps); i += 4)
        assert_int_equal(o.found[i], (i + 1) / 4 * 3);
}

static void commit_again(void *userdata, int error) {
    struct order *o = userdata;
    assert_int_equal(error, 0);
    if (++o->n < 20)
        assert_int_equal(registry_commit(o->r, registry_batch_new(), false, commit_again, o), 0);
}

static void callbacks_may_ask_again(void **state) {
    struct place *p = *state;
    struct order o = {.r = p->r};
    assert_int_equal(registry_commit(p->r, registry_batch_new(), true, commit_again, &o), 0);
    ground_wait(p->r, &o.n, 20);
}

static void refuses_what_it_cannot_take(void **state) {
    struct place *p = *state;
    struct order o = {.n = 0};
    char huge[REGISTRY_KEY_MAX + 2];
    memset(huge, 'x', sizeof(huge));
    huge[sizeof(huge) - 1] = '\0';
    struct registry_batch *b = registry_batch_new();
    registry_batch_put(b, huge, "", 0);
    assert_int_equal(registry_commit(p->r, b, true, count, &o), -EINVAL);
    struct registry_scan scan = {.prefix = huge};
    assert_int_equal(registry_scan(p->r, &scan, step_scanned, &o), -EINVAL);
    scan = (struct registry_scan){.prefix = "", .filter_data = huge, .filter_len = 257};
    assert_int_equal(registry_scan(p->r, &scan, step_scanned, &o), -EINVAL);
    assert_int_equal(ground_put(p->r, "good", "1", true), 0);
    registry_dispatch(p->r);
    assert_int_equal(o.n, 0);
}

static void a_full_queue(void **state) {
    struct place *p = *state;
    struct order o = {.n = 0};
    unsigned taken = 0;
    int r = 0;
    /* Nothing is dispatched, so what is done still counts. */
    while (taken < 200000 && (r = registry_commit(p->r, registry_batch_new(), false, count, &o)) == 0)
        taken++;
    assert_int_equal(r, -EBUSY);
    assert_int_equal(taken, 100000);
    ground_wait(p->r, &o.n, taken);
    assert_int_equal(o.errors, 0);
    assert_int_equal(ground_put(p->r, "after", "1", true), 0);
}

static void close_finishes_and_calls_nobody(void **state) {
    struct place *p = *state;
    struct order o = {.n = 0};
    for (unsigned i = 0; i < 1000; i++) {
        char key[16];
        snprintf(key, sizeof(key), "k%03u", i);
        struct registry_batch *b = registry_batch_new();
        registry_batch_put(b, key, "v", 1);
        assert_int_equal(registry_commit(p->r, b, true, count, &o), 0);
    }
    reopen(p);
    assert_int_equal(o.n, 0);
    struct registry_scan scan = {.prefix = "k", .newest_first = true, .limit = 1};
    assert_string_equal(ground_scan(p->r, &scan, NULL), "k999=v ");
    registry_close(NULL);
}

static void many_records_through_files(void **state) {
    struct place *p = *state;
    struct order o = {.n = 0};
    char value[1000];
    memset(value, 'v', sizeof(value));
    for (unsigned i = 0; i < 10000; i++) { /* ten write buffers: flushed and compacted meanwhile */
        char key[32];
        snprintf(key, sizeof(key), "r/%05u", i * 7919 % 10000);
        struct registry_batch *b = registry_batch_new();
        registry_batch_put(b, key, value, sizeof(value));
        if (i % 3 == 0)
            registry_batch_delete(b, key);
        assert_int_equal(registry_commit(p->r, b, false, count, &o), 0);
    }
    ground_wait(p->r, &o.n, 10000);
    assert_int_equal(o.errors, 0);
    reopen(p);
    unsigned n = 0;
    struct registry_scan scan = {.prefix = "r/", .limit = 100};
    char last[32] = "r/";
    for (;;) { /* by pages */
        scan.after = last;
        const char *page = ground_scan(p->r, &scan, NULL);
        const char *at = page;
        unsigned in_page = 0;
        for (; (at = strstr(at, "r/")); at++, in_page++)
            memcpy(last, at, 7);
        if (in_page == 0)
            break;
        n += in_page;
    }
    assert_int_equal(n, 10000 - 3334);
}

/* Sum of the voluntary and involuntary context switches of all threads. */
static unsigned long switches(void) {
    unsigned long sum = 0;
    DIR *dir = opendir("/proc/self/task");
    assert_non_null(dir);
    for (const struct dirent *e = readdir(dir); e; e = readdir(dir)) {
        char path[300], line[256];
        unsigned long n;
        /* The one that asks does not count. */
        if (e->d_name[0] == '.' || atoi(e->d_name) == getpid())
            continue;
        snprintf(path, sizeof(path), "/proc/self/task/%s/status", e->d_name);
        FILE *f = fopen(path, "re");
        while (f && fgets(line, sizeof(line), f))
            if (sscanf(line, "voluntary_ctxt_switches: %lu", &n) == 1 ||
                sscanf(line, "nonvoluntary_ctxt_switches: %lu", &n) == 1)
                sum += n;
        if (f)
            fclose(f);
    }
    closedir(dir);
    return sum;
}

static void rests_and_wakes(void **state) {
    struct place *p = *state;
    registry_set_rest(p->r, USEC_NEVER);
    assert_int_equal(ground_put(p->r, "a", "1", true), 0);
    assert_false(ground_rests(p->path));
    registry_set_rest(p->r, 20 * USEC_PER_MSEC);
    ground_wait_rest(p->path);
    assert_int_equal(ground_put(p->r, "b", "2", true), 0);
    ground_wait_rest(p->path);
    assert_string_equal(ground_scan(p->r, &(struct registry_scan){.prefix = ""}, NULL), "a=1 b=2 ");
    ground_wait_rest(p->path);
    assert_string_equal(ground_load(p->r, ""), "a=1 b=2 ");
    ground_wait_rest(p->path);
    assert_int_equal(ground_put(p->r, "c", "3", false), 0);
    reopen(p);
    assert_string_equal(ground_load(p->r, ""), "a=1 b=2 c=3 ");
}

static void no_wakeups_at_rest(void **state) {
    struct place *p = *state;
#ifdef __SANITIZE_THREAD__
    print_message("skip: the thread sanitizer's own thread wakes up\n");
    skip();
#endif
    assert_int_equal(ground_put(p->r, "a", "1", true), 0);
    registry_set_rest(p->r, 0);
    ground_wait_rest(p->path);
    /* The thread says nothing when it has gone to sleep: the count standing still over 11 s, longer than any
     * timer that RocksDB has, is what is asked for. Settling is given until the deadline. */
    unsigned long before, after = switches();
    uint64_t end = clock_monotonic_usec() + DEADLINE_MSEC * USEC_PER_MSEC;
    do {
        before = after;
        struct pollfd f = {.fd = registry_fd(p->r), .events = POLLIN};
        assert_int_equal(poll(&f, 1, 11000), 0);
        after = switches();
    } while (after != before && clock_monotonic_usec() < end);
    assert_int_equal(after, before);
}

static void threads_take_no_signals(void **state) {
    struct place *p = *state;
    assert_int_equal(ground_put(p->r, "a", "1", true), 0);
    DIR *dir = opendir("/proc/self/task");
    assert_non_null(dir);
    unsigned threads = 0;
    for (const struct dirent *e = readdir(dir); e; e = readdir(dir)) {
        char path[300], line[256];
        unsigned long long blocked = 0;
        if (e->d_name[0] == '.' || atoi(e->d_name) == getpid())
            continue;
        snprintf(path, sizeof(path), "/proc/self/task/%s/status", e->d_name);
        FILE *f = fopen(path, "re");
        while (f && fgets(line, sizeof(line), f))
            sscanf(line, "SigBlk: %llx", &blocked);
        if (f)
            fclose(f);
        for (int signal = 1; signal < 32; signal++)
            if (signal != SIGKILL && signal != SIGSTOP)
                assert_true(blocked >> (signal - 1) & 1);
        threads++;
    }
    closedir(dir);
    assert_true(threads > 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(keeps_what_was_committed, make, unmake),
        cmocka_unit_test_setup_teardown(changes_of_a_batch_in_their_order, make, unmake),
        cmocka_unit_test_setup_teardown(scans, make, unmake),
        cmocka_unit_test_setup_teardown(answers_in_the_order_of_the_requests, make, unmake),
        cmocka_unit_test_setup_teardown(callbacks_may_ask_again, make, unmake),
        cmocka_unit_test_setup_teardown(refuses_what_it_cannot_take, make, unmake),
        cmocka_unit_test_setup_teardown(a_full_queue, make, unmake),
        cmocka_unit_test_setup_teardown(close_finishes_and_calls_nobody, make, unmake),
        cmocka_unit_test_setup_teardown(many_records_through_files, make, unmake),
        cmocka_unit_test_setup_teardown(rests_and_wakes, make, unmake),
        cmocka_unit_test_setup_teardown(no_wakeups_at_rest, make, unmake),
        cmocka_unit_test_setup_teardown(threads_take_no_signals, make, unmake),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
