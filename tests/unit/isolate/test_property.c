/* SPDX-License-Identifier: Apache-2.0 */
/* Random hosts and random nonsense: what holds for every trace. The seeds are fixed; PROPERTY_RUNS says how
 * many. */
#include "plant.h"

#include "isolate/trace.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static uint64_t seed;

static uint64_t chance(uint64_t below) {
    seed ^= seed << 13;
    seed ^= seed >> 7;
    seed ^= seed << 17;
    return seed % below;
}

static unsigned runs(unsigned otherwise) {
    const char *text = getenv("PROPERTY_RUNS");
    return text ? (unsigned)strtoul(text, NULL, 10) : otherwise;
}

static void random_leaf(struct plant *p) {
    struct plant_leaf *l = plant_add(p, chance(4) == 0 ? STANDARD : ADHOC);
    l->reading.member = chance(2);
    l->anonymous = chance(2);
    l->ignores_stop = chance(3) == 0;
    l->respawns = chance(4) == 0;
    if (chance(2))
        l->cpu_milli = (uint32_t)chance(4000);
    if (chance(3) == 0)
        l->write_rate = chance(300) * MIB;
    if (chance(3) == 0)
        l->read_rate = chance(300) * MIB;
    if (chance(3) == 0) {
        l->memory_want = chance(9 * GIB);
        l->grow_rate = chance(400) * MIB;
    }
}

static void random_critical(struct plant *p) {
    p->critical_milli = (uint32_t)chance(6000);
    p->critical_writes = chance(2) ? chance(50) * MIB : 0;
    p->critical_memory = chance(2 * GIB);
    p->cpu_harm = (uint32_t)chance(chance(4) ? 1000000 : 30000000);
    p->io_harm = (uint32_t)chance(chance(4) ? 1000000 : 60000000);
    p->cpu_base = (uint32_t)chance(chance(3) ? 50000 : 400000);
    p->io_base = (uint32_t)chance(chance(3) ? 300000 : 900000);
    p->memory_some = chance(4) ? 0 : (uint32_t)chance(300000);
    p->memory_full = p->memory_some / 2;
    p->no_psi = chance(20) == 0;
    p->slack_ppm = chance(3) ? SLACK_NONE : (int32_t)chance(1200000) - 200000;
}

/* The hogs end, the critical class is calm: everything is given back within twenty seconds. Who is frozen at
 * that moment is thawed by then too, as nobody is protected. */
static void expect_calm(struct plant *p, uint64_t run) {
    for (uint32_t i = 0; i < p->n; i++) {
        p->leaves[i].respawns = false;
        plant_end(&p->leaves[i]);
    }
    p->critical_milli = 0;
    p->critical_writes = 0;
    p->memory_some = p->memory_full = 0;
    p->critical_memory = p->critical_protected = GIB;
    p->no_psi = false;
    p->slack_ppm = SLACK_NONE;
    plant_run(p, 20 * SECOND);
    if (!plant_is_open(p))
        fail_msg("run %d: something is still limited or frozen 20 s after the end", (int)run);
}

static void test_random_hosts(void **state ATTR_UNUSED) {
    struct plant *p = calloc(1, sizeof(*p));
    assert_non_null(p);
    uint64_t acted = 0;
    for (unsigned run = 0; run < runs(150); run++) {
        seed = 0x9e3779b97f4a7c15ULL * (run + 1);
        plant_init(p, NULL);
        p->tick_usec = (3 + chance(8)) * 100000;
        p->cpus = (uint32_t)(1 + chance(8));
        p->swap_total = chance(2) * GIB;
        p->swap_free = chance(p->swap_total + 1);
        for (unsigned k = 0; k < 8; k++) {
            random_critical(p);
            for (uint64_t n = chance(4); n > 0 && p->n < 64; n--)
                random_leaf(p);
            for (uint64_t n = chance(30); n > 0; n--) {
                p->slack_reports += chance(2);
                plant_run(p, SECOND);
            }
        }
        for (unsigned act = 0; act < ACT_ALARM; act++)
            acted += p->acts[act];
        expect_calm(p, run);
        plant_free(p);
    }
    free(p);
    assert_true(acted > 0); /* or nothing was tried */
}

static uint64_t random_reading(uint64_t before) {
    switch (chance(12)) {
    case 0:
        return READING_NONE;
    case 1:
        return chance(1000);
    case 2:
        return READING_NONE - chance(3);
    case 3:
        return before + chance(UINT64_MAX / 2);
    default:
        return before + chance(1000000);
    }
}

static void random_words(void *object, size_t size) {
    uint64_t *words = object;
    for (size_t i = 0; i < size / sizeof(*words); i++)
        words[i] = random_reading(words[i]);
}

struct nonsense {
    struct sample s;
    struct leaf_reading leaves[40];
};

static void random_sample(struct nonsense *x) {
    x->s.now_usec = chance(40) ? x->s.now_usec + chance(2000000) : chance(UINT64_MAX);
    x->s.cpus = chance(30) ? 4 : (uint32_t)chance(UINT32_MAX);
    x->s.n_classes = chance(50) ? 4 : (uint32_t)chance(20);
    random_words(&x->s.memory_total, 4 * sizeof(uint64_t));
    for (unsigned c = 0; c < CLASS_MAX; c++) {
        random_words(&x->s.classes[c], offsetof(struct class_reading, slack_ppm));
        x->s.classes[c].slack_ppm = chance(2) ? SLACK_NONE : (int32_t)chance(UINT32_MAX);
        x->s.classes[c].slack_reports += chance(3);
    }
    x->s.devices[chance(SAMPLE_DEVICES_MAX)].minor += chance(20) == 0;
    x->s.n_leaves = (uint32_t)chance(41);
    x->s.leaves = x->leaves;
    for (uint32_t i = 0; i < x->s.n_leaves; i++) {
        struct leaf_reading *l = &x->leaves[i];
        l->key = chance(30) ? i : chance(UINT64_MAX);
        l->class = chance(20) ? l->class % 4 : (uint32_t)chance(UINT32_MAX);
        l->fresh = chance(4);
        l->started_usec += chance(30) == 0;
        random_words(&l->cpu_usec, sizeof(*l) - offsetof(struct leaf_reading, cpu_usec));
    }
}

static struct governor *nonsense_governor(void) {
    struct governor_setup setup = {.n_classes = 4, .leaves_max = 32, .can_limit = {true, true, true}};
    struct governor_conf conf;
    struct governor *g = NULL;
    governor_conf_default(&conf);
    conf.profile = seed % 2;
    for (unsigned i = 0; i < 4; i++)
        setup.classes[i].name[0] = (char)('a' + i);
    setup.classes[3].cpu_idle = true;
    assert_int_equal(governor_new(&conf, &setup, &g), 0);
    return g;
}

static void check_answer(const struct governor_answer *a, uint64_t *last_kill) {
    const struct class_target *t = &a->classes[0];
    assert_true(t->cpu_milli == NO_LIMIT && t->memory_high == NO_LIMIT && t->lift_weight == 0 &&
                !t->hold_starts);
    for (uint32_t i = 0; i < a->n_verdicts; i++) {
        const struct verdict *v = &a->verdicts[i];
        CLEANUP(cleanup_text_buf) struct text_buf b = {0};
        assert_true(v->class < 4 && v->for_class < 4 && v->n_facts <= VERDICT_FACTS);
        assert_true(v->act >= ACT_ALARM || v->class > 0);
        verdict_text(v, "x", "y", v->leaf == VERDICT_NO_LEAF ? NULL : "z", &b);
        assert_true(b.len > 0 && verdict_avoidance(v->rule)[0]);
        if (v->rule == RULE_CLOCK)
            *last_kill = 0;
        if (v->act != ACT_KILL)
            continue;
        assert_true(*last_kill == 0 || v->at_usec - *last_kill >= 4 * SECOND);
        *last_kill = v->at_usec;
    }
    for (uint32_t c = 1; c < 4; c++)
        for (unsigned d = 0; d < SAMPLE_DEVICES_MAX; d++)
            for (unsigned k = 0; k < IO_KINDS; k++)
                assert_true(a->classes[c].io[d][k] > 0 && a->classes[c].cpu_milli > 0);
}

/* The same twice: once directly, once through a trace. Every answer is the same, bit by bit. */
static void test_nonsense_is_deterministic(void **state ATTR_UNUSED) {
    static struct nonsense x;
    for (unsigned run = 0; run < runs(150); run++) {
        seed = 0xdeadbeefcafe1234ULL * (2 * run + 1);
        memset(&x, 0, sizeof(x));
        sample_clear(&x.s);
        x.s.now_usec = chance(1000) * SECOND;
        struct governor *a = nonsense_governor(), *b = nonsense_governor();
        uint64_t last_kill = 0, before = 0;
        for (unsigned i = 0; i < 300; i++) {
            random_sample(&x);
            struct sample copy = x.s;
            if (x.s.now_usec < before)
                last_kill = 0;
            const struct governor_answer *r1 = governor_tick(a, &x.s), *r2 = governor_tick(b, &copy);
            if (!r1->ignored)
                before = x.s.now_usec;
            assert_int_equal(r1->n_verdicts, r2->n_verdicts);
            assert_memory_equal(r1->classes, r2->classes, sizeof(r1->classes));
            if (r1->n_verdicts > 0)
                assert_memory_equal(r1->verdicts, r2->verdicts, r1->n_verdicts * sizeof(*r1->verdicts));
            check_answer(r1, &last_kill);
        }
        governor_free(a);
        governor_free(b);
    }
}

int main(void) {
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_random_hosts),
        cmocka_unit_test(test_nonsense_is_deterministic),
    };
    return cmocka_run_group_tests_name("property", tests, NULL, NULL);
}
