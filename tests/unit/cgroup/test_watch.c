/* SPDX-License-Identifier: Apache-2.0 */
/* Emptiness and out-of-memory kills are told, once the files say so; nothing else is. */
#include "base/attr.h"
#include "base/fd.h"
#include "cgroup/group.h"
#include "cgroup/watch.h"
#include "fake/cgtree.h"
#include "live.h"

#include <errno.h>
#include <fcntl.h>
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

#define DEADLINE_MSEC 10000
#define KEYS          3000

static const char empty[] = "populated 0\nfrozen 0\n", full[] = "populated 1\nfrozen 0\n";

struct place {
    struct fake_cgtree fake;
    struct cgwatch *watch;
    unsigned empties[KEYS], ooms[KEYS];
    bool remove_when_told;
};

static void told(void *userdata, uint64_t key, enum cgwatch_what what) {
    struct place *p = userdata;
    assert_true(key < KEYS);
    p->empties[key] += what == CGWATCH_EMPTY;
    p->ooms[key] += what == CGWATCH_OOM;
    if (p->remove_when_told)
        cgwatch_remove(p->watch, key);
}

static int make(void **state) {
    struct place *p = calloc(1, sizeof(*p));
    assert_int_equal(fake_cgtree_make(&p->fake, "", NULL, 0), 0);
    assert_int_equal(cgwatch_new(told, p, &p->watch), 0);
    *state = p;
    return 0;
}

static int unmake(void **state) {
    struct place *p = *state;
    cgwatch_free(p->watch);
    fake_cgtree_remove(&p->fake);
    free(p);
    return 0;
}

static bool is_readable(const struct place *p) {
    struct pollfd f = {.fd = cgwatch_fd(p->watch), .events = POLLIN};
    return poll(&f, 1, 0) == 1;
}

static void dispatch_all(struct place *p) {
    while (is_readable(p))
        cgwatch_dispatch(p->watch);
}

static const char *group_name(unsigned key) {
    static char name[64];
    snprintf(name, sizeof(name), "adhoc/t%u/a.%u", key % 10, key);
    return name;
}

static int add(struct place *p, unsigned key) {
    AUTO_FD int fd = fake_cgtree_group(&p->fake, group_name(key));
    assert_true(fd >= 0);
    return cgwatch_add(p->watch, key, fd);
}

static void put(struct place *p, unsigned key, const char *file, const char *text) {
    assert_int_equal(fake_cgtree_write(&p->fake, group_name(key), file, text), 0);
}

static void tells_empty(void **state) {
    struct place *p = *state;
    put(p, 1, "cgroup.events", full);
    assert_int_equal(add(p, 1), 0);
    assert_false(is_readable(p));
    put(p, 1, "cgroup.events", full);
    dispatch_all(p);
    assert_int_equal(p->empties[1], 0);
    put(p, 1, "cgroup.events", empty);
    assert_true(is_readable(p));
    dispatch_all(p);
    assert_true(p->empties[1] > 0);
    assert_int_equal(p->ooms[1], 0);
}

static void tells_what_was_empty_before(void **state) {
    struct place *p = *state;
    put(p, 2, "cgroup.events", empty);
    assert_int_equal(add(p, 2), 0);
    assert_true(is_readable(p));
    cgwatch_dispatch(p->watch);
    assert_int_equal(p->empties[2], 1);
    assert_false(is_readable(p));
}

static void tells_new_oom_kills_only(void **state) {
    struct place *p = *state;
    put(p, 3, "cgroup.events", full);
    put(p, 3, "memory.events", "high 0\noom_kill 4\n");
    assert_int_equal(add(p, 3), 0);
    put(p, 3, "memory.events", "high 9\noom_kill 4\n");
    dispatch_all(p);
    assert_int_equal(p->ooms[3], 0);
    put(p, 3, "memory.events", "high 9\noom_kill 6\n");
    dispatch_all(p);
    assert_int_equal(p->ooms[3], 1);
    put(p, 3, "memory.events", "high 10\noom_kill 6\n");
    dispatch_all(p);
    assert_int_equal(p->ooms[3], 1);
    assert_int_equal(p->empties[3], 0);
    /* Text that is no event file is no kill. */
    put(p, 3, "memory.events", "oom_kill lots\n");
    put(p, 3, "cgroup.events", "populated maybe\n");
    dispatch_all(p);
    assert_int_equal(p->ooms[3], 1);
    assert_int_equal(p->empties[3], 0);
}

static void refuses_what_is_in_use(void **state) {
    struct place *p = *state;
    put(p, 1, "cgroup.events", full);
    put(p, 2, "cgroup.events", full);
    assert_int_equal(add(p, 1), 0);
    AUTO_FD int other = fake_cgtree_group(&p->fake, group_name(2));
    assert_int_equal(cgwatch_add(p->watch, 1, other), -EEXIST);
    AUTO_FD int same = fake_cgtree_group(&p->fake, group_name(1));
    assert_int_equal(cgwatch_add(p->watch, 9, same), -EEXIST);
    AUTO_FD int none = fake_cgtree_group(&p->fake, "no/group");
    assert_int_equal(cgwatch_add(p->watch, 8, none), -ENOENT);
    assert_int_equal(cgwatch_add(p->watch, 7, -1), -EBADF);
    /* None of the refused left a trace: the first still works, their keys are free. */
    put(p, 1, "cgroup.events", empty);
    dispatch_all(p);
    assert_true(p->empties[1] > 0);
    assert_int_equal(p->empties[9], 0);
    cgwatch_remove(p->watch, 1);
    assert_int_equal(cgwatch_add(p->watch, 9, same), 0);
    cgwatch_remove(p->watch, 12345);
}

static void removed_watch_is_silent(void **state) {
    struct place *p = *state;
    put(p, 1, "cgroup.events", full);
    assert_int_equal(add(p, 1), 0);
    put(p, 1, "cgroup.events", empty); /* an event that waits when the watch goes */
    cgwatch_remove(p->watch, 1);
    dispatch_all(p);
    put(p, 1, "cgroup.events", empty);
    dispatch_all(p);
    assert_int_equal(p->empties[1], 0);
    assert_int_equal(add(p, 1), 0);
    dispatch_all(p);
    assert_int_equal(p->empties[1], 1);
}

static void callback_may_remove(void **state) {
    struct place *p = *state;
    p->remove_when_told = true;
    for (unsigned key = 0; key < 50; key++) {
        put(p, key, "cgroup.events", empty);
        put(p, key, "memory.events", "oom_kill 0\n");
        assert_int_equal(add(p, key), 0);
    }
    for (unsigned key = 0; key < 50; key++) {
        put(p, key, "memory.events", "oom_kill 1\n");
        put(p, key, "cgroup.events", empty);
    }
    dispatch_all(p);
    for (unsigned key = 0; key < 50; key++)
        assert_int_equal(p->empties[key] + p->ooms[key], 1);
}

/* More changes than the kernel's queue holds: what got lost is found by looking at all. */
static void overflow_loses_nothing(void **state) {
    struct place *p = *state;
    char text[64];
    FILE *f = fopen("/proc/sys/fs/inotify/max_queued_events", "re");
    assert_non_null(f);
    unsigned long limit = fgets(text, sizeof(text), f) ? strtoul(text, NULL, 10) : 0;
    fclose(f);
    if (limit == 0 || limit > 100000) {
        printf("skip: fs.inotify.max_queued_events is %lu, too many to overflow\n", limit);
        skip();
    }
    for (unsigned key = 0; key < 60; key++) {
        put(p, key, "cgroup.events", full);
        put(p, key, "memory.events", "oom_kill 0\n");
        assert_int_equal(add(p, key), 0);
    }
    /* Two files in turns, so that events do not merge. */
    for (unsigned long i = 0; i < limit + 100; i++)
        put(p, (unsigned)(i % 2), "cgroup.events", full);
    for (unsigned key = 2; key < 60; key++) {
        put(p, key, "cgroup.events", empty);
        put(p, key, "memory.events", "oom_kill 1\n");
    }
    dispatch_all(p);
    for (unsigned key = 0; key < 60; key++) {
        assert_int_equal(p->empties[key] > 0, key >= 2);
        assert_int_equal(p->ooms[key], key >= 2);
    }
}

static void many_leaves(void **state) {
    struct place *p = *state;
    for (unsigned key = 0; key < KEYS; key++) {
        put(p, key, "cgroup.events", full);
        int r = add(p, key);
        if (r == -ENOSPC || r == -EMFILE) {
            printf("skip: no more than %u watches or descriptors here\n", key);
            skip();
        }
        assert_int_equal(r, 0);
    }
    assert_false(is_readable(p));
    for (unsigned key = 0; key < KEYS; key += 2)
        put(p, key, "cgroup.events", empty);
    dispatch_all(p);
    for (unsigned key = 0; key < KEYS; key++)
        assert_int_equal(p->empties[key] > 0, key % 2 == 0);
}

/* Dispatches until the key was told empty `times` times, or the deadline. */
static bool wait_empty(struct place *p, unsigned key, unsigned times) {
    struct pollfd f = {.fd = cgwatch_fd(p->watch), .events = POLLIN};
    while (p->empties[key] < times && poll(&f, 1, DEADLINE_MSEC) == 1)
        cgwatch_dispatch(p->watch);
    return p->empties[key] >= times;
}

static void live_empty(void **state) {
    struct place *p = *state;
    struct live l;
    if (live_make(&l) < 0)
        skip();
    pid_t pid = live_spawn(l.dirfd, LIVE_WAITS);
    assert_true(pid > 0);
    assert_int_equal(cgwatch_add(p->watch, 5, l.dirfd), 0);
    assert_false(is_readable(p));
    assert_int_equal(kill(pid, SIGKILL), 0);
    assert_int_equal(waitpid(pid, NULL, 0), pid);
    assert_true(wait_empty(p, 5, 1));

    /* Again, for a group that lives on; processes that come are not told. */
    pid = live_spawn(l.dirfd, LIVE_FORKS);
    assert_true(pid > 0);
    dispatch_all(p);
    unsigned before = p->empties[5];
    assert_int_equal(group_is_populated(l.dirfd), 1);
    assert_int_equal(group_kill(l.dirfd), 0);
    assert_int_equal(waitpid(pid, NULL, 0), pid);
    assert_true(wait_empty(p, 5, before + 1));
    assert_int_equal(group_is_populated(l.dirfd), 0);
    live_remove(&l);
}

static void live_group_removed_under_the_watch(void **state) {
    struct place *p = *state;
    struct live l;
    if (live_make(&l) < 0)
        skip();
    assert_int_equal(cgwatch_add(p->watch, 5, l.dirfd), 0);
    assert_int_equal(rmdir(l.root.path), 0);
    assert_true(wait_empty(p, 5, 1));
    dispatch_all(p);
    cgwatch_remove(p->watch, 5);
    assert_int_equal(cgwatch_add(p->watch, 6, l.dirfd), -ENOENT);
    live_remove(&l);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(tells_empty, make, unmake),
        cmocka_unit_test_setup_teardown(tells_what_was_empty_before, make, unmake),
        cmocka_unit_test_setup_teardown(tells_new_oom_kills_only, make, unmake),
        cmocka_unit_test_setup_teardown(refuses_what_is_in_use, make, unmake),
        cmocka_unit_test_setup_teardown(removed_watch_is_silent, make, unmake),
        cmocka_unit_test_setup_teardown(callback_may_remove, make, unmake),
        cmocka_unit_test_setup_teardown(overflow_loses_nothing, make, unmake),
        cmocka_unit_test_setup_teardown(many_leaves, make, unmake),
        cmocka_unit_test_setup_teardown(live_empty, make, unmake),
        cmocka_unit_test_setup_teardown(live_group_removed_under_the_watch, make, unmake),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
