/* SPDX-License-Identifier: Apache-2.0 */
/* Prints what a supervised process finds around itself, as key=value lines for tests to read. */
#include <dirent.h>
#include <errno.h>
#include <grp.h>
#include <limits.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "lifecycle.h"
#include "skhog.h"

#define TEXT_MAX (256 * 1024)

/* Writes value with newlines and backslashes escaped, so that a line is an item. */
static void print_item(FILE *out, const char *key, const char *value) {
    fprintf(out, "%s=", key);
    for (; *value; value++) {
        if (*value == '\n')
            fputs("\\n", out);
        else if (*value == '\\')
            fputs("\\\\", out);
        else
            fputc(*value, out);
    }
    fputc('\n', out);
}

static void print_environment(FILE *out, const char *prefix) {
    for (char **item = environ; *item; item++) {
        char key[512];
        const char *equals = strchr(*item, '=');

        if (!equals)
            continue;
        snprintf(key, sizeof(key), "%s%.*s", prefix, (int)(equals - *item), *item);
        print_item(out, key, equals + 1);
    }
}

static void print_users(FILE *out) {
    uid_t user[3] = {0};
    gid_t group[3] = {0}, groups[256];

    getresuid(&user[0], &user[1], &user[2]);
    getresgid(&group[0], &group[1], &group[2]);
    fprintf(out, "pid=%d\nppid=%d\npgid=%d\nsid=%d\n", (int)getpid(), (int)getppid(), (int)getpgrp(),
            (int)getsid(0));
    fprintf(out, "uid=%u %u %u\ngid=%u %u %u\ngroups=", user[0], user[1], user[2], group[0], group[1],
            group[2]);
    int count = getgroups(256, groups);
    for (int i = 0; i < count; i++)
        fprintf(out, "%s%u", i ? " " : "", groups[i]);
    mode_t mask = umask(0);
    umask(mask);
    fprintf(out, "\numask=%04o\n", (unsigned)mask);
}

static void print_limits(FILE *out) {
    static const struct {
        __rlimit_resource_t resource;
        const char *name;
    } limits[] = {
        {RLIMIT_AS, "as"},
        {RLIMIT_CORE, "core"},
        {RLIMIT_CPU, "cpu"},
        {RLIMIT_DATA, "data"},
        {RLIMIT_FSIZE, "fsize"},
        {RLIMIT_MEMLOCK, "memlock"},
        {RLIMIT_NICE, "nice"},
        {RLIMIT_NOFILE, "nofile"},
        {RLIMIT_NPROC, "nproc"},
        {RLIMIT_RTPRIO, "rtprio"},
        {RLIMIT_SIGPENDING, "sigpending"},
        {RLIMIT_STACK, "stack"},
    };

    for (size_t i = 0; i < sizeof(limits) / sizeof(limits[0]); i++) {
        struct rlimit limit;

        if (getrlimit(limits[i].resource, &limit) < 0)
            continue;
        fprintf(out, "rlimit.%s=%lld %lld\n", limits[i].name, (long long)limit.rlim_cur,
                (long long)limit.rlim_max);
    }
}

/* Copies the lines of /proc/self/status that tests ask for, under short names. */
static void print_status(FILE *out) {
    static const char *const names[][2] = {
        {"CapInh", "cap.inheritable"}, {"CapPrm", "cap.permitted"},   {"CapEff", "cap.effective"},
        {"CapBnd", "cap.bounding"},    {"CapAmb", "cap.ambient"},     {"NoNewPrivs", "no_new_privs"},
        {"Seccomp", "seccomp"},        {"SigBlk", "signals.blocked"}, {"SigIgn", "signals.ignored"},
    };
    char line[1024];
    FILE *in = fopen("/proc/self/status", "re");

    while (in && fgets(line, sizeof(line), in)) {
        char *colon = strchr(line, ':');

        if (!colon)
            continue;
        *colon++ = '\0';
        colon += strspn(colon, "\t ");
        colon[strcspn(colon, "\n")] = '\0';
        for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
            if (strcmp(line, names[i][0]) == 0)
                fprintf(out, "%s=%s\n", names[i][1], colon);
    }
    if (in)
        fclose(in);
}

static void print_file(FILE *out, const char *key, const char *path) {
    char line[PATH_MAX + 256];
    FILE *in = fopen(path, "re");

    while (in && fgets(line, sizeof(line), in)) {
        line[strcspn(line, "\n")] = '\0';
        print_item(out, key, line);
    }
    if (in)
        fclose(in);
}

static void print_link(FILE *out, const char *key, const char *path) {
    char target[PATH_MAX];
    ssize_t length = readlink(path, target, sizeof(target) - 1);

    if (length < 0)
        return;
    target[length] = '\0';
    print_item(out, key, target);
}

/* Open files, except the one that the listing itself needs. */
static void print_files(FILE *out) {
    DIR *dir = opendir("/proc/self/fd");
    const struct dirent *entry;

    while (dir && (entry = readdir(dir))) {
        char key[300], path[300];

        if (entry->d_name[0] == '.' || atoi(entry->d_name) == dirfd(dir))
            continue;
        snprintf(key, sizeof(key), "fd.%s", entry->d_name);
        snprintf(path, sizeof(path), "/proc/self/fd/%s", entry->d_name);
        print_link(out, key, path);
    }
    if (dir)
        closedir(dir);
}

static void print_scheduling(FILE *out) {
    long priority = syscall(SYS_ioprio_get, 1 /* a process */, 0 /* this one */);

    fprintf(out, "nice=%d\npolicy=%d\n", getpriority(PRIO_PROCESS, 0), sched_getscheduler(0));
    if (priority >= 0)
        fprintf(out, "ioprio=%ld %ld\n", priority >> 13, priority & 0x1fff);
    print_file(out, "oom_score_adj", "/proc/self/oom_score_adj");
    print_file(out, "autogroup", "/proc/self/autogroup");
}

/* Collects in memory first, so that a file appears at once or not at all. */
static int tell(const char *path, void (*print)(FILE *out)) {
    char *text = malloc(TEXT_MAX);
    FILE *out = text ? fmemopen(text, TEXT_MAX, "w") : NULL;

    if (!out)
        return EXIT_FAILURE;
    print(out);
    if (fclose(out) != 0)
        return EXIT_FAILURE;
    int error = 0;
    if (path)
        error = life_write_file(path, text);
    else if (fputs(text, stdout) < 0 || fflush(stdout) != 0)
        error = -EIO;
    free(text);
    if (error == 0)
        return EXIT_SUCCESS;
    fprintf(stderr, "skhog: cannot write '%s': %s\n", path ? path : "stdout", strerror(-error));
    return EXIT_FAILURE;
}

static void print_all(FILE *out) {
    print_users(out);
    print_limits(out);
    print_status(out);
    print_scheduling(out);
    print_file(out, "cgroup", "/proc/self/cgroup");
    print_link(out, "cwd", "/proc/self/cwd");
    print_link(out, "exe", "/proc/self/exe");
    print_files(out);
    print_environment(out, "env.");
}

static void print_plain_environment(FILE *out) {
    print_environment(out, "");
}

int tell_env(const struct hog_arguments *arguments) {
    return tell(arguments->text[0], print_plain_environment);
}

int tell_ids(const struct hog_arguments *arguments) {
    return tell(arguments->text[0], print_all);
}
