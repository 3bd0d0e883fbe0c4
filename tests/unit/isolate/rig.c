/* SPDX-License-Identifier: Apache-2.0 */
/* Rates to counters, and verdicts found again. */
#include "rig.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

void rig_init(struct rig *r) {
    static const char *const names[] = {"critical", "standard", "adhoc"};
    memset(r, 0, sizeof(*r));
    r->setup =
        (struct governor_setup){.n_classes = 3, .leaves_max = RIG_LEAVES, .can_limit = {true, true, true}};
    for (unsigned i = 0; i < 3; i++)
        memcpy(r->setup.classes[i].name, names[i], strlen(names[i]) + 1);
    r->setup.classes[ADHOC].cpu_idle = true;
    governor_conf_default(&r->conf);
    sample_clear(&r->sample);
    r->sample.now_usec = 1000 * SECOND;
    r->sample.cpus = 4;
    r->sample.memory_total = 10000 * MIB;
    r->sample.memory_available = 5000 * MIB;
    r->sample.n_classes = 3;
    r->sample.leaves = r->leaves;
    r->sample.devices[0] = (struct device_id){8, 0};
    for (unsigned c = 0; c < 3; c++) {
        struct class_reading *k = &r->sample.classes[c];
        memset(k, 0, sizeof(*k));
        k->slack_ppm = SLACK_NONE;
        for (unsigned d = 1; d < SAMPLE_DEVICES_MAX; d++)
            memset(k->io[d], 0xff, sizeof(k->io[d]));
    }
    rig_start(r);
}

void rig_start(struct rig *r) {
    governor_free(r->g);
    r->g = NULL;
    assert_int_equal(governor_new(&r->conf, &r->setup, &r->g), 0);
}

void rig_free(struct rig *r) {
    governor_free(r->g);
}

struct leaf_reading *rig_leaf(struct rig *r, uint32_t class) {
    assert_true(r->sample.n_leaves < RIG_LEAVES);
    struct leaf_reading *l = &r->leaves[r->sample.n_leaves];
    leaf_reading_clear(l);
    l->key = ++r->sample.n_leaves;
    l->class = class;
    l->fresh = true;
    l->cpu_usec = l->io_bytes = l->io_ops = l->memory_bytes = l->memory_full_usec = l->high_events = 0;
    return l;
}

void rig_tick(struct rig *r) {
    for (unsigned c = 0; c < 3; c++) {
        struct class_reading *k = &r->sample.classes[c];
        const struct rig_class *rate = &r->classes[c];
        for (unsigned i = 0; i < RESOURCES; i++) {
            k->some_usec[i] += rate->some[i] / 2;
            k->full_usec[i] += rate->full[i] / 2;
        }
        k->cpu_usec += rate->cpu_milli * 500;
        for (unsigned i = 0; i < IO_KINDS; i++)
            k->io[0][i] += rate->io[i] / 2;
        k->refaults += rate->refaults / 2;
        k->low_events += rate->low / 2;
        k->high_events += rate->high / 2;
    }
    for (uint32_t i = 0; i < r->sample.n_leaves; i++) {
        r->leaves[i].cpu_usec += r->leaf_rates[i].cpu_milli * 500;
        r->leaves[i].memory_full_usec += r->leaf_rates[i].full / 2;
        r->leaves[i].high_events += r->leaf_rates[i].high / 2;
    }
    r->sample.now_usec += SECOND / 2;
    r->a = governor_tick(r->g, &r->sample);
    assert_false(r->a->ignored);
    for (uint32_t i = 0; i < r->a->n_verdicts; i++)
        assert_true(r->a->verdicts[i].class != CRITICAL || r->a->verdicts[i].act >= ACT_ALARM);
}

void rig_ticks(struct rig *r, unsigned n) {
    while (n-- > 0)
        rig_tick(r);
}

const struct verdict *rig_rule(const struct rig *r, enum verdict_act act, enum verdict_rule rule) {
    for (uint32_t i = 0; i < r->a->n_verdicts; i++)
        if (r->a->verdicts[i].act == act && (rule == VERDICT_RULES || r->a->verdicts[i].rule == rule))
            return &r->a->verdicts[i];
    return NULL;
}

const struct verdict *rig_verdict(const struct rig *r, enum verdict_act act) {
    return rig_rule(r, act, VERDICT_RULES);
}

const struct verdict *rig_until(struct rig *r, enum verdict_act act, unsigned most) {
    const struct verdict *v = NULL;
    for (unsigned i = 0; i < most && !v; i++) {
        rig_tick(r);
        v = rig_verdict(r, act);
    }
    return v;
}

const struct class_target *rig_target(const struct rig *r, uint32_t class) {
    return &r->a->classes[class];
}
