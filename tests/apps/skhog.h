/* SPDX-License-Identifier: Apache-2.0 */
/* The kinds of skhog: what each does once the command line is read. */
#ifndef TESTS_APPS_SKHOG_H
#define TESTS_APPS_SKHOG_H

#include <stdint.h>

struct meter;

struct hog_arguments {
    struct meter *meter;
    const char *text[2]; /* NULL where not given */
    uint64_t limit;      /* --max; 0: the kind's own */
};

/* Each returns when its time is up, with the program's exit status. */
int hog_cpu(const struct hog_arguments *arguments);
int hog_threads(const struct hog_arguments *arguments);
int hog_fork(const struct hog_arguments *arguments);
int hog_mem(const struct hog_arguments *arguments);
int hog_cache(const struct hog_arguments *arguments);
int hog_write(const struct hog_arguments *arguments);
int hog_fsync(const struct hog_arguments *arguments);
int hog_meta(const struct hog_arguments *arguments);

int odd_sleep(const struct hog_arguments *arguments);
int odd_ignore_term(const struct hog_arguments *arguments);
int odd_double_fork(const struct hog_arguments *arguments);
int odd_close_stdout(const struct hog_arguments *arguments);
int odd_flood(const struct hog_arguments *arguments);
int odd_crash(const struct hog_arguments *arguments);
int odd_watchdog(const struct hog_arguments *arguments);

int tell_env(const struct hog_arguments *arguments);
int tell_ids(const struct hog_arguments *arguments);

#endif
