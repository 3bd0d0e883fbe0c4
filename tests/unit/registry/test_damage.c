/* SPDX-License-Identifier: Apache-2.0 */
/* A log cut off anywhere, bytes gone bad, and a registry that somebody else has. */
#include "base/attr.h"
#include "base/fd.h"
#include "ground.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#define RECORDS 12

static void copy_file(const char *from_dir, const char *to_dir, const char *name) {
    char from[1200], to[1200], *text;
    size_t len;
    snprintf(from, sizeof(from), "%s/%s", from_dir, name);
    snprintf(to, sizeof(to), "%s/%s", to_dir, name);
    assert_int_equal(fd_read_file_at(AT_FDCWD, from, (size_t)64 << 20, &text, &len), 0);
    AUTO_FD int fd = open(to, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, text, len), len);
    free(text);
}

/* A registry whose records 0..RECORDS-1 are all still in the log, as after a kill: copied while it is open,
 * so that closing changes nothing. */
static char *make_unclosed(void) {
    char *original = ground_make(), *copy = ground_make(), value[200], key[16];
    struct registry *r = ground_open(original);
    memset(value, 'v', sizeof(value) - 1);
    value[sizeof(value) - 1] = '\0';
    for (unsigned i = 0; i < RECORDS; i++) {
        snprintf(key, sizeof(key), "k%02u", i);
        assert_int_equal(ground_put(r, key, value, true), 0);
    }
    static const char *const endings[] = {".log", "CURRENT", "IDENTITY"};
    for (size_t i = 0; i < ARRAY_LEN(endings); i++)
        copy_file(original, copy, strrchr(ground_file(original, endings[i]), '/') + 1);
    char manifest[64], *current;
    assert_int_equal(fd_read_file_at(AT_FDCWD, ground_file(original, "CURRENT"), 100, &current, NULL), 0);
    snprintf(manifest, sizeof(manifest), "%.*s", (int)strcspn(current, "\n"), current);
    copy_file(original, copy, manifest);
    free(current);
    registry_close(r);
    ground_remove(original);
    return copy;
}

static char *copy_of(const char *path) {
    char *copy = ground_make();
    static const char *const endings[] = {".log", "CURRENT", "IDENTITY"};
    char *current;
    for (size_t i = 0; i < ARRAY_LEN(endings); i++)
        copy_file(path, copy, strrchr(ground_file(path, endings[i]), '/') + 1);
    assert_int_equal(fd_read_file_at(AT_FDCWD, ground_file(path, "CURRENT"), 100, &current, NULL), 0);
    current[strcspn(current, "\n")] = '\0';
    copy_file(path, copy, current);
    free(current);
    return copy;
}

static void count_in_order(void *userdata, const char *key, const void *value, size_t len) {
    unsigned *n = userdata;
    assert_int_equal(strtoul(key + 1, NULL, 10), *n);
    assert_int_equal(len, 199);
    for (size_t i = 0; i < len; i++)
        assert_int_equal(((const char *)value)[i], 'v');
    ++*n;
}

/* Opens, counts the records (0..n-1, whole) and sees that it still takes new ones. */
static unsigned open_and_count(const char *path, struct reason *why) {
    struct registry *r;
    unsigned n = 0;
    if (registry_open(path, &r, why) < 0)
        fail_msg("it did not open: %s", why->text);
    assert_int_equal(registry_load(r, "k", count_in_order, &n, NULL), 0);
    assert_int_equal(ground_put(r, "new", "1", true), 0);
    registry_close(r);
    r = ground_open(path);
    assert_string_equal(ground_load(r, "new"), "new=1 ");
    registry_close(r);
    return n;
}

/* Every byte around the end of the first record and of the log, the others in steps. */
static off_t next_cut(off_t len, off_t size) {
    if ((len > 195 && len < 260) || len >= size - 20)
        return len + 1;
    return MIN(len + 61, size - 20);
}

static void log_cut_off_anywhere(void **state) {
    (void)state;
    char *whole = make_unclosed();
    struct stat st;
    assert_int_equal(stat(ground_file(whole, ".log"), &st), 0);
    unsigned before = 0;
    for (off_t len = 0; len <= st.st_size; len = next_cut(len, st.st_size)) {
        char *cut = copy_of(whole);
        assert_int_equal(truncate(ground_file(cut, ".log"), len), 0);
        struct reason why = {0};
        unsigned n = open_and_count(cut, &why);
        if (why.error != 0)
            fail_msg("cut at %ld: %s", (long)len, why.text);
        assert_true(n == before || n == before + 1); /* each record as soon as it is there as a whole */
        before = n;
        ground_remove(cut);
    }
    assert_int_equal(before, RECORDS);
    ground_remove(whole);
}

static void overwrite(const char *file, off_t at, int byte, size_t len) {
    AUTO_FD int fd = open(file, O_WRONLY | O_CLOEXEC);
    char bytes[4096];
    memset(bytes, byte, sizeof(bytes));
    assert_true(len <= sizeof(bytes));
    assert_int_equal(pwrite(fd, bytes, len, at), len);
}

/* What a power failure leaves of a record that was not synced: a hole, or a length grown over nothing. All
 * that is before it is there, and what was lost is told. */
static void log_with_a_hole(void **state) {
    (void)state;
    char *whole = make_unclosed();
    struct stat st;
    assert_int_equal(stat(ground_file(whole, ".log"), &st), 0);
    unsigned told = 0;
    for (off_t at = 3; at < st.st_size; at += 307) {
        for (int byte = 0; byte < 256; byte += 85) {
            char *bad = copy_of(whole);
            overwrite(ground_file(bad, ".log"), at, byte, (size_t)MIN(st.st_size - at, 60));
            struct reason why = {0};
            unsigned n = open_and_count(bad, &why);
            assert_true(n <= (unsigned)(at / 200) + 1);
            assert_true(n + 1 >= (unsigned)(at / 240)); /* a record takes between 200 and 240 bytes */
            assert_true(why.error == 0 || why.error == -EBADMSG);
            assert_true(why.error == 0 || strstr(why.text, "write-ahead log"));
            told += why.error != 0;
            ground_remove(bad);
        }
    }
    assert_true(told > 0);

    /* Zeros behind the end. */
    for (unsigned more = 1; more < 5000; more = more * 3 + 1) {
        char *grown = copy_of(whole);
        assert_int_equal(truncate(ground_file(grown, ".log"), st.st_size + more), 0);
        struct reason why = {0};
        assert_int_equal(open_and_count(grown, &why), RECORDS);
        ground_remove(grown);
    }
    ground_remove(whole);
}

/* Some records, closed, and moved from the log to a table by opening again. */
static char *make_with_table(void) {
    char *path = ground_make();
    struct registry *r = ground_open(path);
    char value[200], key[16];
    memset(value, 'v', sizeof(value) - 1);
    value[sizeof(value) - 1] = '\0';
    for (unsigned i = 0; i < 200; i++) {
        snprintf(key, sizeof(key), "k%03u", i);
        assert_int_equal(ground_put(r, key, value, false), 0);
    }
    registry_close(r);
    registry_close(ground_open(path));
    return path;
}

static void ignore_entry(void *userdata, const char *key, const void *value, size_t len) {
    (void)userdata;
    (void)key;
    (void)value;
    (void)len;
}

static void damaged_table(void **state) {
    (void)state;
    char *path = make_with_table();
    const char *table = ground_file(path, ".sst");
    overwrite(table, 5000, 0x55, 64);
    struct registry *r;
    struct reason why = {0};
    int error = registry_open(path, &r, &why);
    if (error == 0) {
        error = registry_load(r, "", ignore_entry, NULL, &why);
        int scan_error;
        ground_scan(r, &(struct registry_scan){.prefix = ""}, &scan_error);
        assert_int_equal(scan_error, -EBADMSG);
        struct reason last;
        registry_explain(r, &last);
        assert_int_equal(last.error, -EBADMSG);
        assert_non_null(strstr(last.text, "damaged"));
        registry_close(r);
    }
    assert_int_equal(error, -EBADMSG);
    assert_int_equal(why.error, -EBADMSG);
    assert_non_null(strstr(why.text, path));
    assert_non_null(strstr(why.text, "move this folder away"));
    ground_remove(path);
}

static void missing_and_wrong_files(void **state) {
    (void)state;
    static const char *const endings[] = {".sst", "CURRENT", "MANIFEST"};
    for (size_t i = 0; i < 2 * ARRAY_LEN(endings); i++) {
        char *path = make_with_table(), file[1200], *current;
        if (i % 3 == 2) {
            assert_int_equal(fd_read_file_at(AT_FDCWD, ground_file(path, "CURRENT"), 100, &current, NULL), 0);
            snprintf(file, sizeof(file), "%s/%.*s", path, (int)strcspn(current, "\n"), current);
            free(current);
        } else {
            snprintf(file, sizeof(file), "%s", ground_file(path, endings[i % 3]));
        }
        if (i >= 3)
            assert_int_equal(truncate(file, 7), 0);
        else if (i != 1) /* without CURRENT it would be a new database: see below */
            assert_int_equal(unlink(file), 0);
        else
            overwrite(file, 0, 'x', 3);
        struct registry *r;
        struct reason why = {0};
        int error = registry_open(path, &r, &why);
        if (error == 0) {
            error = registry_load(r, "", ignore_entry, NULL, &why);
            registry_close(r);
        }
        if (error != -EBADMSG)
            fail_msg("%s: %d %s", file, error, why.text);
        assert_non_null(strstr(why.text, "damaged"));
        ground_remove(path);
    }
}

/* Flips bytes all over the table: it is read rightly, or said to be damaged, in a process of its own because
 * the library may give up loudly. */
static void flipped_bytes(void **state) {
    (void)state;
    char *path = make_with_table(), *good;
    size_t len;
    char table[1200];
    snprintf(table, sizeof(table), "%s", ground_file(path, ".sst"));
    assert_int_equal(fd_read_file_at(AT_FDCWD, table, (size_t)1 << 24, &good, &len), 0);
    unsigned aborts = 0, damaged = 0, tries = 0;
    for (size_t at = len % 211; at<len; at += at + 1200> len ? 23 : 1511, tries++) {
        overwrite(table, (off_t)at, good[at] ^ 0x41, 1);
        pid_t pid = fork();
        if (pid == 0) {
            fclose(stderr);
            execl("/proc/self/exe", "reader", "--read", path, (char *)NULL);
            _exit(127);
        }
        int status;
        assert_int_equal(waitpid(pid, &status, 0), pid);
        if (WIFSIGNALED(status))
            aborts++;
        else if (WEXITSTATUS(status) == 1)
            damaged++;
        else
            assert_int_equal(WEXITSTATUS(status), 0);
        overwrite(table, (off_t)at, good[at], 1);
    }
    print_message("%u tries: %u told as damaged, %u ended by a signal\n", tries, damaged, aborts);
    assert_true(damaged > tries / 2);
    assert_int_equal(aborts, 0);
    free(good);
    ground_remove(path);
}

static void count_values(void *userdata, const char *key, const void *value, size_t len) {
    unsigned *n = userdata;
    (void)key;
    if (len != 199 || memchr(value, 'v', len) != value)
        _exit(4);
    ++*n;
}

/* 0: all there; 1: told as damaged; else neither. */
static int read_all(const char *path) {
    struct registry *r;
    struct reason why = {0};
    unsigned n = 0;
    int error = registry_open(path, &r, &why);
    if (error == 0) {
        error = registry_load(r, "", count_values, &n, &why);
        registry_close(r);
    }
    return error == 0 ? (n == 200 ? 0 : 3) : error == -EBADMSG && why.text[0] ? 1 : 5;
}

static void held_by_another(void **state) {
    (void)state;
    char *path = ground_make();
    int ready[2];
    char byte;
    assert_int_equal(pipe2(ready, O_CLOEXEC), 0);
    pid_t pid = fork();
    if (pid == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        dup2(ready[1], STDOUT_FILENO);
        execl("/proc/self/exe", "holder", "--hold", path, (char *)NULL);
        _exit(127);
    }
    close(ready[1]);
    assert_int_equal(read(ready[0], &byte, 1), 1);
    close(ready[0]);

    struct registry *r;
    struct reason why = {0};
    char number[32];
    snprintf(number, sizeof(number), "process %d", (int)pid);
    assert_int_equal(registry_open(path, &r, &why), -EBUSY);
    assert_non_null(strstr(why.text, number));
    assert_int_equal(kill(pid, SIGKILL), 0);
    assert_int_equal(waitpid(pid, NULL, 0), pid);
    r = ground_open(path); /* its lock died with it */
    registry_close(r);
    ground_remove(path);
}

/* Opens, lets the database rest (the lock must hold all the same), says so and waits to be killed. */
static int hold(const char *path) {
    struct registry *r;
    if (registry_open(path, &r, NULL) < 0)
        return 1;
    registry_set_rest(r, 0);
    ground_wait_rest(path);
    if (write(STDOUT_FILENO, "x", 1) != 1)
        return 1;
    for (;;)
        pause();
}

static void places_that_are_none(void **state) {
    (void)state;
    char *path = ground_make(), file[1100];
    struct registry *r;
    struct reason why = {0};
    snprintf(file, sizeof(file), "%s/file", path);
    fd_close(open(file, O_WRONLY | O_CREAT | O_CLOEXEC, 0600));
    assert_int_equal(registry_open(file, &r, &why), -ENOTDIR);
    assert_non_null(strstr(why.text, file));
    snprintf(file, sizeof(file), "%s/file/below", path);
    assert_int_equal(registry_open(file, &r, &why), -ENOTDIR);
    snprintf(file, sizeof(file), "%s/link", path);
    assert_int_equal(symlink(path, file), 0);
    assert_true(registry_open(file, &r, &why) < 0);
    snprintf(file, sizeof(file), "%s/made/for/it", path);
    registry_close(ground_open(file));
    struct stat st;
    assert_int_equal(stat(file, &st), 0);
    assert_int_equal(st.st_mode & 07777, 0700);
    ground_remove(path);
}

int main(int argc, char **argv) {
    if (argc == 3 && strcmp(argv[1], "--hold") == 0)
        return hold(argv[2]);
    if (argc == 3 && strcmp(argv[1], "--read") == 0)
        return read_all(argv[2]);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(log_cut_off_anywhere), cmocka_unit_test(log_with_a_hole),
        cmocka_unit_test(damaged_table),        cmocka_unit_test(missing_and_wrong_files),
        cmocka_unit_test(flipped_bytes),        cmocka_unit_test(held_by_another),
        cmocka_unit_test(places_that_are_none),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
