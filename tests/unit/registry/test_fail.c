/* SPDX-License-Identifier: Apache-2.0 */
/* Every system call that writes fails once, one after the other: what was acknowledged stays, the registry
 * goes on by itself once the fault is over, and the process lives.
 *
 * The calls are this program's own write(), fdatasync() and so on, which the dynamic linker gives to RocksDB
 * too. Each try is a process of its own: "test_registry_fail --try FOLDER NUMBER ERRNO HOW". */
#include "base/attr.h"
#include "ground.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

/* Calls on regular files so far; which of them fails, with what, and whether all later ones do too. */
static atomic_uint calls;
static atomic_uint fail_at;
static atomic_int fail_with;
static atomic_bool fail_on;

static bool fails(void) {
    unsigned n = atomic_fetch_add(&calls, 1) + 1, at = atomic_load(&fail_at);
    if (at == 0 || (atomic_load(&fail_on) ? n < at : n != at))
        return false;
    errno = atomic_load(&fail_with);
    return true;
}

static bool counts(int fd) {
    struct stat st;
    return fd > 2 && fstat(fd, &st) == 0 && S_ISREG(st.st_mode);
}

ssize_t write(int fd, const void *data, size_t len) {
    return counts(fd) && fails() ? -1 : syscall(SYS_write, fd, data, len);
}

int fdatasync(int fd) {
    return fails() ? -1 : (int)syscall(SYS_fdatasync, fd);
}

int fsync(int fd) {
    return fails() ? -1 : (int)syscall(SYS_fsync, fd);
}

int rename(const char *from, const char *to) {
    return fails() ? -1 : (int)syscall(SYS_rename, from, to);
}

static int open_or_fail(const char *path, int flags, mode_t mode) {
    if ((flags & O_CREAT) && !strstr(path, "OWNER") && fails())
        return -1;
    return (int)syscall(SYS_openat, AT_FDCWD, path, flags, mode);
}

/* By their names for the linker, because the header may rename one to the other. */
int fake_open(const char *path, int flags, ...) __asm__("open");
int fake_open64(const char *path, int flags, ...) __asm__("open64");

int fake_open(const char *path, int flags, ...) {
    va_list ap;
    va_start(ap, flags);
    mode_t mode = (flags & O_CREAT) ? va_arg(ap, mode_t) : 0;
    va_end(ap);
    return open_or_fail(path, flags, mode);
}

int fake_open64(const char *path, int flags, ...) {
    va_list ap;
    va_start(ap, flags);
    mode_t mode = (flags & O_CREAT) ? va_arg(ap, mode_t) : 0;
    va_end(ap);
    return open_or_fail(path, flags, mode);
}

#define KEYS 6

struct seen {
    bool there[KEYS];
    bool healed;
};

static void see(void *userdata, const char *key, const void *value, size_t len) {
    struct seen *s = userdata;
    (void)value;
    if (key[0] == 'k' && len > 0)
        s->there[key[1] - '0'] = true;
    s->healed = s->healed || strcmp(key, "healed") == 0;
}

static void expect(bool what, const char *words) {
    if (!what) {
        printf("# %s\n", words);
        fflush(stdout);
        _exit(3);
    }
}

static void see_all(const char *path, const bool acknowledged[KEYS]) {
    struct registry *r;
    struct reason why = {0};
    struct seen s = {.healed = false};
    expect(registry_open(path, &r, &why) == 0, why.text);
    expect(why.error == 0, why.text);
    expect(registry_load(r, "", see, &s, &why) == 0, why.text);
    for (unsigned i = 0; i < KEYS; i++)
        expect(s.there[i] || !acknowledged[i], "an acknowledged change is not there");
    expect(s.healed, "the change after the fault is not there");
    registry_close(r);
}

/* Values that fill write buffers, so that tables are written in the background. */
static int put_one(struct registry *r, unsigned i, size_t len) {
    char key[3] = {'k', (char)('0' + i), '\0'};
    AUTO_FREE char *value = malloc(len + 1);
    memset(value, 'v', len);
    value[len] = '\0';
    return ground_put(r, key, value, i % 2 == 0);
}

/* 0: passed and the fault came; 2: passed without it. */
static int try_one(const char *path, unsigned at, int with, bool on) {
    bool acknowledged[KEYS] = {false};
    struct registry *r = NULL;
    struct reason why = {0};
    atomic_store(&fail_with, with);
    atomic_store(&fail_on, on);
    atomic_store(&fail_at, at);
    for (unsigned round = 0; round < 2; round++) {
        if (!r && registry_open(path, &r, &why) < 0) {
            expect(why.error == -with, why.text);
            r = NULL;
        }
        for (unsigned i = round * 3; r && i < round * 3 + 3; i++) {
            int error = put_one(r, i, i == 1 ? 10 : 700000);
            expect(error == 0 || error == -with, strerror(-error));
            acknowledged[i] = error == 0;
        }
        if (round == 0) {
            registry_close(r);
            r = NULL;
        }
    }
    unsigned n = atomic_load(&calls);
    atomic_store(&fail_at, 0);
    if (!r)
        expect(registry_open(path, &r, &why) == 0, why.text);
    expect(ground_put(r, "healed", "1", true) == 0, "it did not recover");
    registry_close(r);
    see_all(path, acknowledged);
    return n >= at ? 0 : 2;
}

static void sweep(int with, bool on, unsigned step) {
    unsigned aborted = 0, failed = 0, tries = 0, at = 1;
    for (int status = 0; at < 1000; at += step, tries++) {
        char *path = ground_make(), number[16], error[16];
        snprintf(number, sizeof(number), "%u", at);
        snprintf(error, sizeof(error), "%d", with);
        pid_t pid = fork();
        if (pid == 0) {
            execl("/proc/self/exe", "try", "--try", path, number, error, on ? "on" : "once", (char *)NULL);
            _exit(127);
        }
        assert_int_equal(waitpid(pid, &status, 0), pid);
        ground_remove(path);
        if (WIFEXITED(status) && WEXITSTATUS(status) == 2)
            break;
        if (WIFSIGNALED(status)) {
            print_message("call %u: killed by signal %d\n", at, WTERMSIG(status));
            aborted++;
        } else if (WEXITSTATUS(status) != 0) {
            print_message("call %u: status %d\n", at, WEXITSTATUS(status));
            failed++;
        }
    }
    print_message("%u calls failed in turn\n", tries);
    assert_true(at > 50 && at < 1000);
    assert_int_equal(failed, 0);
    assert_int_equal(aborted, 0);
}

static void full_disk_once(void **state) {
    (void)state;
    sweep(ENOSPC, false, 1);
}

static void full_disk_from_then_on(void **state) {
    (void)state;
    sweep(ENOSPC, true, 3);
}

static void bad_disk_once(void **state) {
    (void)state;
    sweep(EIO, false, 4);
}

int main(int argc, char **argv) {
    if (argc == 6 && strcmp(argv[1], "--try") == 0)
        return try_one(argv[2], (unsigned)strtoul(argv[3], NULL, 10), atoi(argv[4]),
                       strcmp(argv[5], "on") == 0);
    /* Where syncing costs nothing, if there is such a place. */
    if (!getenv("TMPDIR") && access("/dev/shm", W_OK) == 0)
        setenv("TMPDIR", "/dev/shm", 1);
    setenv("ASAN_OPTIONS", "detect_leaks=0", 1); /* of the tries: it takes longer than all the rest */
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(full_disk_once),
        cmocka_unit_test(full_disk_from_then_on),
        cmocka_unit_test(bad_disk_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
