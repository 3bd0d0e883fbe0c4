/* SPDX-License-Identifier: Apache-2.0 */
/* The model host's physics, and the invariants of every answer. */
#include "plant.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define IO_LEAST_BYTES (64ULL << 10)
#define IO_LEAST_OPS   8

void plant_init(struct plant *p, const struct governor_conf *conf) {
    struct governor_setup setup = {
        .n_classes = 3, .leaves_max = PLANT_LEAVES, .can_limit = {true, true, true}};
    static const char *const names[] = {"critical", "standard", "adhoc"};
    memset(p, 0, sizeof(*p));
    for (unsigned i = 0; i < 3; i++)
        memcpy(setup.classes[i].name, names[i], strlen(names[i]) + 1);
    setup.classes[ADHOC].cpu_idle = true;
    governor_conf_default(&p->conf);
    if (conf)
        p->conf = *conf;
    assert_int_equal(governor_new(&p->conf, &setup, &p->g), 0);
    sample_clear(&p->sample);
    p->now = 100 * SECOND;
    p->tick_usec = SECOND / 2;
    p->cpus = 4;
    p->memory = 8 * GIB;
    p->other_memory = GIB;
    p->disk_rate = 200 * MIB;
    p->critical_milli = 1000;
    p->critical_memory = p->critical_protected = GIB;
    p->slack_ppm = SLACK_NONE;
    p->quiet_since = p->now;
    for (unsigned c = 0; c < 3; c++) {
        struct class_reading *r = &p->sample.classes[c];
        memset(r, 0, sizeof(*r));
        r->slack_ppm = SLACK_NONE;
        for (unsigned d = 1; d < SAMPLE_DEVICES_MAX; d++)
            memset(r->io[d], 0xff, sizeof(r->io[d]));
    }
    p->sample.devices[0] = (struct device_id){8, 0};
}

void plant_record(struct plant *p, struct text_buf *b) {
    static const struct governor_setup setup = {
        .classes = {{"critical", false}, {"standard", false}, {"adhoc", true}},
        .n_classes = 3,
        .leaves_max = PLANT_LEAVES,
        .can_limit = {true, true, true}};
    p->record = b;
    p->writer = trace_writer_new(PLANT_LEAVES);
    assert_non_null(p->writer);
    trace_write_head(&setup, b);
}

void plant_free(struct plant *p) {
    trace_writer_free(p->writer);
    governor_free(p->g);
    p->writer = NULL;
    p->g = NULL;
}

struct plant_leaf *plant_add(struct plant *p, uint32_t class) {
    assert_true(p->n < PLANT_LEAVES);
    struct plant_leaf *l = &p->leaves[p->n];
    leaf_reading_clear(&l->reading);
    l->reading.key = 1000 + p->n++;
    l->reading.class = class;
    snprintf(l->name, sizeof(l->name), "team/app/%u", (unsigned)(p->n - 1));
    l->reading.name = l->name;
    l->reading.started_usec = p->now;
    l->reading.cpu_usec = l->reading.io_bytes = l->reading.io_ops = 0;
    l->reading.memory_bytes = l->reading.memory_full_usec = l->reading.high_events = 0;
    l->alive = true;
    return l;
}

void plant_end(struct plant_leaf *l) {
    l->alive = l->frozen = l->stopping = false;
    l->reading.memory_bytes = 0;
}

static struct class_target target_of(const struct plant *p, uint32_t class) {
    struct class_target t = {.cpu_milli = NO_LIMIT, .memory_high = NO_LIMIT};
    memset(t.io, 0xff, sizeof(t.io));
    return p->answer && !p->record ? p->answer->classes[class] : t;
}

static bool runs(const struct plant_leaf *l, uint32_t class) {
    return l->alive && !l->frozen && l->reading.class == class;
}

/* What a class gets of one want, in ppm of it: by its limit and by what is left. */
static uint64_t fraction(uint64_t want, uint64_t limit, uint64_t left) {
    uint64_t may = MIN(limit, left), gets = MIN(want, may);
    return want == 0 ? 0 : gets * PPM / want;
}

static void use_cpu(struct plant *p, uint32_t class, uint64_t *left) {
    uint64_t want = class == CRITICAL ? p->critical_milli : 0, gets;
    for (uint32_t i = 0; i < p->n; i++)
        want += runs(&p->leaves[i], class) ? p->leaves[i].cpu_milli : 0;
    uint64_t part = fraction(want, target_of(p, class).cpu_milli, *left);
    for (uint32_t i = 0; i < p->n; i++)
        if (runs(&p->leaves[i], class))
            p->leaves[i].reading.cpu_usec += p->leaves[i].cpu_milli * part * p->tick_usec / 1000 / PPM;
    gets = want * part / PPM;
    p->sample.classes[class].cpu_usec += gets * p->tick_usec / 1000;
    *left -= MIN(gets, *left);
}

static uint64_t want_of(const struct plant *p, uint32_t class, bool writes) {
    uint64_t want = class == CRITICAL && writes ? p->critical_writes : 0;
    for (uint32_t i = 0; i < p->n; i++)
        if (runs(&p->leaves[i], class))
            want += writes ? p->leaves[i].write_rate : p->leaves[i].read_rate;
    return want;
}

/* Returns bytes a second. */
static uint64_t use_disk(struct plant *p, uint32_t class, bool writes, uint64_t *left) {
    struct class_target t = target_of(p, class);
    uint64_t want = want_of(p, class, writes);
    uint64_t part = fraction(want, t.io[0][writes ? IO_WBYTES : IO_RBYTES], *left), gets = want * part / PPM;
    for (uint32_t i = 0; i < p->n; i++)
        if (runs(&p->leaves[i], class)) {
            uint64_t bytes = (writes ? p->leaves[i].write_rate : p->leaves[i].read_rate) * part / PPM *
                             p->tick_usec / SECOND;
            p->leaves[i].reading.io_bytes += bytes;
            p->leaves[i].reading.io_ops += bytes / 65536;
        }
    uint64_t bytes = gets * p->tick_usec / SECOND;
    p->sample.classes[class].io[0][writes ? IO_WBYTES : IO_RBYTES] += bytes;
    p->sample.classes[class].io[0][writes ? IO_WOPS : IO_ROPS] += bytes / 65536;
    *left -= MIN(gets, *left);
    return gets;
}

static void use_memory(struct plant *p) {
    for (uint32_t c = STANDARD; c <= ADHOC; c++) {
        struct class_reading *r = &p->sample.classes[c];
        uint64_t high = target_of(p, c).memory_high, sum = 0;
        for (uint32_t i = 0; i < p->n; i++)
            sum +=
                p->leaves[i].alive && p->leaves[i].reading.class == c ? p->leaves[i].reading.memory_bytes : 0;
        for (uint32_t i = 0; i < p->n; i++) {
            struct plant_leaf *l = &p->leaves[i];
            uint64_t more = l->grow_rate * p->tick_usec / SECOND;
            if (!runs(l, c) || l->reading.memory_bytes >= l->memory_want)
                continue;
            if (high != NO_LIMIT && sum + more > high) { /* stuck */
                r->high_events += 10;
                l->reading.memory_full_usec += p->tick_usec * 9 / 10;
                continue;
            }
            l->reading.memory_bytes += more;
            sum += more;
        }
        r->memory_bytes = sum;
        r->protected_bytes = 0;
    }
    p->sample.classes[CRITICAL].memory_bytes = p->critical_memory;
    p->sample.classes[CRITICAL].protected_bytes = p->critical_protected;
    uint64_t used = p->other_memory + p->critical_memory + p->sample.classes[STANDARD].memory_bytes +
                    p->sample.classes[ADHOC].memory_bytes;
    p->sample.memory_total = p->memory;
    p->sample.memory_available = used < p->memory ? p->memory - used : 0;
    p->sample.swap_total = p->swap_total;
    p->sample.swap_free = p->swap_free;
}

static void press(struct plant *p, enum resource r, uint64_t some, uint64_t full) {
    struct class_reading *c = &p->sample.classes[CRITICAL];
    c->some_usec[r] += MIN(some, (uint64_t)PPM) * p->tick_usec / PPM;
    c->full_usec[r] += MIN(full, (uint64_t)PPM) * p->tick_usec / PPM;
}

static void physics(struct plant *p) {
    uint64_t cpu_left = p->cpus * 1000ULL, disk_left = p->disk_rate, lower_cpu, lower_disk = 0;
    uint64_t saturated =
        p->critical_milli > cpu_left ? (p->critical_milli - cpu_left) * PPM / p->critical_milli : 0;
    use_cpu(p, CRITICAL, &cpu_left);
    lower_cpu = cpu_left;
    use_cpu(p, STANDARD, &cpu_left);
    use_cpu(p, ADHOC, &cpu_left);
    lower_cpu -= cpu_left;
    (void)use_disk(p, CRITICAL, true, &disk_left);
    for (uint32_t c = STANDARD; c <= ADHOC; c++)
        lower_disk += use_disk(p, c, true, &disk_left) + use_disk(p, c, false, &disk_left);
    use_memory(p);
    bool busy = p->critical_milli > 0, writes = p->critical_writes > 0;
    press(p, RES_CPU, busy ? p->cpu_base + saturated + lower_cpu * p->cpu_harm / (p->cpus * 1000ULL) : 0, 0);
    press(p, RES_IO, writes ? p->io_base + lower_disk * p->io_harm / p->disk_rate : 0, 0);
    press(p, RES_MEMORY, p->memory_some, p->memory_full);
}

static void stop_and_start(struct plant *p) {
    for (uint32_t i = 0; i < p->n; i++) {
        struct plant_leaf *l = &p->leaves[i];
        if (l->alive && l->stopping && !l->ignores_stop && p->now >= l->stop_at)
            plant_end(l);
        if (!l->alive && l->respawns && !p->answer->classes[ADHOC].hold_starts) {
            l->alive = true;
            l->starts++;
            l->reading.started_usec = p->now;
            l->reading.cpu_usec = l->reading.io_bytes = l->reading.io_ops = l->reading.memory_bytes = 0;
        }
    }
}

static struct plant_leaf *leaf_of(struct plant *p, uint64_t key) {
    assert_in_range(key, 1000, 1000 + p->n - 1);
    return &p->leaves[key - 1000];
}

static void obey(struct plant *p, const struct verdict *v) {
    CLEANUP(cleanup_text_buf) struct text_buf b = {0};
    static const char *const names[] = {"critical", "standard", "adhoc"};
    verdict_text(v, names[v->class], names[v->for_class],
                 v->leaf == VERDICT_NO_LEAF ? NULL : leaf_of(p, v->leaf)->name, &b);
    assert_false(b.failed);
    if (p->talks)
        printf("# %6.1f %s%s\n", (double)p->now / 1e6, v->notable ? "" : "  ", b.data);
    p->acts[v->act]++;
    p->acts_of[v->resource][v->act]++;
    p->rules[v->rule]++;
    p->notable += v->notable;
    assert_true(v->act == ACT_ALARM || v->act == ACT_CALM || v->class != CRITICAL);
    if (v->act == ACT_SQUEEZE && p->cut_first == 0)
        p->cut_first = p->now;
    if (v->leaf == VERDICT_NO_LEAF) {
        assert_true(v->act < ACT_FREEZE || v->act > ACT_KILL);
        if (v->act == ACT_RECLAIM)
            for (uint32_t i = 0; i < p->n; i++)
                if (runs(&p->leaves[i], v->class) && !p->leaves[i].anonymous)
                    p->leaves[i].reading.memory_bytes -= MIN(v->amount, p->leaves[i].reading.memory_bytes);
        return;
    }
    struct plant_leaf *l = leaf_of(p, v->leaf);
    assert_int_not_equal(l->reading.class, CRITICAL);
    if (v->act == ACT_FREEZE) {
        assert_int_equal(l->reading.class, ADHOC);
        assert_false(l->frozen);
        uint64_t most =
            l->reading.member ? p->conf.freeze_hold_max_member_usec : p->conf.freeze_hold_max_usec;
        assert_true(v->amount > 0 && v->amount <= most);
        p->hold_until[l - p->leaves] = p->now + v->amount;
        l->frozen = true;
    } else if (v->act == ACT_THAW) {
        l->frozen = false;
    } else if (v->act == ACT_STOP) {
        assert_false(l->frozen);
        l->stopping = true;
        l->stop_at = p->now + SECOND;
    } else if (v->act == ACT_KILL) {
        assert_true(p->last_kill == 0 || p->now - p->last_kill >= p->conf.kill_interval_usec);
        p->last_kill = p->now;
        plant_end(l);
    }
}

static void check_limits(const struct plant *p) {
    uint64_t all = p->cpus * 1000ULL;
    for (uint32_t c = 0; c < 3; c++) {
        const struct class_target *t = &p->answer->classes[c];
        uint32_t floor = c == ADHOC ? p->conf.squeeze_floor[RES_CPU] : p->conf.squeeze_floor_middle;
        assert_true(t->cpu_milli > 0 && t->cpu_milli >= all * floor / PPM);
        assert_true(t->memory_high >= p->memory * p->conf.squeeze_floor[RES_MEMORY] / PPM);
        for (unsigned d = 0; d < SAMPLE_DEVICES_MAX; d++)
            for (unsigned k = 0; k < IO_KINDS; k++)
                assert_true(t->io[d][k] >= (k <= IO_WBYTES ? IO_LEAST_BYTES : IO_LEAST_OPS));
        if (c != CRITICAL)
            continue;
        assert_true(t->cpu_milli == NO_LIMIT && t->memory_high == NO_LIMIT &&
                    t->io[0][IO_WBYTES] == NO_LIMIT);
        assert_false(t->hold_starts || t->lift_weight);
    }
    assert_int_equal(p->answer->classes[STANDARD].memory_high, NO_LIMIT);
}

bool plant_is_open(const struct plant *p) {
    for (uint32_t c = 0; c < 3; c++) {
        const struct class_target *t = &p->answer->classes[c];
        if (t->cpu_milli != NO_LIMIT || t->memory_high != NO_LIMIT || t->lift_weight != 0)
            return false;
        for (unsigned k = 0; k < IO_KINDS; k++)
            if (t->io[0][k] != NO_LIMIT)
                return false;
    }
    for (uint32_t i = 0; i < p->n; i++)
        if (p->leaves[i].frozen)
            return false;
    return true;
}

static void check_leaves(const struct plant *p) {
    for (uint32_t i = 0; i < p->n; i++) {
        const struct plant_leaf *l = &p->leaves[i];
        if (!l->alive)
            continue;
        assert_int_equal(governor_leaf(p->g, l->reading.key) == LEAF_FROZEN, l->frozen);
        /* Undone within the hold, to the tick. */
        if (l->frozen)
            assert_true(p->now < p->hold_until[i] + p->tick_usec);
    }
}

void plant_tick(struct plant *p) {
    uint32_t n = 0;
    if (p->answer)
        stop_and_start(p);
    physics(p);
    p->now += p->tick_usec;
    for (uint32_t i = 0; i < p->n; i++)
        if (p->leaves[i].alive) {
            p->readings[n] = p->leaves[i].reading;
            p->readings[n++].fresh = true;
        }
    p->sample.now_usec = p->now;
    p->sample.cpus = p->cpus;
    p->sample.n_classes = 3;
    p->sample.leaves = p->readings;
    p->sample.n_leaves = n;
    p->sample.classes[CRITICAL].slack_ppm = p->slack_ppm;
    p->sample.classes[CRITICAL].slack_reports = p->slack_reports;
    struct sample s = p->sample;
    if (p->no_psi)
        memset(s.classes[CRITICAL].some_usec, 0xff, sizeof(s.classes[CRITICAL].some_usec));
    p->answer = governor_tick(p->g, &s);
    assert_false(p->answer->ignored);
    if (p->record) {
        trace_write(p->writer, &s, p->record);
        return;
    }
    for (uint32_t i = 0; i < p->answer->n_verdicts; i++)
        obey(p, &p->answer->verdicts[i]);
    check_limits(p);
    check_leaves(p);
    if (!plant_is_open(p))
        p->quiet_since = 0;
    else if (p->quiet_since == 0)
        p->quiet_since = p->now;
}

void plant_run(struct plant *p, uint64_t usec) {
    for (uint64_t end = p->now + usec; p->now < end;)
        plant_tick(p);
}
