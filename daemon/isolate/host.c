/* SPDX-License-Identifier: Apache-2.0 */
/* What is put on the process itself, and what of the classes' promise holds on this host; declared in
 * knobs.h. */
#include "isolate/knobs.h"

#include <assert.h>
#include <sched.h>

#define IOPRIO_CLASS_SHIFT 13

void process_settings_for(const struct class_conf *c, const struct host_facts *host,
                          struct process_settings *ret) {
    bool idle_twice = host->has_cpu && c->cpu_idle && c->sched == SCHED_IDLE;
    *ret = (struct process_settings){
        .nice = host->has_cpu ? 0 : c->nice,
        .autogroup = !host->has_cpu && c->nice != 0,
        .sched_policy = idle_twice ? SCHED_OTHER : c->sched,
        .sched_slice_usec = c->sched_slice_usec,
        .ioprio = c->ioprio_class > 0 ? c->ioprio_class << IOPRIO_CLASS_SHIFT | c->ioprio_level : 0,
        .oom_score_adj = c->oom_score_adj,
    };
}

static const char *const level_names[] = {
    [GUARANTEE_ENFORCED] = "enforced", [GUARANTEE_DEGRADED] = "degraded", [GUARANTEE_ABSENT] = "absent"};

const char *guarantee_level_name(enum guarantee_level level) {
    return (unsigned)level < ARRAY_LEN(level_names) ? level_names[level] : "unknown";
}

/* Why a controller is not there, and what to do about it. */
static const char *cure(enum cgroot_mode mode) {
    switch (mode) {
    case CGROOT_UNIFIED:
        return "it is not delegated: see Delegate= of the apps' unit";
    case CGROOT_HYBRID:
        return "it is bound to cgroup v1: boot with systemd.unified_cgroup_hierarchy=1";
    case CGROOT_NONE:
    case CGROOT_MODE_MAX:
        break;
    }
    return "no cgroup can be made: run as root, or with Delegate=yes";
}

static void set(struct guarantee *g, const char *what, enum guarantee_level level, const char *how,
                const char *cure_text) {
    g->what = what;
    g->level = level;
    int r =
        text_format(g->how, sizeof(g->how), "%s%s%s", how, cure_text ? "; " : "", cure_text ? cure_text : "");
    assert(r == 0);
    (void)r;
}

void guarantees_of_host(const struct host_facts *host, enum cgroot_mode mode,
                        struct guarantee ret[GUARANTEES]) {
    const char *missing = cure(mode);
    if (host->has_cpu)
        set(&ret[0], "cpu", GUARANTEE_ENFORCED, "weights and cpu.idle of the class groups", NULL);
    else
        set(&ret[0], "cpu", GUARANTEE_DEGRADED, "no cpu controller, nice stands in and no limit is held",
            missing);
    if (host->has_memory)
        set(&ret[1], "memory", GUARANTEE_ENFORCED,
            "memory.min and memory.low for what apps declare, limits by memory.max", NULL);
    else
        set(&ret[1], "memory", GUARANTEE_ABSENT,
            "no memory controller, oom_score_adj only decides who is killed first", missing);
    if (host->has_io && host->io_acts)
        set(&ret[2], "io", GUARANTEE_ENFORCED, "weights of the class groups, by iocost or BFQ", NULL);
    else if (host->has_io)
        set(&ret[2], "io", GUARANTEE_DEGRADED,
            "weights are set, but do nothing without iocost or BFQ on the disk", "switch one of them on");
    else
        set(&ret[2], "io", GUARANTEE_DEGRADED,
            "no io controller, ioprio stands in (BFQ and mq-deadline only)", missing);
    if (host->has_pids)
        set(&ret[3], "tasks", GUARANTEE_ENFORCED, "pids.max of each instance and class", NULL);
    else
        set(&ret[3], "tasks", GUARANTEE_ABSENT, "no pids controller, a fork bomb is not held", missing);
}
