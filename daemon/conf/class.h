/* SPDX-License-Identifier: Apache-2.0 */
/* A priority class: one word in a spec that stands for one consistent set of kernel settings
 * (classes.d/NAME.conf; the file name is the class name). The three shipped classes are compiled in from the
 * very files in etc/classes.d; files of the same name replace them. */
#ifndef CONF_CLASS_H
#define CONF_CLASS_H

#include "base/reason.h"
#include "base/text.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define CLASS_MAX 16 /* classes on one host */

#define CLASS_UNLIMITED UINT64_MAX

/* -1 or CLASS_UNLIMITED as the field says: "leave as the kernel has it". */
struct class_conf {
    char name[NAME_LEN_MAX + 1];
    uint32_t rank; /* 0..1000; higher starts first, stops last, and is served first; unique */

    /* [cpu] */
    uint32_t cpu_weight;       /* 1..10000 */
    bool cpu_idle;             /* cpu.idle: runs only when nobody else wants the CPU */
    int32_t nice;              /* -20..19; used, with the autogroup's, where there is no CPU controller */
    uint32_t sched;            /* SCHED_OTHER 0, BATCH 3, IDLE 5 (this one not below a group with cpu_idle) */
    uint32_t sched_slice_usec; /* 0: leave */

    /* [memory] */
    bool memory_guarantee;       /* the app's `memory` becomes memory.min */
    bool memory_protect;         /* the app's `memory` becomes memory.low */
    uint64_t memory_max_bytes;   /* of the whole class; CLASS_UNLIMITED; or by share: */
    uint32_t memory_max_percent; /* of RAM for the whole class, 0: not said */
    uint64_t swap_max_bytes;     /* per instance; CLASS_UNLIMITED: leave */
    bool oom_group;              /* an out-of-memory kill takes the whole instance */
    int32_t oom_score_adj;       /* -1000..1000 */

    /* [io] */
    uint32_t io_weight;     /* 1..10000, for iocost */
    uint32_t io_bfq_weight; /* 1..1000, for BFQ */
    uint32_t ioprio_class;  /* 0 leave, 2 best-effort, 3 idle */
    uint32_t ioprio_level;  /* 0..7 */

    /* [tasks] */
    uint64_t tasks_max_class; /* pids.max of the class; CLASS_UNLIMITED */
    uint64_t tasks_max;       /* default pids.max of an instance */
};

struct class_table {
    struct class_conf classes[CLASS_MAX]; /* highest rank first */
    uint32_t n;
};

/* Parses one class file; `name` is the class name. Same error rules as spec_parse. */
int class_parse(const char *file, const char *name, const char *text, size_t len, struct class_conf *ret,
                struct reason *why);

/* The shipped classes. Cannot fail (a unit test parses them). */
void class_table_shipped(struct class_table *ret);

/* Reads classes.d below the etc folder: the shipped classes, replaced and added to by its *.conf files; the
 * table is sorted and checked as a whole (unique ranks, at most CLASS_MAX). A missing folder is fine. Returns
 * 0 or -errno with a reason; ret untouched on failure. */
int class_table_load(const char *etc, struct class_table *ret, struct reason *why);

/* NULL if there is none. */
const struct class_conf *class_find(const struct class_table *t, const char *name);

/* Canonical text (owned by the caller). Returns 0 or -ENOMEM. */
int class_print(const struct class_conf *c, char **ret_text);

#endif
