/* SPDX-License-Identifier: Apache-2.0 */
/* What the governor is told at each tick: the kernel's numbers as they are read, nothing computed.
 *
 * Counters are cumulative, as the kernel gives them (the `total` of a pressure file, `usage_usec` of
 * cpu.stat, the fields of io.stat, memory.stat and memory.events). Gauges are as they are now. READING_NONE
 * stands for whatever could not be read: a missing controller, pressure accounting switched off, a file that
 * went away. It is never an error: what is decided with it is not decided.
 *
 * Classes are named by their place in the rank order, the highest rank first (0), the same in every sample;
 * the governor is made anew when the operator changes them. Instances ("leaves", the groups that hold
 * processes) are named by a key that the caller chooses and that stays with the instance; every instance that
 * runs is listed in every sample, in any order, its numbers only when they were read for this sample
 * (`fresh`). A started_usec that changed says that it is a new process under the same name. */
#ifndef ISOLATE_READING_H
#define ISOLATE_READING_H

#include "conf/class.h"

#include <stdbool.h>
#include <stdint.h>

#define READING_NONE       UINT64_MAX
#define SLACK_NONE         INT32_MIN
#define SAMPLE_DEVICES_MAX 8 /* of a host with more: those that the classes use most */
#define SAMPLE_LEAF_NAME   (2 * NAME_LEN_MAX + 13)

enum resource { RES_CPU, RES_IO, RES_MEMORY, RESOURCES };

enum io_kind { IO_RBYTES, IO_WBYTES, IO_ROPS, IO_WOPS, IO_KINDS };

struct class_reading {
    uint64_t some_usec[RESOURCES], full_usec[RESOURCES]; /* counters: pressure */
    /* Counters: the part of some_usec that its apps brought on themselves by their own limits: for the CPU
     * the sum of throttled_usec of its leaves (cpu.stat), for memory the pressure of leaves at their own
     * memory.max. It is no contention and is taken off. READING_NONE: nothing is taken off. */
    uint64_t own_limit_usec[RESOURCES];
    uint64_t cpu_usec;                         /* counter */
    uint64_t io[SAMPLE_DEVICES_MAX][IO_KINDS]; /* counters, by slot of sample.devices */
    uint64_t memory_bytes;                     /* gauge: memory.current */
    uint64_t protected_bytes;                  /* gauge: the larger of memory.min and memory.low */
    uint64_t refaults;                         /* counter: workingset_refault_file + _anon */
    uint64_t low_events, high_events;          /* counters of memory.events */
    /* The worst of its apps: (target - lag) / target in parts per million, negative when over the target;
     * SLACK_NONE when no app says. slack_reports counts the reports, so that one is not taken for two. */
    int32_t slack_ppm;
    uint64_t slack_reports;
};

struct leaf_reading {
    uint64_t key;   /* the caller's; not READING_NONE */
    uint32_t class; /* index, as above */
    bool fresh;     /* the numbers below were read for this sample */
    bool member;    /* of a consumer group, which throws out who is silent for too long */
    uint64_t started_usec;
    uint64_t declared_bytes;    /* what its spec declares as memory; 0: nothing */
    const char *name;           /* tenant/app/N, for recording; borrowed for the call; may be NULL */
    uint64_t cpu_usec;          /* counter */
    uint64_t io_bytes, io_ops;  /* counters, read and written, all devices */
    uint64_t memory_bytes;      /* gauge */
    uint64_t memory_full_usec;  /* counter: pressure */
    uint64_t high_events;       /* counter */
    uint64_t memory_high_bytes; /* gauge: its own memory.high, READING_NONE where there is none */
};

/* A disk: what stands before io.stat's fields. Both 0: the slot is empty. */
struct device_id {
    uint32_t major, minor;
};

struct sample {
    uint64_t now_usec;                                              /* CLOCK_MONOTONIC */
    uint32_t cpus;                                                  /* online */
    uint64_t memory_total, memory_available, swap_total, swap_free; /* bytes */
    uint32_t n_classes;
    struct device_id devices[SAMPLE_DEVICES_MAX]; /* a slot keeps its disk from sample to sample */
    struct class_reading classes[CLASS_MAX];
    const struct leaf_reading *leaves; /* borrowed for the call */
    uint32_t n_leaves;
};

/* Everything READING_NONE, no leaves. */
void sample_clear(struct sample *s);
void leaf_reading_clear(struct leaf_reading *l);

#endif
