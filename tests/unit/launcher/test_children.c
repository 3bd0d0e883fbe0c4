/* SPDX-License-Identifier: Apache-2.0 */
/* The child table, and the same table after an exec. */
#include "base/fd.h"
#include "launcher/children.h"
#include "launcher/launcher.h"
#include "launcher/resume.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#include <cmocka.h>

static int set_up(void **state) {
    struct launcher *l = calloc(1, sizeof(*l));
    assert_non_null(l);
    l->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    l->outbox.socket = -EBADF;
    *state = l;
    return 0;
}

static int tear_down(void **state) {
    struct launcher *l = *state;
    unsigned i = 0;
    for (struct child *c; (c = children_next(&l->children, &i));)
        children_remove(&l->children, c);
    fd_close(l->epoll_fd);
    free(l);
    return 0;
}

static void found_by_both_keys(void **state) {
    struct children *t = &((struct launcher *)*state)->children;
    struct child *a, *b, *c;
    assert_int_equal(children_add(t, 1, &a), 0);
    assert_int_equal(children_add(t, 1 + CHILDREN_BUCKETS, &b), 0); /* the same bucket */
    assert_int_equal(children_add(t, 1, &c), -EEXIST);
    children_set_pid(t, a, 100);
    children_set_pid(t, b, 100 + CHILDREN_BUCKETS);
    assert_ptr_equal(children_by_id(t, 1), a);
    assert_ptr_equal(children_by_id(t, 1 + CHILDREN_BUCKETS), b);
    assert_ptr_equal(children_by_pid(t, 100), a);
    assert_ptr_equal(children_by_pid(t, 100 + CHILDREN_BUCKETS), b);
    assert_null(children_by_pid(t, 0));
    children_set_pid(t, a, 0); /* it has exited: the pid may come again */
    assert_null(children_by_pid(t, 100));
    children_set_pid(t, b, 100);
    assert_ptr_equal(children_by_pid(t, 100), b);
    children_remove(t, b);
    assert_null(children_by_pid(t, 100));
    assert_null(children_by_id(t, 1 + CHILDREN_BUCKETS));
    assert_ptr_equal(children_by_id(t, 1), a);
    assert_int_equal(t->count, 1);
}

static void full_and_reused(void **state) {
    struct children *t = &((struct launcher *)*state)->children;
    struct child *c;
    for (uint64_t id = 1; id <= CHILDREN_MAX; id++) {
        assert_int_equal(children_add(t, id * 7919, &c), 0);
        children_set_pid(t, c, (pid_t)id);
    }
    assert_int_equal(children_add(t, 5, &c), -ENOSPC);
    for (uint64_t id = 1; id <= CHILDREN_MAX; id += 2)
        children_remove(t, children_by_id(t, id * 7919));
    assert_int_equal(t->count, CHILDREN_MAX / 2);
    for (uint64_t id = 1; id <= CHILDREN_MAX; id++) {
        struct child *found = children_by_id(t, id * 7919);
        assert_true(id % 2 ? found == NULL : found && found->pid == (pid_t)id);
    }
    unsigned i = 0, n = 0;
    while (children_next(t, &i))
        n++;
    assert_int_equal(n, CHILDREN_MAX / 2);
    assert_int_equal(children_add(t, 5, &c), 0);
    assert_int_equal(t->high, CHILDREN_MAX);
}

static void descriptors_are_closed(void **state) {
    struct children *t = &((struct launcher *)*state)->children;
    struct child *c;
    int fds[2];
    assert_int_equal(children_add(t, 1, &c), 0);
    assert_int_equal(pipe(fds), 0);
    c->pidfd = fds[0];
    c->pipe = fds[1];
    children_remove(t, c);
    assert_int_equal(fcntl(fds[0], F_GETFD), -1);
    assert_int_equal(fcntl(fds[1], F_GETFD), -1);
}

static void fill(struct launcher *l) {
    struct child *c;
    assert_int_equal(children_add(&l->children, 11, &c), 0);
    c->state = CHILD_RUNNING;
    c->own = c->has_cgroup = true;
    c->uid = 1000;
    c->start_ticks = 123456789;
    children_set_instance(c, "pay", "enrich", 7);
    children_set_pid(&l->children, c, 4711);
    assert_int_equal(children_add(&l->children, 12, &c), 0);
    c->state = CHILD_EXITED;
    c->has_exited = true;
    c->exit = (struct msg_exited){.start_id = 12,
                                  .pid = 4712,
                                  .how = MSG_EXIT_SIGNAL,
                                  .code = 9,
                                  .at_usec = 1,
                                  .at_monotonic_usec = 2,
                                  .user_usec = 3,
                                  .system_usec = 4,
                                  .max_rss_bytes = 5};
    assert_int_equal(children_add(&l->children, 13, &c), 0);
    int fds[2];
    assert_int_equal(pipe2(fds, O_CLOEXEC), 0);
    c->pipe = fds[0];
    fd_close(fds[1]);
    c->own = true;
    children_set_pid(&l->children, c, 4713);
    l->lock_fd = open("/dev/null", O_RDWR | O_CLOEXEC);
    l->control_fd = open("/dev/null", O_RDWR | O_CLOEXEC);
    l->handover_fd = open("/dev/null", O_RDWR | O_CLOEXEC);
    l->host.nofile.rlim_cur = 77;
    l->host.nofile.rlim_max = 88;
}

static void check_filled(struct launcher *l, const struct launcher *old) {
    struct child *c = children_by_id(&l->children, 11);
    assert_non_null(c);
    assert_int_equal(c->state, CHILD_RUNNING);
    assert_true(c->own && c->has_cgroup && !c->has_exited);
    assert_int_equal(c->uid, 1000);
    assert_int_equal(c->start_ticks, 123456789);
    assert_string_equal(c->tenant, "pay");
    assert_string_equal(c->app, "enrich");
    assert_int_equal(c->number, 7);
    assert_ptr_equal(children_by_pid(&l->children, 4711), c);
    c = children_by_id(&l->children, 12);
    assert_non_null(c);
    assert_true(c->has_exited && c->state == CHILD_EXITED && !c->own);
    assert_int_equal(c->exit.start_id, 12);
    assert_int_equal(c->exit.pid, 4712);
    assert_int_equal(c->exit.how, MSG_EXIT_SIGNAL);
    assert_int_equal(c->exit.code, 9);
    assert_int_equal(c->exit.max_rss_bytes, 5);
    c = children_by_id(&l->children, 13);
    assert_non_null(c);
    assert_int_equal(c->state, CHILD_STARTING);
    assert_int_equal(l->lock_fd, old->lock_fd);
    assert_int_equal(l->control_fd, old->control_fd);
    assert_int_equal(l->handover_fd, old->handover_fd);
    assert_int_equal(l->host.nofile.rlim_cur, 77);
    assert_int_equal(l->host.nofile.rlim_max, 88);
}

static void comes_back_after_exec(void **state) {
    struct launcher *l = *state;
    void *other = NULL;
    fill(l);
    int fd = resume_save(l);
    assert_true(fd >= 0);
    set_up(&other);
    assert_int_equal(resume_load(other, fd), 3);
    check_filled(other, l);
    struct child *c = children_by_id(&((struct launcher *)other)->children, 13);
    c->pipe = -EBADF; /* the numbers are the same descriptors: closed once */
    tear_down(&other);
    fd_close(l->lock_fd);
    fd_close(l->control_fd);
    fd_close(l->handover_fd);
}

static int load_text(struct launcher *l, const uint8_t *data, size_t len) {
    char name[] = "/tmp/streamkeeper-resume-XXXXXX";
    int fd = mkstemp(name);
    assert_true(fd >= 0);
    unlink(name);
    assert_int_equal(write(fd, data, len), len);
    return resume_load(l, fd);
}

static void cut_or_strange_tables(void **state) {
    struct launcher *l = *state;
    static uint8_t table[4096];
    fill(l);
    int fd = resume_save(l);
    ssize_t len = pread(fd, table, sizeof(table), 0);
    assert_true(len > 100);
    fd_close(fd);
    for (ssize_t cut = 0; cut < len; cut++) {
        void *other = NULL;
        set_up(&other);
        assert_true(load_text(other, table, (size_t)cut) < 0);
        struct child *c = children_by_id(&((struct launcher *)other)->children, 13);
        if (c)
            c->pipe = -EBADF;
        tear_down(&other);
    }
    void *other = NULL;
    set_up(&other);
    table[32] ^= 0xff; /* the version: the descriptors of the head are still found */
    assert_int_equal(load_text(other, table, (size_t)len), -EPROTO);
    assert_int_equal(((struct launcher *)other)->lock_fd, l->lock_fd);
    assert_int_equal(((struct launcher *)other)->children.count, 0);
    tear_down(&other);
    fd_close(l->lock_fd);
    fd_close(l->control_fd);
    fd_close(l->handover_fd);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(found_by_both_keys, set_up, tear_down),
        cmocka_unit_test_setup_teardown(full_and_reused, set_up, tear_down),
        cmocka_unit_test_setup_teardown(descriptors_are_closed, set_up, tear_down),
        cmocka_unit_test_setup_teardown(comes_back_after_exec, set_up, tear_down),
        cmocka_unit_test_setup_teardown(cut_or_strange_tables, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
