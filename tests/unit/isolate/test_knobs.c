/* SPDX-License-Identifier: Apache-2.0 */
/* Every knob that the shipped classes give, and what is said of a host that lacks the means. */
#include "isolate/knobs.h"

#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define GIB (1ULL << 30)

static const struct host_facts full = {.memory_bytes = 100 * GIB,
                                       .cpus = 8,
                                       .has_cpu = true,
                                       .has_memory = true,
                                       .has_io = true,
                                       .has_pids = true,
                                       .io_acts = true};
static const struct host_facts bare = {.memory_bytes = 100 * GIB, .cpus = 8};

static struct class_table table;

static const struct class_conf *class(const char *name) {
    class_table_shipped(&table);
    return class_find(&table, name);
}

static struct spec parsed(const char *resources) {
    char text[400];
    struct spec s;
    struct reason why = {0};
    assert_int_equal(
        text_format(text, sizeof(text), "[app]\nname = t/a\ncommand = /bin/x\n[resources]\n%s", resources),
        0);
    if (spec_parse("t", text, strlen(text), &s, &why) < 0)
        fail_msg("%s", why.text);
    return s;
}

/* The list in order, one "controller file value[?][=]" a line: '?' optional, '=' what a new group has. */
static void check_list(const struct knob_list *list, const char *expected) {
    CLEANUP(cleanup_text_buf) struct text_buf b = {0};
    for (uint32_t i = 0; i < list->n; i++) {
        const struct knob *k = &list->knobs[i];
        text_buf_addf(&b, "%s %s %s%s%s\n", k->controller, k->file, k->value, k->optional ? " ?" : "",
                      k->is_default ? " =" : "");
    }
    assert_string_equal(b.data ? b.data : "", expected);
}

static void test_class_knobs(void **state ATTR_UNUSED) {
    struct knob_list list;
    struct resource_sum sum = {.memory_bytes = 10 * GIB};
    knobs_for_class(class("critical"), &sum, &full, &list);
    check_list(&list, "cpu cpu.idle 0 ? =\ncpu cpu.weight 10000\n"
                      "memory memory.min 10737418240\nmemory memory.low 0 =\nmemory memory.max max =\n"
                      "io io.weight default 10000 ?\nio io.bfq.weight default 1000 ?\npids pids.max max =\n");
    knobs_for_class(class("standard"), &sum, &full, &list);
    check_list(&list, "cpu cpu.idle 0 ? =\ncpu cpu.weight 1000\n"
                      "memory memory.min 0 =\nmemory memory.low 10737418240\nmemory memory.max max =\n"
                      "io io.weight default 1000 ?\nio io.bfq.weight default 100 ? =\npids pids.max max =\n");
    /* The weight first: the kernel refuses it once the group is idle. */
    knobs_for_class(class("adhoc"), &sum, &full, &list);
    check_list(&list, "cpu cpu.weight 1 ?\ncpu cpu.idle 1 ?\n"
                      "memory memory.min 0 =\nmemory memory.low 0 =\nmemory memory.max 96636764160\n"
                      "io io.weight default 1 ?\nio io.bfq.weight default 1 ?\npids pids.max 8192\n");
    knobs_for_class(class("adhoc"), &sum, &bare, &list);
    check_list(&list, "");
}

static void test_class_limits(void **state ATTR_UNUSED) {
    struct class_conf c = *class("critical");
    struct knob_list list;
    struct host_facts memory_only = {.memory_bytes = 10 * GIB, .has_memory = true};
    struct resource_sum sum = {.memory_bytes = 50 * GIB};
    /* More than the host has cannot be guaranteed. */
    knobs_for_class(&c, &sum, &memory_only, &list);
    check_list(&list, "memory memory.min 8589934592\nmemory memory.low 0 =\nmemory memory.max max =\n");
    /* Both limits given (by code, no file can): the smaller. */
    c.memory_max_bytes = GIB;
    c.memory_max_percent = 50;
    knobs_for_class(&c, &sum, &memory_only, &list);
    assert_string_equal(list.knobs[2].value, "1073741824");
    c.memory_max_percent = 5;
    knobs_for_class(&c, &sum, &memory_only, &list);
    assert_string_equal(list.knobs[2].value, "536870912");
    /* A host that does not say how much it has: no share of it, and no ceiling. */
    memory_only.memory_bytes = 0;
    c.memory_max_bytes = CLASS_UNLIMITED;
    knobs_for_class(&c, &sum, &memory_only, &list);
    assert_string_equal(list.knobs[0].value, "53687091200");
    assert_string_equal(list.knobs[2].value, "max");
}

static void test_tenant_knobs(void **state ATTR_UNUSED) {
    struct knob_list list;
    struct resource_sum sum = {.memory_bytes = GIB, .cpu_milli = 5000};
    knobs_for_tenant(class("critical"), &sum, &full, &list);
    check_list(&list, "memory memory.min 1073741824\nmemory memory.low 0 =\n");
    knobs_for_tenant(class("standard"), &sum, &full, &list);
    check_list(&list, "memory memory.min 0 =\nmemory memory.low 1073741824\n");
    knobs_for_tenant(class("standard"), &sum, &bare, &list);
    check_list(&list, "");
}

static void test_leaf_knobs(void **state ATTR_UNUSED) {
    struct knob_list list;
    CLEANUP(cleanup_spec) struct spec none = parsed("");
    knobs_for_leaf(class("critical"), &none, &full, &list);
    check_list(&list, "cpu cpu.weight 100 =\ncpu cpu.max max 100000 =\n"
                      "memory memory.max max =\nmemory memory.min 0 =\nmemory memory.low 0 =\n"
                      "memory memory.swap.max 0 ?\nmemory memory.oom.group 1\npids pids.max 4096\n");
    CLEANUP(cleanup_spec)
    struct spec all = parsed("cpu = 1.5\ncpu-max = 2.5\nmemory = 1G\nmemory-max = 2G\ntasks-max = 300\n");
    knobs_for_leaf(class("critical"), &all, &full, &list);
    check_list(&list, "cpu cpu.weight 150\ncpu cpu.max 250000 100000\n"
                      "memory memory.max 2147483648\nmemory memory.min 1073741824\nmemory memory.low 0 =\n"
                      "memory memory.swap.max 0 ?\nmemory memory.oom.group 1\npids pids.max 300\n");
    knobs_for_leaf(class("standard"), &all, &full, &list);
    assert_string_equal(list.knobs[3].value, "0");
    assert_string_equal(list.knobs[4].value, "1073741824");
    knobs_for_leaf(class("adhoc"), &all, &full, &list);
    check_list(&list, "cpu cpu.weight 150\ncpu cpu.max 250000 100000\n"
                      "memory memory.max 2147483648\nmemory memory.min 0 =\nmemory memory.low 0 =\n"
                      "memory memory.swap.max max ? =\nmemory memory.oom.group 1\npids pids.max 300\n");
    knobs_for_leaf(class("adhoc"), &all, &bare, &list);
    check_list(&list, "");
}

static void test_leaf_bounds(void **state ATTR_UNUSED) {
    struct knob_list list;
    /* As much guaranteed as allowed leaves the page cache nothing: four fifths. */
    CLEANUP(cleanup_spec)
    struct spec s = parsed("memory = 1000M\nmemory-max = 1000M\ncpu = 0.01\ncpu-max = 0.01\n");
    knobs_for_leaf(class("critical"), &s, &full, &list);
    assert_string_equal(list.knobs[0].value, "1");
    assert_string_equal(list.knobs[1].value, "1000 100000");
    assert_string_equal(list.knobs[3].value, "838860800");
    CLEANUP(cleanup_spec) struct spec large = parsed("cpu = 8192\ncpu-max = 8192\n");
    knobs_for_leaf(class("critical"), &large, &full, &list);
    assert_string_equal(list.knobs[0].value, "10000");
    assert_string_equal(list.knobs[1].value, "819200000 100000");
    /* The kernel's files have at most one line each; no list names a file twice. */
    for (uint32_t i = 0; i < list.n; i++)
        for (uint32_t k = 0; k < i; k++)
            assert_string_not_equal(list.knobs[i].file, list.knobs[k].file);
}

static void test_process_settings(void **state ATTR_UNUSED) {
    struct process_settings p;
    process_settings_for(class("adhoc"), &bare, &p);
    assert_int_equal(p.nice, 19);
    assert_true(p.autogroup);
    assert_int_equal(p.sched_policy, SCHED_IDLE);
    assert_int_equal(p.ioprio, 3 << 13);
    assert_int_equal(p.oom_score_adj, 900);
    process_settings_for(class("adhoc"), &full, &p);
    assert_int_equal(p.nice, 0);
    assert_false(p.autogroup);
    assert_int_equal(p.sched_policy, SCHED_OTHER);
    assert_int_equal(p.ioprio, 3 << 13);
    process_settings_for(class("critical"), &bare, &p);
    assert_int_equal(p.nice, -10);
    assert_true(p.autogroup);
    assert_int_equal(p.sched_policy, SCHED_OTHER);
    assert_int_equal(p.ioprio, 2 << 13);
    assert_int_equal(p.oom_score_adj, -500);
    process_settings_for(class("standard"), &bare, &p);
    assert_int_equal(p.nice, 0);
    assert_false(p.autogroup);
    assert_int_equal(p.ioprio, 2 << 13 | 4);
    /* An idle policy that an operator gives a class without cpu.idle is meant. */
    struct class_conf c = *class("standard");
    c.sched = SCHED_IDLE;
    process_settings_for(&c, &full, &p);
    assert_int_equal(p.sched_policy, SCHED_IDLE);
    c.ioprio_class = 0;
    c.ioprio_level = 3;
    process_settings_for(&c, &full, &p);
    assert_int_equal(p.ioprio, 0);
}

static void test_guarantees(void **state ATTR_UNUSED) {
    static const char *const what[GUARANTEES] = {"cpu", "memory", "io", "tasks"};
    struct guarantee g[GUARANTEES];
    guarantees_of_host(&full, CGROOT_UNIFIED, g);
    for (unsigned i = 0; i < GUARANTEES; i++) {
        assert_string_equal(g[i].what, what[i]);
        assert_int_equal(g[i].level, GUARANTEE_ENFORCED);
    }
    struct host_facts weights_only = full;
    weights_only.io_acts = false;
    guarantees_of_host(&weights_only, CGROOT_UNIFIED, g);
    assert_int_equal(g[2].level, GUARANTEE_DEGRADED);
    for (enum cgroot_mode mode = CGROOT_NONE; mode < CGROOT_MODE_MAX; mode++) {
        guarantees_of_host(&bare, mode, g);
        assert_int_equal(g[0].level, GUARANTEE_DEGRADED);
        assert_int_equal(g[1].level, GUARANTEE_ABSENT);
        assert_int_equal(g[2].level, GUARANTEE_DEGRADED);
        assert_int_equal(g[3].level, GUARANTEE_ABSENT);
        for (unsigned i = 0; i < GUARANTEES; i++) {
            size_t len = strlen(g[i].how);
            assert_true(len > 20 && len < sizeof(g[i].how) - 1); /* not cut */
            assert_non_null(strstr(g[i].how, mode == CGROOT_HYBRID    ? "unified_cgroup_hierarchy=1"
                                             : mode == CGROOT_UNIFIED ? "not delegated"
                                                                      : "run as root"));
        }
    }
    assert_string_equal(guarantee_level_name(GUARANTEE_ENFORCED), "enforced");
    assert_string_equal(guarantee_level_name(GUARANTEE_DEGRADED), "degraded");
    assert_string_equal(guarantee_level_name(GUARANTEE_ABSENT), "absent");
}

int main(void) {
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_class_knobs),  cmocka_unit_test(test_class_limits),
        cmocka_unit_test(test_tenant_knobs), cmocka_unit_test(test_leaf_knobs),
        cmocka_unit_test(test_leaf_bounds),  cmocka_unit_test(test_process_settings),
        cmocka_unit_test(test_guarantees),
    };
    return cmocka_run_group_tests_name("knobs", tests, NULL, NULL);
}
