/* SPDX-License-Identifier: Apache-2.0 */
/* Helps tests of the registry; judges nothing. */
#include "ground.h"

#include <dirent.h>
#include <errno.h>
#include <ftw.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#ifdef __SANITIZE_THREAD__
/* RocksDB is not instrumented: its atomics are not seen. */
const char *__tsan_default_suppressions(void);
const char *__tsan_default_suppressions(void) {
    return "race:librocksdb\n";
}
#endif

char *ground_make(void) {
    const char *parent = getenv("TMPDIR");
    char *path;
    if (asprintf(&path, "%s/streamkeeper-registry-XXXXXX", parent ? parent : "/tmp") < 0 || !mkdtemp(path))
        fail_msg("no temporary folder: %s", strerror(errno));
    return path;
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw) {
    (void)st;
    (void)type;
    (void)ftw;
    return remove(path);
}

void ground_remove(char *path) {
    nftw(path, remove_one, 16, FTW_DEPTH | FTW_PHYS);
    free(path);
}

struct registry *ground_open(const char *path) {
    struct registry *r = NULL;
    struct reason why = {0};
    int error = registry_open(path, &r, &why);
    if (error < 0)
        fail_msg("registry_open: %d: %s", error, why.text);
    return r;
}

static long long now_msec(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (long long)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

void ground_wait(struct registry *r, const unsigned *n, unsigned wanted) {
    long long end = now_msec() + DEADLINE_MSEC;
    while (*n < wanted) {
        struct pollfd p = {.fd = registry_fd(r), .events = POLLIN};
        long long left = end - now_msec();
        if (left <= 0 || poll(&p, 1, (int)left) == 0)
            fail_msg("only %u of %u answers came in time", *n, wanted);
        registry_dispatch(r);
    }
}

struct answer {
    unsigned n;
    int error;
    char *text;
};

static void committed(void *userdata, int error) {
    struct answer *a = userdata;
    a->error = error;
    a->n++;
}

int ground_commit(struct registry *r, struct registry_batch *b, bool sync) {
    struct answer a = {.n = 0};
    assert_int_equal(registry_commit(r, b, sync, committed, &a), 0);
    ground_wait(r, &a.n, 1);
    if (a.error < 0 && a.error != -ENOSPC) {
        struct reason why;
        registry_explain(r, &why);
        print_message("%s\n", why.text);
    }
    return a.error;
}

int ground_put(struct registry *r, const char *key, const char *value, bool sync) {
    struct registry_batch *b = registry_batch_new();
    assert_non_null(b);
    registry_batch_put(b, key, value, strlen(value));
    return ground_commit(r, b, sync);
}

static char text[65536];

static void add(const char *key, const void *value, size_t len) {
    size_t at = strlen(text);
    snprintf(text + at, sizeof(text) - at, "%s=%.*s ", key, (int)len, (const char *)value);
}

static void scanned(void *userdata, int error, const struct registry_entry *entries, size_t n) {
    struct answer *a = userdata;
    a->error = error;
    for (size_t i = 0; i < n; i++)
        add(entries[i].key, entries[i].value, entries[i].len);
    a->n++;
}

const char *ground_scan(struct registry *r, const struct registry_scan *what, int *ret_error) {
    struct answer a = {.n = 0};
    text[0] = '\0';
    assert_int_equal(registry_scan(r, what, scanned, &a), 0);
    ground_wait(r, &a.n, 1);
    if (ret_error)
        *ret_error = a.error;
    else
        assert_int_equal(a.error, 0);
    return text;
}

static void loaded(void *userdata, const char *key, const void *value, size_t len) {
    (void)userdata;
    add(key, value, len);
}

const char *ground_load(struct registry *r, const char *prefix) {
    struct reason why = {0};
    text[0] = '\0';
    if (registry_load(r, prefix, loaded, NULL, &why) < 0)
        fail_msg("registry_load: %s", why.text);
    return text;
}

const char *ground_file(const char *path, const char *ending) {
    static char found[1024];
    found[0] = '\0';
    DIR *dir = opendir(path);
    assert_non_null(dir);
    for (const struct dirent *e = readdir(dir); e; e = readdir(dir)) {
        size_t len = strlen(e->d_name), end = strlen(ending);
        if (len >= end && strcmp(e->d_name + len - end, ending) == 0)
            snprintf(found, sizeof(found), "%s/%s", path, e->d_name);
    }
    closedir(dir);
    if (!found[0])
        fail_msg("no *%s in %s", ending, path);
    return found;
}

bool ground_rests(const char *path) {
    char lock[1024], target[1024], link[300];
    bool found = false;
    snprintf(lock, sizeof(lock), "%s/LOCK", path);
    DIR *dir = opendir("/proc/self/fd");
    assert_non_null(dir);
    for (const struct dirent *e = readdir(dir); e; e = readdir(dir)) {
        snprintf(link, sizeof(link), "/proc/self/fd/%s", e->d_name);
        ssize_t n = readlink(link, target, sizeof(target) - 1);
        target[n > 0 ? n : 0] = '\0';
        found = found || strcmp(target, lock) == 0;
    }
    closedir(dir);
    return !found;
}

void ground_wait_rest(const char *path) {
    long long end = now_msec() + DEADLINE_MSEC;
    while (!ground_rests(path)) {
        assert_true(now_msec() < end);
        poll(NULL, 0, 10);
    }
}
