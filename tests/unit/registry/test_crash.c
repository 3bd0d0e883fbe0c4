/* SPDX-License-Identifier: Apache-2.0 */
/* kill -9 at random moments: whatever was acknowledged is there afterwards, and no batch in part.
 *
 * The program runs itself as the one that dies: "test_registry_crash --commit FOLDER FROM". That one commits
 * batches one after the other and writes the number of each to its standard output once it is acknowledged.
 */
#include "base/attr.h"
#include "base/clock.h"
#include "ground.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#define ROUNDS 40

/* How many are asked for before the first has been answered. */
#define IN_FLIGHT 20

/* Values are of 8 to 8 + VALUE_STEPS - 1 bytes. */
#define VALUE_STEPS 500

/* Batch n puts two copies of n, one far from the other, and an index entry in place of the one before it. */
static struct registry_batch *make_batch(unsigned n) {
    struct registry_batch *b = registry_batch_new();
    char key[32], value[8 + VALUE_STEPS];
    memset(value, 'v', sizeof(value));
    snprintf(value, 9, "%08u", n);
    snprintf(key, sizeof(key), "a/%08u", n);
    registry_batch_put(b, key, value, n % VALUE_STEPS + 8);
    registry_batch_delete_prefix(b, "index/");
    snprintf(key, sizeof(key), "index/%08u", n);
    registry_batch_put(b, key, value, 8);
    snprintf(key, sizeof(key), "z/%08u", n);
    registry_batch_put(b, key, value, 8);
    return b;
}

struct committer {
    unsigned acknowledged, asked;
};

static void acknowledge(void *userdata, int error) {
    struct committer *c = userdata;
    unsigned n = c->acknowledged++;
    if (error < 0 || write(STDOUT_FILENO, &n, sizeof(n)) != sizeof(n))
        _exit(3);
}

static int commit_for_ever(const char *path, unsigned from) {
    struct registry *r;
    struct reason why = {0};
    if (registry_open(path, &r, &why) < 0) {
        fprintf(stderr, "%s\n", why.text);
        return 2;
    }
    if (from % 3 == 0)
        registry_set_rest(r, 0); /* closing and opening all the time */
    struct committer c = {.acknowledged = from, .asked = from};
    for (;;) {
        while (c.asked < c.acknowledged + IN_FLIGHT) {
            if (registry_commit(r, make_batch(c.asked), c.asked % 5 != 0, acknowledge, &c) < 0)
                return 4;
            c.asked++;
        }
        struct pollfd p = {.fd = registry_fd(r), .events = POLLIN};
        poll(&p, 1, -1);
        registry_dispatch(r);
    }
}

/* Starts one. Returns its pid and the pipe of its acknowledgements. */
static pid_t start(const char *path, unsigned from, int *ret_fd) {
    int fds[2];
    char number[16];
    snprintf(number, sizeof(number), "%u", from);
    assert_int_equal(pipe2(fds, O_CLOEXEC), 0);
    pid_t pid = fork();
    if (pid == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        dup2(fds[1], STDOUT_FILENO);
        execl("/proc/self/exe", "committer", "--commit", path, number, (char *)NULL);
        _exit(127);
    }
    assert_true(pid > 0);
    close(fds[1]);
    *ret_fd = fds[0];
    return pid;
}

/* Reads acknowledgements until the moment of the kill and what is in the pipe after it. Returns the number
 * behind the last one. */
static unsigned run_and_kill(const char *path, unsigned from, unsigned after_usec) {
    int fd;
    pid_t pid = start(path, from, &fd);
    unsigned next = from, n;
    struct pollfd p = {.fd = fd, .events = POLLIN};
    /* The first answer says that it works; the time runs from there, and sometimes from the start. */
    if (after_usec % 4 != 0)
        assert_int_equal(poll(&p, 1, DEADLINE_MSEC), 1);
    uint64_t end = clock_monotonic_usec() + after_usec;
    for (uint64_t now; (now = clock_monotonic_usec()) < end;) {
        struct timespec left = {.tv_nsec = (long)(end - now) * 1000};
        if (ppoll(&p, 1, &left, NULL) == 1) {
            assert_int_equal(read(fd, &n, sizeof(n)), sizeof(n));
            assert_int_equal(n, next);
            next++;
        }
    }
    assert_int_equal(kill(pid, SIGKILL), 0);
    int status;
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
    while (read(fd, &n, sizeof(n)) == sizeof(n)) {
        assert_int_equal(n, next);
        next++;
    }
    close(fd);
    return next;
}

struct check {
    unsigned next_a, next_z, index, indexes;
};

static unsigned number_of(const char *key) {
    const char *slash = strchr(key, '/');
    assert_non_null(slash);
    return (unsigned)strtoul(slash + 1, NULL, 10);
}

static void check_entry(void *userdata, const char *key, const void *value, size_t len) {
    struct check *c = userdata;
    unsigned n = number_of(key);
    char digits[16];
    snprintf(digits, sizeof(digits), "%08u", n);
    assert_true(len >= 8 && memcmp(value, digits, 8) == 0);
    if (key[0] == 'a') {
        assert_int_equal(n, c->next_a++);
        assert_int_equal(len, n % VALUE_STEPS + 8);
    } else if (key[0] == 'z') {
        assert_int_equal(n, c->next_z++);
    } else {
        c->index = n;
        c->indexes++;
    }
}

/* All batches up to some number are there, as wholes, and that number is not below what was acknowledged.
 * Returns it. */
static unsigned check(const char *path, unsigned acknowledged) {
    struct registry *r = NULL;
    struct reason why = {0};
    struct check c = {.next_a = 0};
    if (registry_open(path, &r, &why) < 0 || why.error != 0)
        fail_msg("after a kill: %s", why.text);
    if (registry_load(r, "", check_entry, &c, &why) < 0)
        fail_msg("after a kill: %s", why.text);
    registry_close(r);
    assert_int_equal(c.next_a, c.next_z);
    if (c.next_a < acknowledged)
        fail_msg("%u were acknowledged, %u are there", acknowledged, c.next_a);
    assert_true(c.next_a <= acknowledged + IN_FLIGHT);
    if (c.next_a > 0) {
        assert_int_equal(c.indexes, 1);
        assert_int_equal(c.index, c.next_a - 1);
    }
    return c.next_a;
}

static void nothing_acknowledged_is_lost(void **state) {
    (void)state;
    const char *seed_text = getenv("STREAMKEEPER_TEST_SEED");
    unsigned seed = seed_text ? (unsigned)strtoul(seed_text, NULL, 10) : 20240229;
    srandom(seed);
    print_message("seed %u (STREAMKEEPER_TEST_SEED sets another)\n", seed);
    char *path = ground_make();
    unsigned there = 0;
    for (unsigned round = 0; round < ROUNDS; round++) {
        unsigned after_usec = (unsigned)random() % (round % 4 == 0 ? 2000 : 60000);
        there = check(path, run_and_kill(path, there, after_usec));
    }
    print_message("%u rounds, %u batches\n", ROUNDS, there);
    assert_true(there > ROUNDS); /* it did commit meanwhile */
    ground_remove(path);
}

int main(int argc, char **argv) {
    if (argc == 4 && strcmp(argv[1], "--commit") == 0)
        return commit_for_ever(argv[2], (unsigned)strtoul(argv[3], NULL, 10));
    const struct CMUnitTest tests[] = {cmocka_unit_test(nothing_acknowledged_is_lost)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
