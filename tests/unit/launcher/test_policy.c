/* SPDX-License-Identifier: Apache-2.0 */
/* What the launcher permits, as tables. */
#include "base/attr.h"
#include "launcher/policy.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include <cmocka.h>

static const struct cgroot hybrid = {.mode = CGROOT_HYBRID, .path = "/sys/fs/cgroup/unified/streamkeeper-x"};
static const struct cgroot none = {.mode = CGROOT_NONE};

static struct policy system_service(void) {
    return (struct policy){.can_change_uid = true,
                           .owner_uid = 0,
                           .owner_gid = 0,
                           .owner_permitted = false,
                           .uid_min = 100,
                           .uid_max = 4294967293,
                           .daemon_is_apart = true,
                           .daemon_uid = 998,
                           .daemon_gid = 997,
                           .cgroot = &hybrid};
}

static void uids_of_the_system_service(void **state) {
    (void)state;
    static const struct {
        uint32_t uid;
        bool permitted;
    } table[] = {
        {0, false},     {1, false},     {33, false},        {99, false},         {100, true},
        {998, false},   {999, true},    {1000, true},       {65533, true},       {65534, true},
        {65535, false}, {100000, true}, {4294967293, true}, {4294967294, false}, {4294967295, false},
    };
    const struct policy p = system_service();
    for (size_t i = 0; i < ARRAY_LEN(table); i++)
        assert_int_equal(policy_permits_uid(&p, table[i].uid), table[i].permitted);
    assert_true(policy_permits_gid(&p, 998)); /* the daemon's group has another number */
    assert_false(policy_permits_gid(&p, 997));
    assert_false(policy_permits_gid(&p, 6));
}

static void uids_of_a_root_of_ones_own(void **state) {
    (void)state;
    struct policy p = system_service();
    p.owner_permitted = true;
    assert_true(policy_permits_uid(&p, 0));
    assert_true(policy_permits_gid(&p, 0));
    p.owner_uid = 1000;
    p.owner_gid = 1000;
    p.uid_min = p.uid_max = 2000;
    assert_false(policy_permits_uid(&p, 0));
    assert_true(policy_permits_uid(&p, 1000));
    assert_true(policy_permits_uid(&p, 2000));
    assert_false(policy_permits_uid(&p, 1001));
    p.daemon_uid = 1000; /* the owner runs the daemon too: then it is no boundary */
    assert_true(policy_permits_uid(&p, 1000));
    p.owner_uid = UINT32_MAX;
    assert_false(policy_permits_uid(&p, UINT32_MAX));
}

static void without_root_only_oneself(void **state) {
    (void)state;
    struct policy p = {.self_uid = 1000,
                       .self_gid = 1000,
                       .uid_min = 1000,
                       .uid_max = 1000,
                       .owner_uid = 1000,
                       .owner_gid = 1000,
                       .owner_permitted = true,
                       .cgroot = &none};
    assert_true(policy_permits_uid(&p, 1000));
    assert_false(policy_permits_uid(&p, 0));
    assert_false(policy_permits_uid(&p, 1001));
    assert_false(policy_permits_gid(&p, 1001));
}

static struct msg_spawn good(void) {
    return (struct msg_spawn){.start_id = 1,
                              .flags = MSG_SPAWN_CGROUP,
                              .tenant = "pay",
                              .app = "enrich",
                              .log_name = "",
                              .uid = 1000,
                              .gid = 1000,
                              .umask = 022,
                              .working_directory = "",
                              .n_argv = 1,
                              .argv = {"/bin/true"},
                              .n_env = 1,
                              .env = {"A=1"}};
}

/* Breaks one thing at a time. */
static void spoil(struct msg_spawn *m, int i) {
    switch (i) {
    case 0:
        m->tenant = "..";
        break;
    case 1:
        m->tenant = "";
        break;
    case 2:
        m->app = "a/b";
        break;
    case 3:
        m->app = "Upper";
        break;
    case 4:
        m->number = 100000;
        break;
    case 5:
        m->uid = 0;
        break;
    case 6:
        m->gid = 42;
        break;
    case 7:
        m->gid = 0;
        break;
    case 8:
        m->flags = 0;
        break;
    case 9:
        m->flags |= MSG_SPAWN_JOURNAL | MSG_SPAWN_LOG;
        m->log_name = "x";
        break;
    case 10:
        m->flags |= MSG_SPAWN_JOURNAL;
        break; /* no name */
    case 11:
        m->flags |= MSG_SPAWN_JOURNAL;
        m->log_name = "a\nb";
        break;
    case 12:
        m->umask = 01000;
        break;
    case 13:
        m->nice = 20;
        break;
    case 14:
        m->nice = -21;
        break;
    case 15:
        m->sched_policy = 1;
        break; /* SCHED_FIFO */
    case 16:
        m->sched_slice_usec = 1;
        break;
    case 17:
        m->sched_slice_usec = 1000000;
        break;
    case 18:
        m->ioprio = 4 << 13;
        break;
    case 19:
        m->ioprio = 2 << 13 | 8;
        break;
    case 20:
        m->oom_score_adj = -1000;
        break;
    case 21:
        m->oom_score_adj = 1001;
        break;
    case 22:
        m->working_directory = "relative";
        break;
    case 23:
        m->n_rlimits = 1;
        m->rlimits[0] = (struct msg_rlimit){RLIM_NLIMITS, 1, 1};
        break;
    case 24:
        m->n_rlimits = 1;
        m->rlimits[0] = (struct msg_rlimit){RLIMIT_NOFILE, 2, 1};
        break;
    case 25:
        m->argv[0] = "true";
        break;
    case 26:
        m->argv[0] = "";
        break;
    case 27:
        m->env[0] = "NOVALUE";
        break;
    default:
        m->env[0] = "=x";
        break;
    }
}

#define SPOILS 29

static void each_field_is_checked(void **state) {
    (void)state;
    struct policy p = system_service();
    p.has_journal = true;
    struct msg_spawn m = good();
    const char *detail = NULL;
    assert_int_equal(policy_check_spawn(&p, &m, &detail), 0);
    for (int i = 0; i < SPOILS; i++) {
        m = good();
        spoil(&m, i);
        detail = NULL;
        int r = policy_check_spawn(&p, &m, &detail);
        if (r != -EINVAL && r != -EPERM)
            fail_msg("case %d passed: %d", i, r);
        assert_non_null(detail);
    }
    p.has_journal = false;
    m = good();
    m.flags |= MSG_SPAWN_JOURNAL;
    m.log_name = "x";
    assert_int_equal(policy_check_spawn(&p, &m, &detail), -EINVAL);
    p.cgroot = &none;
    m = good();
    assert_int_equal(policy_check_spawn(&p, &m, &detail), -EPERM); /* a group where none can be */
    m.flags = 0;
    assert_int_equal(policy_check_spawn(&p, &m, &detail), 0);
    p.cgroot = &hybrid;
    m.flags = MSG_SPAWN_STATE_TOOL;
    m.argv[0] = "streamkeeper-state";
    assert_int_equal(policy_check_spawn(&p, &m, &detail), 0);
}

static void other_groups_are_not_given(void **state) {
    (void)state;
    const struct policy p = system_service();
    struct msg_spawn m = good();
    m.n_groups = 5;
    const uint32_t groups[] = {6, 1000, 27, 997, 1001};
    memcpy(m.groups, groups, sizeof(groups));
    policy_filter_groups(&p, &m);
    assert_int_equal(m.n_groups, 2);
    assert_int_equal(m.groups[0], 1000);
    assert_int_equal(m.groups[1], 1001);
}

static void groups_by_their_path(void **state) {
    (void)state;
    static const struct {
        const char *path;
        bool any, this;
    } table[] = {
        {"standard/pay/enrich.0", true, true},
        {"standard/pay/enrich.1", true, false},
        {"standard/other/enrich.0", true, false},
        {"standard/pay/other.0", true, false},
        {"standard/pay/enrich.0/deeper", false, false},
        {"standard/pay/enrich.0/", true, true},
        {"standard/pay", false, false},
        {"standard/pay/enrich", false, false},
        {"standard/pay/enrich.", false, false},
        {"standard/pay/.0", false, false},
        {"standard/pay/enrich.0 (deleted)", false, false},
        {"standard/pay/enrich.100000", false, false},
        {"standard/pay/enrich.-1", false, false},
        {"../pay/enrich.0", false, false},
        {"standard/../enrich.0", false, false},
        {"/standard/pay/enrich.0", false, false},
        {"standard//enrich.0", false, false},
        {"", false, false},
        {"keeper", false, false},
    };
    for (size_t i = 0; i < ARRAY_LEN(table); i++) {
        if (policy_group_fits(table[i].path, NULL, NULL, 0) != table[i].any ||
            policy_group_fits(table[i].path, "pay", "enrich", 0) != table[i].this)
            fail_msg("'%s'", table[i].path);
    }
}

static void no_group_at_all(void **state) {
    (void)state;
    const struct policy p = system_service();
    int fd = open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    assert_true(fd >= 0);
    assert_int_equal(policy_check_cgroup(&p, fd, NULL, NULL, 0), -EPERM);
    close(fd);
    assert_int_equal(policy_check_cgroup(&p, fd, NULL, NULL, 0), -EBADF);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(uids_of_the_system_service),
        cmocka_unit_test(uids_of_a_root_of_ones_own),
        cmocka_unit_test(without_root_only_oneself),
        cmocka_unit_test(each_field_is_checked),
        cmocka_unit_test(other_groups_are_not_given),
        cmocka_unit_test(groups_by_their_path),
        cmocka_unit_test(no_group_at_all),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
