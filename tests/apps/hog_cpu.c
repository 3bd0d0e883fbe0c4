/* SPDX-License-Identifier: Apache-2.0 */
/* Hogs of processor time, threads, processes and memory. */
#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lifecycle.h"
#include "meter.h"
#include "skhog.h"

#define SPIN_STEPS  100000
#define THREADS_MAX 100000
#define PAGE        4096
#define MEBIBYTE    (1024 * 1024)

static int parse_number(const char *text, uint64_t fallback, uint64_t limit, uint64_t *ret_value) {
    uint64_t value = fallback;

    if (text && (life_parse_size(text, &value) < 0 || value < 1 || value > limit)) {
        fprintf(stderr, "skhog: '%s' is not a number from 1 to %llu\n", text, (unsigned long long)limit);
        return -EINVAL;
    }
    *ret_value = value;
    return 0;
}

/* One unit of work of a spinner: a fixed number of steps that the compiler cannot leave out. */
static void spin(uint64_t *state) {
    for (int i = 0; i < SPIN_STEPS; i++) {
        *state ^= *state << 13;
        *state ^= *state >> 7;
        *state ^= *state << 17;
        __asm__ volatile("" : "+r"(*state));
    }
}

static void *spin_thread(void *opaque) {
    struct meter *meter = opaque;
    uint64_t state = 88172645463325252u;

    while (!meter_over(meter)) {
        spin(&state);
        meter->done++;
    }
    return NULL;
}

/* Pairs of threads would need a partner each; a short timed wait keeps the scheduler as busy. */
static void *wakeup_thread(void *opaque) {
    struct meter *meter = opaque;
    struct timespec moment = {.tv_nsec = 50000};

    while (!meter_over(meter)) {
        clock_nanosleep(CLOCK_MONOTONIC, 0, &moment, NULL);
        meter->done++;
    }
    return NULL;
}

static int threads_run(struct meter *meter, uint64_t count, void *(*body)(void *)) {
    pthread_attr_t small;

    pthread_attr_init(&small);
    pthread_attr_setstacksize(&small, 64 * 1024);
    for (uint64_t i = 0; i < count; i++) {
        pthread_t thread;

        if (pthread_create(&thread, &small, body, meter) != 0)
            meter->refused++;
        else
            pthread_detach(thread);
    }
    pthread_attr_destroy(&small);
    while (meter_wait(meter))
        ;
    return EXIT_SUCCESS;
}

int hog_cpu(const struct hog_arguments *arguments) {
    uint64_t count, state = 88172645463325252u;

    if (parse_number(arguments->text[0], 1, THREADS_MAX, &count) < 0)
        return EXIT_FAILURE;
    if (count > 1)
        return threads_run(arguments->meter, count, spin_thread);
    do
        spin(&state);
    while (meter_tick(arguments->meter, 1));
    return EXIT_SUCCESS;
}

int hog_threads(const struct hog_arguments *arguments) {
    uint64_t count;

    if (parse_number(arguments->text[0], 64, THREADS_MAX, &count) < 0)
        return EXIT_FAILURE;
    return threads_run(arguments->meter, count, wakeup_thread);
}

/* Forks for as long as it may; a copy does the same. Each dies with the process that made it. */
static void bomb(struct meter *meter, uint64_t limit) {
    while (!meter_over(meter)) {
        pid_t parent = getpid();

        if (meter->done >= limit) {
            sched_yield();
            continue;
        }
        pid_t child = fork();
        if (child > 0) {
            meter->done++;
        } else if (child == 0) {
            prctl(PR_SET_PDEATHSIG, SIGKILL);
            if (getppid() != parent)
                _exit(EXIT_SUCCESS);
        } else {
            meter->refused++;
            sched_yield();
        }
    }
    _exit(EXIT_SUCCESS);
}

int hog_fork(const struct hog_arguments *arguments) {
    pid_t parent = getpid();
    pid_t first = fork();

    if (first == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        if (getppid() == parent)
            bomb(arguments->meter, arguments->limit ? arguments->limit : 512);
        _exit(EXIT_SUCCESS);
    }
    if (first < 0)
        arguments->meter->refused++;
    while (meter_wait(arguments->meter))
        ;
    return EXIT_SUCCESS;
}

static int map_and_touch(uint64_t size, unsigned char **ret_memory) {
    unsigned char *memory =
        mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

    if (memory == MAP_FAILED)
        return -errno;
    for (uint64_t at = 0; at < size; at += PAGE)
        memory[at] = (unsigned char)(at / PAGE + 1);
    *ret_memory = memory;
    return 0;
}

/* Grows by size bytes a second, evenly, until somebody stops it. */
static int memory_grow(struct meter *meter, uint64_t size) {
    uint64_t start = life_now_usec(), have = 0;
    struct timespec moment = {.tv_nsec = 10000000};
    bool more = true;

    while (more) {
        uint64_t due = size / MEBIBYTE * (life_now_usec() - start) / 1000000, grown = 0;

        for (; have < due; have++, grown++) {
            unsigned char *memory;

            if (map_and_touch(MEBIBYTE, &memory) < 0) {
                meter->refused++;
                break;
            }
        }
        more = meter_tick(meter, grown);
        if (grown == 0)
            clock_nanosleep(CLOCK_MONOTONIC, 0, &moment, NULL);
    }
    return EXIT_SUCCESS;
}

int hog_mem(const struct hog_arguments *arguments) {
    char text[32];
    uint64_t size;
    size_t length = strlen(arguments->text[0]);
    bool grow = length > 2 && strcmp(arguments->text[0] + length - 2, "/s") == 0;

    snprintf(text, sizeof(text), "%.*s", (int)(grow ? length - 2 : length), arguments->text[0]);
    if (life_parse_size(text, &size) < 0 || size < MEBIBYTE) {
        fprintf(stderr, "skhog: mem: '%s' is not a size of at least 1M, or such a size and /s\n",
                arguments->text[0]);
        return EXIT_FAILURE;
    }
    if (grow)
        return memory_grow(arguments->meter, size);
    unsigned char *memory;
    int error = map_and_touch(size, &memory);
    if (error < 0) {
        fprintf(stderr, "skhog: mem: %s\n", strerror(-error));
        return EXIT_FAILURE;
    }
    uint64_t at = 0;
    do {
        for (uint64_t end = at + MEBIBYTE; at < end && at < size; at += PAGE)
            memory[at]++;
        if (at >= size)
            at = 0;
    } while (meter_tick(arguments->meter, 1));
    return EXIT_SUCCESS;
}
