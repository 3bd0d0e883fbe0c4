/* SPDX-License-Identifier: Apache-2.0 */
/* From one word to kernel settings: a class (conf/class.h) and an app's resources become the control files of
 * the class group, the tenant group and the leaf, and the scheduling settings of the process. Pure: the
 * host's facts are arguments.
 *
 * Who gets what, and why (the kernel's Documentation/admin-guide/cgroup-v2.rst has the files):
 *  - weights stand on the class group, so that the class decides first; tenants below it have equal weights,
 * so that they share fairly however many apps each has;
 *  - memory.min and memory.low are limited by every ancestor, so class and tenant groups carry the sums of
 * what their apps declare;
 *  - hard limits stand on the leaf: a JVM sizes itself by its own group only;
 *  - cpu.max is never set below an app's own declared limit: a cap breaks work conservation;
 *  - within a tenant, leaves share by the CPU they declare (one CPU is the kernel's default weight);
 *  - memory.high is never set: it throttles a process that holds locks, and the whole app stands still;
 *  - a leaf's memory.min stays below four fifths of its own limit, or its page cache could never be taken and
 * it would be killed at the limit instead; the sums stay below four fifths of the host's memory likewise;
 *  - with cpu.idle = 1 the kernel refuses cpu.weight, so the weight is written first and its refusal
 * afterwards is normal; on the way back cpu.idle = 0 comes first, as it resets the weight;
 *  - every knob is always written, set or not, so that a group that was there before keeps nothing of an
 * older class or spec; `is_default` marks what a new group has anyway. */
#ifndef ISOLATE_KNOBS_H
#define ISOLATE_KNOBS_H

#include "base/cgroot.h"
#include "conf/class.h"
#include "conf/spec.h"

#include <stdbool.h>
#include <stdint.h>

struct host_facts {
    uint64_t memory_bytes; /* RAM */
    uint32_t cpus;
    bool has_cpu, has_memory, has_io, has_pids; /* controllers enabled for the class groups */
    bool io_acts; /* a disk has iocost or BFQ: without either, io weights do nothing */
};

struct knob {
    const char *controller; /* "cpu", "memory", "io", "pids"; static */
    const char *file;       /* static */
    char value[64];
    bool optional;   /* an older kernel or another I/O scheduler may lack it: not a degradation */
    bool is_default; /* the value of a new group: needs no write there */
};

#define KNOBS_MAX 24

struct knob_list {
    struct knob knobs[KNOBS_MAX];
    uint32_t n;
};

/* Sums over the apps of a class or tenant that are to run: instances x declared. */
struct resource_sum {
    uint64_t memory_bytes;
    uint64_t cpu_milli;
};

void knobs_for_class(const struct class_conf *c, const struct resource_sum *sum,
                     const struct host_facts *host, struct knob_list *ret);
void knobs_for_tenant(const struct class_conf *c, const struct resource_sum *sum,
                      const struct host_facts *host, struct knob_list *ret);
void knobs_for_leaf(const struct class_conf *c, const struct spec *s, const struct host_facts *host,
                    struct knob_list *ret);

/* Settings the launcher puts on the process itself. nice and the idle policy count only inside a scheduling
 * group, so they are used where there is no CPU controller, together with the autogroup's nice. Where there
 * is one, the class group does that work, and both at once would only starve an idle class's threads against
 * each other. */
struct process_settings {
    int32_t nice;
    bool autogroup; /* also to the session's autogroup: there is no CPU controller to do it better */
    uint32_t sched_policy, sched_slice_usec, ioprio;
    int32_t oom_score_adj;
};

void process_settings_for(const struct class_conf *c, const struct host_facts *host,
                          struct process_settings *ret);

/* What of the class promise holds on this host, for `doctor`, `classes` and the start-up log. */
enum guarantee_level { GUARANTEE_ENFORCED, GUARANTEE_DEGRADED, GUARANTEE_ABSENT };

struct guarantee {
    const char *what; /* "cpu", "memory", "io", "tasks" */
    enum guarantee_level level;
    char how[160]; /* what does the job, or what does it instead, and what to do about it */
};

#define GUARANTEES 4

void guarantees_of_host(const struct host_facts *host, enum cgroot_mode mode,
                        struct guarantee ret[GUARANTEES]);
const char *guarantee_level_name(enum guarantee_level level); /* enforced, degraded, absent */

#endif
