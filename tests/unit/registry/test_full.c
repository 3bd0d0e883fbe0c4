/* SPDX-License-Identifier: Apache-2.0 */
/* A full disk under the registry: changes fail with -ENOSPC, what is there can be read, and it takes changes
 * again by itself once there is room. On a file system of its own, which takes root. */
#include "base/attr.h"
#include "base/fd.h"
#include "ground.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <unistd.h>

#include <cmocka.h>

struct place {
    char *mount, path[256], filler[256];
    bool mounted;
    char image[256];
};

/* STREAMKEEPER_TEST_MOUNT names a small file system that is mounted already (of any type); else a tmpfs of 12
 * MiB in a mount namespace of this process. */
static bool mount_small(struct place *p) {
    const char *given = getenv("STREAMKEEPER_TEST_MOUNT");
    if (given) {
        p->mount = strdup(given);
        return true;
    }
    p->mount = ground_make();
    if (mount("tmpfs", p->mount, "tmpfs", MS_NOSUID | MS_NODEV, "size=16m,mode=700") < 0) {
        print_message("skip: cannot mount a small file system: %s\n", strerror(errno));
        return false;
    }
    p->mounted = true;
    return true;
}

/* Once, before there are threads: each thread keeps the namespace that it was born in. */
static int enter_namespace(void **state) {
    (void)state;
    if (!getenv("STREAMKEEPER_TEST_MOUNT") && unshare(CLONE_NEWNS) == 0)
        mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL);
    return 0;
}

static int make(void **state) {
    struct place *p = calloc(1, sizeof(*p));
    bool usable = mount_small(p);
    snprintf(p->path, sizeof(p->path), "%s/registry", p->mount);
    snprintf(p->filler, sizeof(p->filler), "%s/filler", p->mount);
    if (!usable)
        p->path[0] = '\0';
    *state = p;
    return 0;
}

static int unmake(void **state) {
    struct place *p = *state;
    unlink(p->filler);
    if (p->mounted)
        umount(p->mount);
    if (getenv("STREAMKEEPER_TEST_MOUNT"))
        free(p->mount);
    else
        ground_remove(p->mount);
    free(p);
    return 0;
}

/* Takes all room but `left` bytes. */
static void fill(const struct place *p, off_t left) {
    static char block[65536];
    AUTO_FD int fd = open(p->filler, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    assert_true(fd >= 0);
    for (size_t size = sizeof(block); size > 0; size /= 2)
        while (write(fd, block, size) > 0)
            ;
    assert_int_equal(fsync(fd) < 0 && errno != ENOSPC, 0);
    off_t end = lseek(fd, 0, SEEK_END);
    assert_int_equal(ftruncate(fd, end > left ? end - left : 0), 0);
}

/* Puts records of 1000 bytes, numbered, until one fails. Returns how many were taken. */
static unsigned put_until_full(struct registry *r, unsigned from) {
    char key[32], value[1001];
    memset(value, 'v', sizeof(value) - 1);
    value[sizeof(value) - 1] = '\0';
    for (unsigned i = from; i < from + 30000; i++) {
        snprintf(key, sizeof(key), "k%06u", i);
        int error = ground_put(r, key, value, true);
        if (error == 0)
            continue;
        assert_int_equal(error, -ENOSPC);
        struct reason why;
        registry_explain(r, &why);
        assert_int_equal(why.error, -ENOSPC);
        assert_non_null(strstr(why.text, "No room left"));
        return i;
    }
    fail_msg("the disk never got full");
    return 0;
}

static void count_keys(void *userdata, const char *key, const void *value, size_t len) {
    unsigned *n = userdata;
    (void)value;
    if (key[0] == 'k') {
        assert_int_equal(len, 1000);
        ++*n;
    }
}

static unsigned count(struct registry *r) {
    unsigned n = 0;
    struct reason why = {0};
    if (registry_load(r, "", count_keys, &n, &why) < 0)
        fail_msg("not readable: %s", why.text);
    return n;
}

/* All that was acknowledged is there; of what was refused, the last may be. */
static void check_count(struct registry *r, unsigned taken) {
    unsigned n = count(r);
    if (n != taken && n != taken + 1)
        fail_msg("%u were taken, %u are there", taken, n);
}

/* Fills and writes until three changes in a row have failed: the database may give room back meanwhile. */
static void stay_full(const struct place *p, struct registry *r) {
    unsigned failed = 0;
    for (unsigned tries = 0; failed < 3; tries++) {
        assert_true(tries < 100);
        fill(p, 0);
        int error = ground_put(r, "other", "2", true);
        assert_true(error == 0 || error == -ENOSPC);
        failed = error == 0 ? 0 : failed + 1;
    }
}

static void fails_reads_recovers(void **state) {
    struct place *p = *state;
    if (!p->path[0])
        skip();
    struct registry *r = ground_open(p->path);
    assert_int_equal(ground_put(r, "first", "1", true), 0);
    unsigned taken = 0;
    static const off_t lefts[] = {7 << 20, 5 << 20, 4 << 20, 40 << 10, 0, 6 << 20};
    for (size_t i = 0; i < ARRAY_LEN(lefts); i++) {
        fill(p, lefts[i]);
        taken = put_until_full(r, taken);
        check_count(r, taken);
        stay_full(p, r);
        /* Full, it keeps serving what it has. */
        struct registry_scan scan = {.prefix = "first"};
        assert_string_equal(ground_scan(r, &scan, NULL), "first=1 ");
        assert_int_equal(unlink(p->filler), 0);
        assert_int_equal(ground_put(r, "other", "3", true), 0);
        taken = count(r);
    }
    registry_close(r);
    r = ground_open(p->path);
    assert_int_equal(count(r), taken);
    struct registry_scan scan = {.prefix = "other"};
    assert_string_equal(ground_scan(r, &scan, NULL), "other=3 ");
    registry_close(r);
}

static void opens_and_wakes_when_full(void **state) {
    struct place *p = *state;
    if (!p->path[0])
        skip();
    struct registry *r = ground_open(p->path);
    assert_int_equal(ground_put(r, "first", "1", true), 0);
    unsigned taken = 0;
    for (; taken < 2000; taken++) {
        char key[32], value[1001];
        memset(value, 'v', sizeof(value) - 1);
        value[sizeof(value) - 1] = '\0';
        snprintf(key, sizeof(key), "k%06u", taken);
        assert_int_equal(ground_put(r, key, value, false), 0);
    }
    registry_close(r);
    fill(p, 0);
    for (int i = 0; i < 3; i++) {
        r = ground_open(p->path); /* at start-up on a full disk */
        registry_set_rest(r, 0);  /* and again and again */
        assert_int_equal(count(r), taken);
        assert_int_equal(ground_put(r, "other", "2", true), -ENOSPC);
        struct registry_scan scan = {.prefix = "", .limit = 1};
        assert_string_equal(ground_scan(r, &scan, NULL), "first=1 ");
        registry_close(r);
    }
    r = ground_open(p->path);
    assert_int_equal(unlink(p->filler), 0);
    assert_int_equal(ground_put(r, "other", "3", true), 0);
    assert_int_equal(count(r), taken);
    registry_close(r);
}

static void cannot_be_made_when_full(void **state) {
    struct place *p = *state;
    if (!p->path[0])
        skip();
    fill(p, 0);
    struct registry *r;
    struct reason why = {0};
    assert_int_equal(registry_open(p->path, &r, &why), -ENOSPC);
    assert_int_equal(why.error, -ENOSPC);
    assert_non_null(strstr(why.text, p->path));
    assert_int_equal(unlink(p->filler), 0);
    r = ground_open(p->path);
    assert_int_equal(ground_put(r, "first", "1", true), 0);
    registry_close(r);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(cannot_be_made_when_full, make, unmake),
        cmocka_unit_test_setup_teardown(opens_and_wakes_when_full, make, unmake),
        cmocka_unit_test_setup_teardown(fails_reads_recovers, make, unmake),
    };
    return cmocka_run_group_tests(tests, enter_namespace, NULL);
}
