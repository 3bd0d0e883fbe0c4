/* SPDX-License-Identifier: Apache-2.0 */
/* Children that misbehave, or do nothing, in ways a supervisor has to cope with. */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include "lifecycle.h"
#include "meter.h"
#include "skhog.h"

static void wait_milliseconds(uint64_t milliseconds) {
    struct timespec time = {.tv_sec = (time_t)(milliseconds / 1000),
                            .tv_nsec = (long)(milliseconds % 1000) * 1000000};

    while (clock_nanosleep(CLOCK_MONOTONIC, 0, &time, &time) == EINTR)
        ;
}

int odd_sleep(const struct hog_arguments *arguments) {
    const struct meter *meter = arguments->meter;

    if (!meter->deadline_usec)
        for (;;)
            pause();
    uint64_t now = life_now_usec();
    wait_milliseconds(now < meter->deadline_usec ? (meter->deadline_usec - now) / 1000 : 0);
    return EXIT_SUCCESS;
}

int odd_ignore_term(const struct hog_arguments *arguments) {
    signal(SIGTERM, SIG_IGN);
    signal(SIGINT, SIG_IGN);
    return odd_sleep(arguments);
}

/* The child in the middle ends at once, so the grandchild has no parent of ours and a session of its own. */
int odd_double_fork(const struct hog_arguments *arguments) {
    pid_t child = fork();

    if (child == 0) {
        setsid();
        pid_t grandchild = fork();
        if (grandchild == 0)
            return odd_ignore_term(arguments);
        printf("grandchild=%d\n", (int)grandchild);
        fflush(stdout);
        _exit(grandchild < 0 ? EXIT_FAILURE : EXIT_SUCCESS);
    }
    return child < 0 ? EXIT_FAILURE : odd_sleep(arguments);
}

int odd_close_stdout(const struct hog_arguments *arguments) {
    close(STDOUT_FILENO);
    close(STDERR_FILENO);
    return odd_sleep(arguments);
}

int odd_flood(const struct hog_arguments *arguments) {
    uint64_t size = 100, number = 0;

    if (arguments->text[0] &&
        (life_parse_size(arguments->text[0], &size) < 0 || size < 2 || size > 1 << 20)) {
        fprintf(stderr, "skhog: flood: '%s' is not a line length from 2 to 1M\n", arguments->text[0]);
        return EXIT_FAILURE;
    }
    char *line = malloc(size + 1);
    if (!line)
        return EXIT_FAILURE;
    do {
        int used = snprintf(line, size, "flood %llu ", (unsigned long long)number++);
        if (used >= 0 && (uint64_t)used < size)
            memset(line + used, '~', size - (uint64_t)used);
        line[size - 1] = '\n';
        if (write(STDOUT_FILENO, line, size) < 0)
            arguments->meter->refused++;
    } while (meter_tick(arguments->meter, 1));
    free(line);
    return EXIT_SUCCESS;
}

static int signal_number(const char *name) {
    for (int number = 1; number < NSIG; number++) {
        const char *short_name = sigabbrev_np(number);

        if (short_name && strncmp(name, "SIG", 3) == 0 && strcmp(name + 3, short_name) == 0)
            return number;
    }
    return -EINVAL;
}

int odd_crash(const struct hog_arguments *arguments) {
    uint64_t code = 0, delay = 0;
    int number = signal_number(arguments->text[0]);

    if ((number < 0 && (life_parse_size(arguments->text[0], &code) < 0 || code > 255)) ||
        (arguments->text[1] && life_parse_size(arguments->text[1], &delay) < 0)) {
        fputs("skhog: crash: give an exit code from 0 to 255 or a name like SIGSEGV, then milliseconds\n",
              stderr);
        return EXIT_FAILURE;
    }
    wait_milliseconds(delay);
    if (number < 0)
        return (int)code;
    struct rlimit none = {0};
    setrlimit(RLIMIT_CORE, &none);
    signal(number, SIG_DFL);
    raise(number);
    return EXIT_SUCCESS;
}

int odd_watchdog(const struct hog_arguments *arguments) {
    uint64_t interval, count = UINT64_MAX;

    if (life_parse_size(arguments->text[0], &interval) < 0 || interval == 0 ||
        (arguments->text[1] && life_parse_size(arguments->text[1], &count) < 0)) {
        fputs("skhog: watchdog: give an interval in milliseconds, then a number of pings\n", stderr);
        return EXIT_FAILURE;
    }
    for (uint64_t i = 0; i < count; i++) {
        life_notify("WATCHDOG=1");
        wait_milliseconds(interval);
        if (!meter_tick(arguments->meter, 1))
            return EXIT_SUCCESS;
    }
    return odd_sleep(arguments);
}
