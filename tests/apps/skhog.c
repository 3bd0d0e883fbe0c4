/* SPDX-License-Identifier: Apache-2.0 */
/* Ad-hoc hogs and misbehaving children for tests and demos. This file reads the command line; the work is in
 * hog_*.c. */
#include <errno.h>
#include <getopt.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "lifecycle.h"
#include "meter.h"
#include "skhog.h"

struct kind {
    const char *name;
    const char *arguments; /* as in the usage text */
    int required, allowed;
    const char *unit;
    bool quiet; /* stdout is not for reports */
    int (*run)(const struct hog_arguments *arguments);
    const char *what;
};

static const struct kind kinds[] = {
    {"cpu", "[N]", 0, 1, "spins", false, hog_cpu, "N threads that compute"},
    {"threads", "[N]", 0, 1, "wakeups", false, hog_threads, "N threads that wake each other up"},
    {"fork", "", 0, 0, "forks", false, hog_fork, "fork bomb, at most --max processes (512)"},
    {"mem", "SIZE[/s]", 1, 1, "MiB", false, hog_mem, "touches SIZE, again and again, or grows by it"},
    {"cache", "FILE SIZE", 2, 2, "MiB", false, hog_cache, "streams a file through the page cache"},
    {"write", "DIR", 1, 1, "MiB", false, hog_write, "buffered writes"},
    {"fsync", "DIR", 1, 1, "syncs", false, hog_fsync, "small writes, each synced"},
    {"meta", "DIR", 1, 1, "files", false, hog_meta, "creates and unlinks files"},
    {"sleep", "", 0, 0, "", true, odd_sleep, "does nothing"},
    {"ignore-term", "", 0, 0, "", true, odd_ignore_term, "does nothing and ignores SIGTERM"},
    {"double-fork", "", 0, 0, "", true, odd_double_fork, "leaves a grandchild in a session of its own"},
    {"close-stdout", "", 0, 0, "", true, odd_close_stdout, "closes stdout and stderr and stays"},
    {"flood", "[BYTES]", 0, 1, "lines", true, odd_flood, "log lines without end, BYTES each (100)"},
    {"crash", "CODE|SIGNAL [MS]", 1, 2, "", true, odd_crash, "ends so, after MS milliseconds"},
    {"watchdog", "MS [N]", 1, 2, "pings", true, odd_watchdog, "pings every MS, N times, then hangs"},
    {"env", "[FILE]", 0, 1, "", true, tell_env, "prints its environment as key=value"},
    {"ids", "[FILE]", 0, 1, "", true, tell_ids, "prints identity, limits and surroundings as key=value"},
};

static double arg_seconds;
static const char *arg_rate_file;
static bool arg_quiet;
static bool arg_stay;
static int arg_ready_ms = -1;
static uint64_t arg_max;

static void usage(FILE *stream) {
    fputs("usage: skhog [OPTION]... KIND [ARGUMENT]...\n", stream);
    for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
        fprintf(stream, "  %-12s %-17s %s\n", kinds[i].name, kinds[i].arguments, kinds[i].what);
    fputs("options:\n"
          "  --for SECONDS     end after this time\n"
          "  --rate-file FILE  work per second, replaced once a second\n"
          "  --quiet           no reports on stdout\n"
          "  --ready-after MS  send READY=1 to the supervisor after MS milliseconds\n"
          "  --max N           bound for fork (processes)\n"
          "  --stay            env, ids: stay until stopped\n",
          stream);
}

static int parse_arguments(int argc, char **argv) {
    static const struct option options[] = {
        {"for", required_argument, NULL, 'f'}, {"rate-file", required_argument, NULL, 'r'},
        {"quiet", no_argument, NULL, 'q'},     {"ready-after", required_argument, NULL, 'a'},
        {"max", required_argument, NULL, 'm'}, {"stay", no_argument, NULL, 's'},
        {"help", no_argument, NULL, 'h'},      {0},
    };
    char *end;
    int option;

    while ((option = getopt_long(argc, argv, "h", options, NULL)) >= 0) {
        bool good = true;

        switch (option) {
        case 'f':
            arg_seconds = strtod(optarg, &end);
            good = end != optarg && !*end && arg_seconds > 0 && arg_seconds < 1e9;
            break;
        case 'r':
            arg_rate_file = optarg;
            break;
        case 'q':
            arg_quiet = true;
            break;
        case 'a':
            arg_ready_ms = (int)strtol(optarg, &end, 10);
            good = end != optarg && !*end && arg_ready_ms >= 0;
            break;
        case 'm':
            good = life_parse_size(optarg, &arg_max) == 0;
            break;
        case 's':
            arg_stay = true;
            break;
        case 'h':
            usage(stdout);
            exit(EXIT_SUCCESS);
        default:
            good = false;
        }
        if (!good) {
            usage(stderr);
            return -EINVAL;
        }
    }
    return 0;
}

static const struct kind *kind_find(const char *name, int argument_count) {
    for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
        if (strcmp(kinds[i].name, name) == 0)
            return argument_count >= kinds[i].required && argument_count <= kinds[i].allowed ? &kinds[i]
                                                                                             : NULL;
    return NULL;
}

/* The asked-for delay of a slow starter. */
static void notify_ready(void) {
    struct timespec delay = {.tv_sec = arg_ready_ms / 1000, .tv_nsec = arg_ready_ms % 1000 * 1000000L};

    clock_nanosleep(CLOCK_MONOTONIC, 0, &delay, NULL);
    life_notify("READY=1\nMAINPID=%d", (int)getpid());
}

int main(int argc, char **argv) {
    if (parse_arguments(argc, argv) < 0)
        return EXIT_FAILURE;
    const struct kind *kind = optind < argc ? kind_find(argv[optind], argc - optind - 1) : NULL;
    if (!kind) {
        usage(stderr);
        return EXIT_FAILURE;
    }
    if (arg_ready_ms >= 0)
        notify_ready();
    struct hog_arguments arguments = {
        .meter = meter_new(kind->unit, arg_seconds, arg_rate_file, !arg_quiet && !kind->quiet),
        .limit = arg_max,
    };
    for (int i = 0; i < 2 && optind + 1 + i < argc; i++)
        arguments.text[i] = argv[optind + 1 + i];
    int status = kind->run(&arguments);
    if (arg_stay && status == 0)
        return odd_sleep(&arguments);
    return status;
}
