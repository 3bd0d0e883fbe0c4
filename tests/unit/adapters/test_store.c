/* SPDX-License-Identifier: Apache-2.0 */
/* The store port on a real registry. */
#include "ground.h"

#include "adapters/adapters.h"
#include "base/attr.h"
#include "base/log.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

static void open_store(struct ground *g, struct store_port *p) {
    char path[128];
    struct reason why = {0};
    snprintf(path, sizeof(path), "%s/registry", g->dir);
    if (store_adapter_new(g->loop, path, p, &why) < 0)
        fail_msg("%s", why.text);
}

struct told {
    unsigned n;
    int errors[64];
    char text[512];
};

static void done(void *userdata, int error) {
    struct told *t = userdata;
    t->errors[t->n++] = error;
}

static void found(void *userdata, int error, const struct store_entry *entries, size_t n) {
    struct told *t = userdata;
    t->errors[t->n++] = error;
    t->text[0] = '\0';
    for (size_t i = 0; i < n; i++) {
        size_t at = strlen(t->text);
        snprintf(t->text + at, sizeof(t->text) - at, "%s=%.*s ", entries[i].key, (int)entries[i].len,
                 (const char *)entries[i].value);
    }
}

static void loaded(void *userdata, const struct store_entry *e) {
    found(userdata, 0, e, 0);
    struct told *t = userdata;
    snprintf(t->text, sizeof(t->text), "%s=%.*s", e->key, (int)e->len, (const char *)e->value);
}

static void put(struct store_port *p, const char *key, const char *value, struct told *t) {
    const struct store_change c = {.key = key, .value = value, .len = value ? strlen(value) : 0};
    assert_int_equal(p->commit(p->ctx, &c, 1, true, done, t), 0);
}

static void scan(struct ground *g, struct store_port *p, const struct store_scan *what, const char *want) {
    struct told t = {0};
    assert_int_equal(p->scan(p->ctx, what, found, &t), 0);
    assert_int_equal(t.n, 0); /* never at once */
    ground_wait(g, &t.n, 1);
    assert_int_equal(t.errors[0], 0);
    assert_string_equal(t.text, want);
}

static void test_put_scan_delete(void **state) {
    struct ground *g = *state;
    struct store_port p;
    struct told t = {0};
    open_store(g, &p);
    put(&p, "a/1", "one", &t);
    put(&p, "a/2", "two", &t);
    put(&p, "b/1", "", &t);
    put(&p, "a/3", "three", &t);
    assert_int_equal(t.n, 0);
    scan(g, &p, &(struct store_scan){.prefix = "a/"}, "a/1=one a/2=two a/3=three ");
    assert_int_equal(t.n, 4); /* in their order: the scan came last */
    scan(g, &p, &(struct store_scan){.prefix = "a/", .newest_first = true, .limit = 2}, "a/3=three a/2=two ");
    scan(g, &p, &(struct store_scan){.prefix = "a/", .after = "a/1"}, "a/2=two a/3=three ");
    scan(g, &p, &(struct store_scan){.prefix = "b/"}, "b/1= ");
    const struct store_change changes[] = {
        {.key = "a/", .prefix = true}, {.key = "c", .value = "x", .len = 1}, {.key = "b/1"}, {.key = "none"}};
    assert_int_equal(p.commit(p.ctx, changes, ARRAY_LEN(changes), false, NULL, NULL), 0);
    scan(g, &p, &(struct store_scan){.prefix = ""}, "c=x ");
    store_adapter_free(&p);
}

static void test_survives(void **state) {
    struct ground *g = *state;
    struct store_port p;
    struct told t = {0};
    open_store(g, &p);
    put(&p, "app/t/a", "spec", &t);
    ground_wait(g, &t.n, 1);
    assert_int_equal(t.errors[0], 0);
    put(&p, "app/t/b", "late", &t);
    store_adapter_free(&p); /* waits for what is queued, and tells nobody */
    ground_turn(g);
    assert_int_equal(t.n, 1);
    open_store(g, &p);
    struct told l = {0};
    assert_int_equal(p.load(p.ctx, "app/", loaded, &l), 0);
    assert_int_equal(l.n, 2);
    assert_string_equal(l.text, "app/t/b=late");
    store_adapter_free(&p);
    store_adapter_free(&p);
}

static void test_a_bad_change_is_refused(void **state) {
    struct ground *g = *state;
    struct store_port p;
    struct told t = {0};
    char lengthy[1000];
    memset(lengthy, 'k', sizeof(lengthy) - 1);
    lengthy[sizeof(lengthy) - 1] = '\0';
    open_store(g, &p);
    const struct store_change changes[] = {{.key = "good", .value = "x", .len = 1},
                                           {.key = lengthy, .value = "x", .len = 1}};
    assert_int_equal(p.commit(p.ctx, changes, 2, true, done, &t), -EINVAL);
    scan(g, &p, &(struct store_scan){.prefix = ""}, "");
    assert_int_equal(t.n, 0);
    store_adapter_free(&p);
}

static void test_held_by_another(void **state) {
    struct ground *g = *state;
    struct store_port p, second;
    struct reason why = {0};
    char path[128];
    open_store(g, &p);
    snprintf(path, sizeof(path), "%s/registry", g->dir);
    assert_int_equal(store_adapter_new(g->loop, path, &second, &why), -EBUSY);
    assert_true(strlen(why.text) > 10);
    store_adapter_free(&second);
    store_adapter_free(&p);
}

int main(void) {
    const struct CMUnitTest tests[] = {ground_test(test_put_scan_delete), ground_test(test_survives),
                                       ground_test(test_a_bad_change_is_refused),
                                       ground_test(test_held_by_another)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
