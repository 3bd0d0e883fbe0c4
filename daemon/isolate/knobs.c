/* SPDX-License-Identifier: Apache-2.0 */
/* Class and resources to control files; writes none itself. host.c has what holds without them. */
#include "isolate/knobs.h"

#include <assert.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define CPU_PERIOD_USEC  100000 /* the kernel's default; shorter ones cost more and throttle sooner */
#define CPU_WEIGHT_UNSET 100    /* the kernel's default: one CPU's worth */
#define GUARANTEE_SHARE  80     /* percent of a limit that may be guaranteed */

enum knob_kind { KNOB_NEEDED, KNOB_OPTIONAL };

static void add(struct knob_list *list, const char *controller, const char *file, enum knob_kind kind,
                const char *new_group_has, const char *format, ...) ATTR_PRINTF(6, 7);

static void add(struct knob_list *list, const char *controller, const char *file, enum knob_kind kind,
                const char *new_group_has, const char *format, ...) {
    assert(list->n < KNOBS_MAX);
    struct knob *k = &list->knobs[list->n++];
    *k = (struct knob){.controller = controller, .file = file, .optional = kind == KNOB_OPTIONAL};
    va_list ap;
    va_start(ap, format);
    int n = vsnprintf(k->value, sizeof(k->value), format, ap);
    va_end(ap);
    assert(n >= 0 && (size_t)n < sizeof(k->value));
    (void)n;
    k->is_default = strcmp(k->value, new_group_has) == 0;
}

/* A limit in bytes or tasks, where the kernel's word for none is "max". */
static void add_limit(struct knob_list *list, const char *controller, const char *file, enum knob_kind kind,
                      uint64_t value) {
    if (value == CLASS_UNLIMITED)
        add(list, controller, file, kind, "max", "max");
    else
        add(list, controller, file, kind, "max", "%" PRIu64, value);
}

static uint64_t share_of(uint64_t whole, uint32_t percent) {
    return (uint64_t)((unsigned __int128)whole * percent / 100);
}

/* What is declared becomes memory.min or memory.low, and 0 in the other. `limit` 0: none known. */
static void add_protection(const struct class_conf *c, uint64_t declared, uint64_t limit,
                           struct knob_list *ret) {
    uint64_t bytes = limit > 0 ? MIN(declared, share_of(limit, GUARANTEE_SHARE)) : declared;
    add(ret, "memory", "memory.min", KNOB_NEEDED, "0", "%" PRIu64, c->memory_guarantee ? bytes : 0);
    add(ret, "memory", "memory.low", KNOB_NEEDED, "0", "%" PRIu64, c->memory_protect ? bytes : 0);
}

static uint64_t class_memory_max(const struct class_conf *c, const struct host_facts *host) {
    uint64_t max = c->memory_max_bytes;
    if (c->memory_max_percent > 0 && host->memory_bytes > 0)
        max = MIN(max, share_of(host->memory_bytes, c->memory_max_percent));
    return max;
}

static void add_class_cpu(const struct class_conf *c, struct knob_list *ret) {
    if (!c->cpu_idle)
        add(ret, "cpu", "cpu.idle", KNOB_OPTIONAL, "0", "0");
    add(ret, "cpu", "cpu.weight", c->cpu_idle ? KNOB_OPTIONAL : KNOB_NEEDED, "100", "%" PRIu32,
        c->cpu_weight);
    if (c->cpu_idle)
        add(ret, "cpu", "cpu.idle", KNOB_OPTIONAL, "0", "1");
}

void knobs_for_class(const struct class_conf *c, const struct resource_sum *sum,
                     const struct host_facts *host, struct knob_list *ret) {
    ret->n = 0;
    if (host->has_cpu)
        add_class_cpu(c, ret);
    if (host->has_memory) {
        add_protection(c, sum->memory_bytes, host->memory_bytes, ret);
        add_limit(ret, "memory", "memory.max", KNOB_NEEDED, class_memory_max(c, host));
    }
    if (host->has_io) {
        /* Two files for two mechanisms; a disk has at most one of them at work. */
        add(ret, "io", "io.weight", KNOB_OPTIONAL, "default 100", "default %" PRIu32, c->io_weight);
        add(ret, "io", "io.bfq.weight", KNOB_OPTIONAL, "default 100", "default %" PRIu32, c->io_bfq_weight);
    }
    if (host->has_pids)
        add_limit(ret, "pids", "pids.max", KNOB_NEEDED, c->tasks_max_class);
}

void knobs_for_tenant(const struct class_conf *c, const struct resource_sum *sum,
                      const struct host_facts *host, struct knob_list *ret) {
    ret->n = 0;
    if (host->has_memory)
        add_protection(c, sum->memory_bytes, host->memory_bytes, ret);
}

static void add_leaf_cpu(const struct spec *s, struct knob_list *ret) {
    uint32_t weight = s->cpu_milli > 0 ? s->cpu_milli / (1000 / CPU_WEIGHT_UNSET) : CPU_WEIGHT_UNSET;
    weight = MIN(weight, 10000U);
    add(ret, "cpu", "cpu.weight", KNOB_NEEDED, "100", "%" PRIu32, MAX(weight, 1U));
    if (s->cpu_max_milli > 0)
        add(ret, "cpu", "cpu.max", KNOB_NEEDED, "", "%" PRIu64 " %d",
            (uint64_t)s->cpu_max_milli * (CPU_PERIOD_USEC / 1000), CPU_PERIOD_USEC);
    else
        add(ret, "cpu", "cpu.max", KNOB_NEEDED, "max 100000", "max %d", CPU_PERIOD_USEC);
}

void knobs_for_leaf(const struct class_conf *c, const struct spec *s, const struct host_facts *host,
                    struct knob_list *ret) {
    ret->n = 0;
    if (host->has_cpu)
        add_leaf_cpu(s, ret);
    if (host->has_memory) {
        /* The limit before the guarantee, so that no moment has more guaranteed than allowed. */
        add_limit(ret, "memory", "memory.max", KNOB_NEEDED,
                  s->memory_max_bytes ? s->memory_max_bytes : CLASS_UNLIMITED);
        add_protection(c, s->memory_bytes, s->memory_max_bytes, ret);
        add_limit(ret, "memory", "memory.swap.max", KNOB_OPTIONAL, c->swap_max_bytes);
        add(ret, "memory", "memory.oom.group", KNOB_NEEDED, "0", "%d", c->oom_group);
    }
    if (host->has_pids)
        add_limit(ret, "pids", "pids.max", KNOB_NEEDED, s->tasks_max ? s->tasks_max : c->tasks_max);
}
