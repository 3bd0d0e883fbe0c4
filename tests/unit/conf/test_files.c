/* SPDX-License-Identifier: Apache-2.0 */
/* Whole folders of files: classes.d, tenants.d, streamkeeper.conf; and every file that is shipped. */
#include "base/fd.h"
#include "conf/class.h"
#include "conf/daemon_conf.h"
#include "conf/governor.h"
#include "conf/spec.h"
#include "conf/tenant.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

static char etc[64];

static int set_up(void **state ATTR_UNUSED) {
    memcpy(etc, "/tmp/sk-conf-XXXXXX", 20);
    return mkdtemp(etc) ? 0 : -1;
}

static int remove_one(const char *path, const struct stat *st ATTR_UNUSED, int flag ATTR_UNUSED,
                      struct FTW *ftw ATTR_UNUSED) {
    return remove(path);
}

static int tear_down(void **state ATTR_UNUSED) {
    return nftw(etc, remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

static void put(const char *name, const char *text) {
    AUTO_FD int fd = open(etc, O_PATH | O_DIRECTORY | O_CLOEXEC);
    assert_true(fd >= 0);
    if (strchr(name, '/')) {
        char folder[100];
        snprintf(folder, sizeof(folder), "%.*s", (int)(strchr(name, '/') - name), name);
        assert_int_equal(fd_mkdir_p_at(fd, folder, 0755), 0);
    }
    assert_int_equal(fd_replace_file_at(fd, name, text, 0644), 0);
}

static void test_shipped_classes(void **state ATTR_UNUSED) {
    struct class_table t;
    class_table_shipped(&t);
    assert_int_equal(t.n, 3);
    assert_string_equal(t.classes[0].name, "critical");
    assert_string_equal(t.classes[1].name, "standard");
    assert_string_equal(t.classes[2].name, "adhoc");
    const struct class_conf *critical = &t.classes[0], *standard = &t.classes[1], *adhoc = &t.classes[2];
    assert_int_equal(critical->cpu_weight, 10000);
    assert_int_equal(standard->cpu_weight, 1000);
    assert_int_equal(adhoc->cpu_weight, 1);
    assert_false(critical->cpu_idle || standard->cpu_idle);
    assert_true(adhoc->cpu_idle);
    assert_true(critical->memory_guarantee && standard->memory_protect);
    assert_false(adhoc->memory_guarantee || adhoc->memory_protect);
    assert_int_equal(critical->swap_max_bytes, 0);
    assert_int_equal(adhoc->swap_max_bytes, CLASS_UNLIMITED);
    assert_int_equal(critical->memory_max_bytes, CLASS_UNLIMITED);
    assert_int_equal(adhoc->memory_max_percent, 90);
    assert_int_equal(critical->oom_score_adj, -500);
    assert_int_equal(adhoc->oom_score_adj, 900);
    assert_true(critical->nice < standard->nice && standard->nice < adhoc->nice);
    assert_int_equal(adhoc->tasks_max, 1024);
    assert_int_equal(adhoc->tasks_max_class, 8192);
    for (uint32_t i = 0; i < t.n; i++)
        assert_true(t.classes[i].oom_group);
    assert_ptr_equal(class_find(&t, "adhoc"), adhoc);
    assert_null(class_find(&t, "none"));
}

/* What is built in is what stands in the files, and the files print back. */
static void test_shipped_files(void **state ATTR_UNUSED) {
    struct class_table built_in, from_files;
    struct reason why = {0};
    class_table_shipped(&built_in);
    if (class_table_load(ETC_DIR, &from_files, &why) < 0)
        fail_msg("%s", why.text);
    assert_int_equal(from_files.n, built_in.n);
    for (uint32_t i = 0; i < built_in.n; i++) {
        AUTO_FREE char *a = NULL, *b = NULL;
        assert_int_equal(class_print(&built_in.classes[i], &a), 0);
        assert_int_equal(class_print(&from_files.classes[i], &b), 0);
        assert_string_equal(built_in.classes[i].name, from_files.classes[i].name);
        assert_string_equal(a, b);
    }
    struct daemon_conf c;
    assert_int_equal(daemon_conf_load(ETC_DIR, &c, &why), 0);
    struct tenant_table t = {0};
    assert_int_equal(tenant_table_load(ETC_DIR, &t, &why), 0);
    assert_int_equal(t.n, 0); /* the sample is not read */
}

static char *read_file(const char *path) {
    char *text = NULL;
    int r = fd_read_file_at(AT_FDCWD, path, 1 << 20, &text, NULL);
    if (r < 0)
        fail_msg("%s: %s", path, strerror(-r));
    return text;
}

static void test_shipped_sample(void **state ATTR_UNUSED) {
    AUTO_FREE char *text = read_file(ETC_DIR "/tenants.d/example.conf.sample");
    struct tenant_conf t;
    struct reason why = {0};
    if (tenant_parse("sample", "example", text, strlen(text), &t, &why) < 0)
        fail_msg("%s", why.text);
    assert_true(tenant_may_use_class(&t, "critical"));
    assert_int_equal(t.n_run_as, 3);
    tenant_free(&t);
}

/* Takes the '#' from every line that is a commented key or section; ret_text has room for text. */
static unsigned activate(const char *text, char *active) {
    char *to = active;
    unsigned keys = 0;
    for (const char *p = text; *p; p = strchrnul(p, '\n'), p += *p == '\n') {
        size_t n = (size_t)(strchrnul(p, '\n') - p);
        if (p[0] == '#' && p[1] != ' ' && p[1] != '\n') {
            memcpy(to, p + 1, n - 1);
            to += n - 1;
            *to++ = '\n';
            keys += p[1] != '[';
        }
    }
    *to = '\0';
    return keys;
}

/* In the shipped files every key stands as a comment with its default. */
static void test_shipped_defaults(void **state ATTR_UNUSED) {
    AUTO_FREE char *text = read_file(ETC_DIR "/streamkeeper.conf"), *active = strdup(text);
    unsigned keys = activate(text, active);
    struct daemon_conf c;
    struct reason why = {0};
    if (daemon_conf_parse("streamkeeper.conf", active, strlen(active), &c, &why) < 0)
        fail_msg("%s", why.text);
    AUTO_FREE char *printed = NULL;
    assert_int_equal(daemon_conf_print(&c, &printed), 0);
    assert_string_equal(printed, ""); /* nothing differs from its default */
    assert_int_equal(keys, 10);
}

static void test_shipped_governor(void **state ATTR_UNUSED) {
    AUTO_FREE char *text = read_file(ETC_DIR "/governor.conf"), *active = strdup(text);
    struct governor_conf c, defaults;
    struct reason why = {0};
    assert_int_equal(activate(text, active), 70); /* all but `protect`, which has no default */
    if (governor_conf_parse("governor.conf", active, strlen(active), &c, &why) < 0)
        fail_msg("%s", why.text);
    AUTO_FREE char *printed = NULL;
    assert_int_equal(governor_conf_print(&c, &printed), 0);
    assert_string_equal(printed, "");
    governor_conf_default(&defaults);
    assert_memory_equal(&c, &defaults, sizeof(c));
    assert_int_equal(governor_conf_load(ETC_DIR, &c, &why), 0);
    assert_memory_equal(&c, &defaults, sizeof(c));
    assert_int_equal(governor_conf_load(etc, &c, &why), 0); /* none there: the same */
}

static void test_shipped_examples(void **state ATTR_UNUSED) {
    static const struct {
        const char *file, *name, *class;
        enum spec_ready ready;
    } examples[] = {{"enrich", "enrich", "critical", SPEC_READY_TCP},
                    {"consumer", "audit", "standard", SPEC_READY_NOTIFY},
                    {"worker", "backfill", "adhoc", SPEC_READY_EXEC}};
    for (size_t i = 0; i < ARRAY_LEN(examples); i++) {
        char path[600];
        snprintf(path, sizeof(path), ETC_DIR "/examples/%s.conf", examples[i].file);
        AUTO_FREE char *text = read_file(path);
        CLEANUP(cleanup_spec) struct spec s = {0};
        struct reason why = {0};
        if (spec_parse(path, text, strlen(text), &s, &why) < 0)
            fail_msg("%s", why.text);
        assert_string_equal(s.app, examples[i].name);
        assert_string_equal(s.class, examples[i].class);
        assert_int_equal(s.ready, examples[i].ready);
    }
}

static void test_classes_replaced_and_added(void **state ATTR_UNUSED) {
    put("classes.d/adhoc.conf", "[class]\nrank = 950\n");
    put("classes.d/batch.conf", "[class]\nrank = 700\n[cpu]\nweight = 7\n");
    put("classes.d/notes.txt", "not read");
    put("classes.d/.hidden.conf", "not read");
    put("classes.d/batch.conf~", "not read");
    put("classes.d/batch.conf.shipped", "not read");
    struct class_table t;
    struct reason why = {0};
    if (class_table_load(etc, &t, &why) < 0)
        fail_msg("%s", why.text);
    static const char *const order[] = {"adhoc", "critical", "batch", "standard"};
    assert_int_equal(t.n, ARRAY_LEN(order));
    for (uint32_t i = 0; i < t.n; i++)
        assert_string_equal(t.classes[i].name, order[i]);
    assert_false(class_find(&t, "adhoc")->cpu_idle);
    assert_int_equal(class_find(&t, "batch")->cpu_weight, 7);
}

static void refuse_classes(const char *expected) {
    struct class_table t = {.n = 77};
    struct reason why = {0};
    assert_true(class_table_load(etc, &t, &why) < 0);
    assert_int_equal(t.n, 77);
    if (!strstr(why.text, expected))
        fail_msg("\"%s\" is not in: %s", expected, why.text);
}

static void test_classes_refused(void **state ATTR_UNUSED) {
    put("classes.d/mine.conf", "[class]\nrank = 900\n");
    refuse_classes("have the same rank 900");
    put("classes.d/mine.conf", "[class]\nrnk = 1\n");
    refuse_classes("classes.d/mine.conf:2: [class] rnk: there is no such key; did you mean \"rank\"?");
    put("classes.d/mine.conf", "[class]\nrank = 901\n");
    put("classes.d/My Class.conf", "[class]\nrank = 902\n");
    refuse_classes("My Class.conf: the file's name is the name of what it describes");
}

static void test_too_many_classes(void **state ATTR_UNUSED) {
    for (int i = 0; i < CLASS_MAX - 3; i++) {
        char name[64], text[64];
        snprintf(name, sizeof(name), "classes.d/c%02d.conf", i);
        snprintf(text, sizeof(text), "[class]\nrank = %d\n", i);
        put(name, text);
    }
    struct class_table t;
    assert_int_equal(class_table_load(etc, &t, NULL), 0);
    assert_int_equal(t.n, CLASS_MAX);
    put("classes.d/one-more.conf", "[class]\nrank = 99\n");
    refuse_classes("more than 16 classes");
}

static void test_missing_and_unreadable(void **state ATTR_UNUSED) {
    struct class_table classes;
    struct tenant_table tenants = {0};
    struct daemon_conf c;
    struct reason why = {0};
    assert_int_equal(class_table_load(etc, &classes, &why), 0);
    assert_int_equal(classes.n, 3);
    assert_int_equal(tenant_table_load(etc, &tenants, &why), 0);
    assert_int_equal(tenants.n, 0);
    assert_int_equal(daemon_conf_load(etc, &c, &why), 0);
    assert_string_equal(c.operator_group, "streamkeeper-admin");
    assert_int_equal(c.start_burst, 20);
    assert_int_equal(c.start_interval_usec, 200000);
    assert_int_equal(c.log_file_bytes, 10 << 20);

    put("streamkeeper.conf/x", ""); /* a folder in the place of a file */
    assert_true(daemon_conf_load(etc, &c, &why) < 0);
    assert_non_null(strstr(why.text, "streamkeeper.conf: cannot be read: "));
    put("tenants.d", "a file in the place of a folder");
    assert_true(tenant_table_load(etc, &tenants, &why) < 0);
    assert_non_null(strstr(why.text, "tenants.d: cannot be read: "));

    AUTO_FREE char *large = malloc((64 << 10) + 2);
    memset(large, '#', (64 << 10) + 1);
    large[(64 << 10) + 1] = '\0';
    put("classes.d/large.conf", large);
    refuse_classes("large.conf: larger than 64 KiB");
}

static void test_tenants(void **state ATTR_UNUSED) {
    put("tenants.d/b.conf", "[tenant]\nrun-as = joe 500-600\nmembers = ann\n");
    put("tenants.d/a.conf", "[tenant]\nrun-as = 7\nclasses = critical adhoc\napps-max = 3\n");
    struct tenant_table t = {0};
    struct reason why = {0};
    if (tenant_table_load(etc, &t, &why) < 0)
        fail_msg("%s", why.text);
    assert_int_equal(t.n, 2);
    assert_string_equal(t.tenants[0].name, "a");
    const struct tenant_conf *a = tenant_find(&t, "a"), *b = tenant_find(&t, "b");
    assert_null(tenant_find(&t, "c"));
    assert_int_equal(a->run_as[0].uid_first, 7);
    assert_int_equal(a->run_as[0].uid_last, 7);
    assert_string_equal(b->run_as[0].name, "joe");
    assert_string_equal(b->run_as[1].name, "");
    assert_int_equal(b->run_as[1].uid_first, 500);
    assert_int_equal(b->run_as[1].uid_last, 600);
    assert_int_equal(a->apps_max, 3);
    assert_int_equal(b->apps_max, 100);
    assert_int_equal(b->instances_max, 1000);
    assert_true(tenant_may_use_class(a, "critical") && tenant_may_use_class(a, "adhoc"));
    assert_false(tenant_may_use_class(a, "standard"));
    assert_false(tenant_may_use_class(b, "critical"));
    assert_true(tenant_may_use_class(b, "standard") && tenant_may_use_class(b, "my-own"));
    tenant_table_free(&t);
    assert_int_equal(t.n, 0);

    put("tenants.d/c.conf", "[tenant]\nrun-as = root\n");
    t.n = 55;
    assert_int_equal(tenant_table_load(etc, &t, &why), -EINVAL);
    assert_int_equal(t.n, 55);
    assert_non_null(
        strstr(why.text, "tenants.d/c.conf:2: [tenant] run-as: a tenant's apps cannot run as root"));
}

static void test_default_tenant(void **state ATTR_UNUSED) {
    struct tenant_table t = {0};
    assert_int_equal(tenant_table_set_default(&t, 1234), 0);
    const struct tenant_conf *d = tenant_find(&t, "default");
    assert_non_null(d);
    assert_string_equal(d->members[0], "1234");
    assert_int_equal(d->run_as[0].uid_first, 1234);
    assert_int_equal(d->run_as[0].uid_last, 1234);
    assert_true(tenant_may_use_class(d, "critical") && tenant_may_use_class(d, "anything"));
    tenant_table_free(&t);
    tenant_table_free(NULL);
}

int main(void) {
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_shipped_classes),
        cmocka_unit_test(test_shipped_files),
        cmocka_unit_test(test_shipped_sample),
        cmocka_unit_test(test_shipped_defaults),
        cmocka_unit_test_setup_teardown(test_shipped_governor, set_up, tear_down),
        cmocka_unit_test(test_shipped_examples),
        cmocka_unit_test_setup_teardown(test_classes_replaced_and_added, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_classes_refused, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_too_many_classes, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_missing_and_unreadable, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_tenants, set_up, tear_down),
        cmocka_unit_test(test_default_tenant),
    };
    return cmocka_run_group_tests_name("files", tests, NULL, NULL);
}
