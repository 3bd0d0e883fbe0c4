/* SPDX-License-Identifier: Apache-2.0 */
/* The group port: which refusals of a knob are worth a word. On a tree of plain files. */
#include "ground.h"

#include "adapters/adapters.h"
#include "base/attr.h"
#include "base/fd.h"
#include "fake/cgtree.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

static const struct fake_file files[] = {
    {"", "cgroup.subtree_control", ""},
    {"standard", "cpu.weight", ""},
    {"standard", "cpu.idle", ""},
    {"standard", "memory.min", ""},
    {"standard", "cgroup.subtree_control", ""},
};

static void knob(struct knob_list *l, const char *file, const char *value, bool optional) {
    struct knob *k = &l->knobs[l->n++];
    *k = (struct knob){.controller = "cpu", .file = file, .optional = optional};
    snprintf(k->value, sizeof(k->value), "%s", value);
}

static void test_refusals(void **state) {
    struct ground *g = *state;
    struct fake_cgtree tree;
    struct group_port p;
    struct reason why = {0};
    char missing[256], text[64];
    assert_int_equal(fake_cgtree_make(&tree, "cpu memory", files, ARRAY_LEN(files)), 0);
    assert_int_equal(group_adapter_new(g->loop, &tree.root, &p, &why), 0);
    assert_true(group_adapter_has(&p, "cpu"));
    assert_false(group_adapter_has(&p, "io"));
    AUTO_FD int fd = p.open_class(p.ctx, "standard");
    assert_true(fd >= 0);

    struct knob_list all = {0};
    knob(&all, "cpu.weight", "100", false);
    knob(&all, "memory.min", "0", false);
    assert_int_equal(p.apply(p.ctx, fd, &all, missing, sizeof(missing)), 0);
    assert_string_equal(missing, "");
    assert_true(fake_cgtree_read(&tree, "standard", "cpu.weight", text, sizeof(text)) > 0);
    assert_memory_equal(text, "100", 3);

    struct knob_list some = {0};
    knob(&some, "io.weight", "default 10", true); /* an older kernel: no word */
    knob(&some, "memory.high", "max", false);
    knob(&some, "memory.swap.max", "0", false);
    knob(&some, "memory.min", "7", false);
    assert_int_equal(p.apply(p.ctx, fd, &some, missing, sizeof(missing)), 2);
    assert_string_equal(
        missing,
        "memory.high=max (No such file or directory), memory.swap.max=0 (No such file or directory)");
    fake_cgtree_read(&tree, "standard", "memory.min", text, sizeof(text));
    assert_memory_equal(text, "7", 1); /* the others are written all the same */

    assert_int_equal(mkdirat(fd, "odd", 0755), 0); /* optional is: not there. Not: wrong */
    struct knob_list odd = {0};
    knob(&odd, "odd", "1", true);
    assert_int_equal(p.apply(p.ctx, fd, &odd, missing, sizeof(missing)), 1);
    group_adapter_free(&p);
    fake_cgtree_remove(&tree);
}

/* The kernel refuses a weight in an idle group, and only there that is as it should be. */
static void test_weight_of_an_idle_group(void **state) {
    struct ground *g = *state;
    struct fake_cgtree tree;
    struct group_port p;
    struct reason why = {0};
    char missing[256];
    static const struct fake_file idle_files[] = {{"", "cgroup.subtree_control", ""},
                                                  {"adhoc", "cgroup.subtree_control", ""},
                                                  {"adhoc", "cpu.idle", ""}};
    assert_int_equal(fake_cgtree_make(&tree, "cpu", idle_files, ARRAY_LEN(idle_files)), 0);
    assert_int_equal(group_adapter_new(g->loop, &tree.root, &p, &why), 0);
    AUTO_FD int fd = p.open_class(p.ctx, "adhoc");
    assert_true(fd >= 0);
    assert_int_equal(mkdirat(fd, "cpu.weight", 0755), 0);
    struct knob_list idle = {0}, normal = {0};
    knob(&idle, "cpu.weight", "1", false);
    knob(&idle, "cpu.idle", "1", false);
    assert_int_equal(p.apply(p.ctx, fd, &idle, missing, sizeof(missing)), 0);
    knob(&normal, "cpu.weight", "1", false);
    knob(&normal, "cpu.idle", "0", false);
    assert_int_equal(p.apply(p.ctx, fd, &normal, missing, sizeof(missing)), 1);
    assert_memory_equal(missing, "cpu.weight=1 (", 14);
    group_adapter_free(&p);
    fake_cgtree_remove(&tree);
}

/* More refusals than there is room for their names. */
static void test_many_refusals(void **state) {
    struct ground *g = *state;
    struct fake_cgtree tree;
    struct group_port p;
    struct reason why = {0};
    char missing[64];
    assert_int_equal(fake_cgtree_make(&tree, "cpu", files, ARRAY_LEN(files)), 0);
    assert_int_equal(group_adapter_new(g->loop, &tree.root, &p, &why), 0);
    AUTO_FD int fd = p.open_class(p.ctx, "standard");
    struct knob_list many = {0};
    for (unsigned i = 0; i < 20; i++)
        knob(&many, "no.such.file", "1", false);
    assert_int_equal(p.apply(p.ctx, fd, &many, missing, sizeof(missing)), 20);
    assert_true(strlen(missing) < sizeof(missing));
    group_adapter_free(&p);
    fake_cgtree_remove(&tree);
}

static void nobody(void *userdata ATTR_UNUSED, const struct group_leaf *leaf ATTR_UNUSED,
                   int dirfd ATTR_UNUSED) {
    fail_msg("a leaf without a tree");
}

static void test_no_tree(void **state) {
    struct ground *g = *state;
    struct group_port p;
    struct reason why = {0};
    const struct cgroot none = {.mode = CGROOT_NONE};
    const struct group_leaf leaf = {"standard", "t", "a", 0};
    struct group_usage u;
    assert_int_equal(group_adapter_new(g->loop, &none, &p, &why), 0);
    assert_int_equal(p.open_class(p.ctx, "standard"), -EOPNOTSUPP);
    assert_int_equal(p.open_tenant(p.ctx, "standard", "t"), -EOPNOTSUPP);
    assert_int_equal(p.open_leaf(p.ctx, &leaf), -EOPNOTSUPP);
    assert_int_equal(p.remove_leaf(p.ctx, &leaf), 0);
    assert_int_equal(p.each_leaf(p.ctx, nobody, NULL), 0);
    p.usage(p.ctx, -EOPNOTSUPP, &u);
    assert_true(u.cpu_usec == UINT64_MAX && u.memory_bytes == UINT64_MAX && u.oom_kills == UINT64_MAX);
    assert_false(group_adapter_has(&p, "cpu"));
    group_adapter_free(&p);
}

struct seen {
    unsigned n;
    uint64_t key;
    bool oom;
};

static void on_event(void *userdata, uint64_t key, bool oom) {
    struct seen *s = userdata;
    s->n++;
    s->key = key;
    s->oom = oom;
}

static void test_leaves_and_events(void **state) {
    struct ground *g = *state;
    struct fake_cgtree tree;
    struct group_port p;
    struct reason why = {0};
    struct seen s = {0};
    static const struct fake_file leaf_files[] = {
        {"", "cgroup.subtree_control", ""},
        {"standard/t/a.3", "cgroup.events", "populated 1\nfrozen 0\n"},
        {"standard/t/a.3", "cgroup.kill", ""},
    };
    assert_int_equal(fake_cgtree_make(&tree, "", leaf_files, ARRAY_LEN(leaf_files)), 0);
    assert_int_equal(group_adapter_new(g->loop, &tree.root, &p, &why), 0);
    const struct group_leaf leaf = {"standard", "t", "a", 3};
    AUTO_FD int fd = p.open_leaf(p.ctx, &leaf);
    assert_true(fd >= 0);
    assert_int_equal(p.populated(p.ctx, fd), 1);
    p.on_event(p.ctx, on_event, &s);
    assert_int_equal(p.watch(p.ctx, 77, fd), 0);
    ground_turn(g);
    assert_int_equal(s.n, 0);
    assert_int_equal(fake_cgtree_write(&tree, "standard/t/a.3", "cgroup.events", "populated 0\nfrozen 0\n"),
                     0);
    ground_wait(g, &s.n, 1);
    assert_int_equal(s.key, 77);
    assert_false(s.oom);
    assert_int_equal(p.populated(p.ctx, fd), 0);
    p.unwatch(p.ctx, 77);
    group_adapter_free(&p);
    fake_cgtree_remove(&tree);
}

int main(void) {
    const struct CMUnitTest tests[] = {ground_test(test_refusals), ground_test(test_weight_of_an_idle_group),
                                       ground_test(test_many_refusals), ground_test(test_no_tree),
                                       ground_test(test_leaves_and_events)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
