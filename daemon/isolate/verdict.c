/* SPDX-License-Identifier: Apache-2.0 */
/* Names and sentences of verdicts; verdict_rule.c has what would have avoided each. */
#include "isolate/verdict.h"

#include <inttypes.h>

#define NAME_OF(table, i) ((unsigned)(i) < ARRAY_LEN(table) && (table)[i] ? (table)[i] : "unknown")

static const char *const resources[] = {[RES_CPU] = "cpu", [RES_IO] = "io", [RES_MEMORY] = "memory"};

static const char *const states[] = {[LADDER_OPEN] = "open",
                                     [LADDER_SQUEEZE] = "squeezed",
                                     [LADDER_FROZEN] = "frozen",
                                     [LADDER_EVICT] = "evicting"};

static const char *const acts[] = {
    [ACT_SQUEEZE] = "squeeze", [ACT_EASE] = "ease",     [ACT_OPEN] = "open",   [ACT_RECLAIM] = "reclaim",
    [ACT_FREEZE] = "freeze",   [ACT_THAW] = "thaw",     [ACT_STOP] = "stop",   [ACT_KILL] = "kill",
    [ACT_LIFT] = "lift",       [ACT_UNLIFT] = "unlift", [ACT_ALARM] = "alarm", [ACT_CALM] = "calm"};

/* How a fact is called in --json, what it says in a sentence, and its unit. */
enum unit { UNIT_SHARE, UNIT_SIGNED_SHARE, UNIT_BYTES, UNIT_LIMIT, UNIT_RATE, UNIT_TIME, UNIT_COUNT };

static const struct {
    const char *name, *words;
    enum unit unit;
} facts[] = {
    [FACT_PRESSURE_1S] = {"pressure_1s", "pressure of the last second", UNIT_SHARE},
    [FACT_PRESSURE_10S] = {"pressure_10s", "pressure of ten seconds", UNIT_SHARE},
    [FACT_BASELINE] = {"baseline", "usual pressure", UNIT_SHARE},
    [FACT_SLACK] = {"slack", "lag slack", UNIT_SIGNED_SHARE},
    [FACT_USE] = {"use", "its use", UNIT_SHARE},
    [FACT_LIMIT_BEFORE] = {"limit_before", "limit before", UNIT_LIMIT},
    [FACT_AVAILABLE] = {"available", "free memory", UNIT_BYTES},
    [FACT_SWAP_FREE] = {"swap_free", "free swap", UNIT_BYTES},
    [FACT_MEMORY] = {"memory", "its memory", UNIT_BYTES},
    [FACT_PROTECTED] = {"protected", "protected memory left", UNIT_BYTES},
    [FACT_REFAULTS] = {"refaults", "refaults", UNIT_RATE},
    [FACT_LOW_EVENTS] = {"low_events", "takings of protected memory", UNIT_RATE},
    [FACT_FULL] = {"memory_full", "standing still for memory", UNIT_SHARE},
    [FACT_STARVED] = {"starved", "without any CPU", UNIT_SHARE},
    [FACT_HELD] = {"held", "for", UNIT_TIME},
    [FACT_INSTANCES] = {"instances", "instances", UNIT_COUNT},
};

const char *resource_name(enum resource r) {
    return NAME_OF(resources, r);
}

const char *ladder_state_name(enum ladder_state s) {
    return NAME_OF(states, s);
}

const char *verdict_act_name(enum verdict_act act) {
    return NAME_OF(acts, act);
}

const char *fact_name(enum fact_kind kind) {
    return (unsigned)kind < ARRAY_LEN(facts) ? facts[kind].name : "unknown";
}

static void size_text(uint64_t bytes, const char *per, char *buf, size_t size) {
    static const char units[] = "KMGTPE";
    unsigned i = 0;
    uint64_t n = bytes;
    if (bytes < 1024) {
        (void)text_format(buf, size, "%" PRIu64 "%s", bytes, per);
        return;
    }
    for (; n >= 1024 * 1024; n /= 1024)
        i++;
    (void)text_format(buf, size, "%" PRIu64 ".%" PRIu64 "%c%s", n / 1024, n % 1024 * 10 / 1024, units[i],
                      per);
}

/* Shares with one decimal; below 0 only a slack is. */
static void share_text(int64_t ppm, char *buf, size_t size) {
    uint64_t n = ppm < 0 ? (uint64_t)-ppm : (uint64_t)ppm;
    (void)text_format(buf, size, "%s%" PRIu64 ".%" PRIu64 "%%", ppm < 0 ? "-" : "", n / 10000,
                      n % 10000 / 1000);
}

static void limit_text(enum resource r, uint64_t value, char *buf, size_t size) {
    if (value == NO_LIMIT)
        (void)text_format(buf, size, "no limit");
    else if (r == RES_CPU)
        (void)text_format(buf, size, "%" PRIu64 ".%02" PRIu64 " CPUs", value / 1000, value % 1000 / 10);
    else
        size_text(value, r == RES_IO ? "/s" : "", buf, size);
}

const char *fact_text(enum fact_kind kind, enum resource r, uint64_t value, char *buf, size_t size) {
    enum unit unit = (unsigned)kind < ARRAY_LEN(facts) ? facts[kind].unit : UNIT_COUNT;
    if (value == READING_NONE && unit != UNIT_LIMIT && unit != UNIT_SIGNED_SHARE) {
        (void)text_format(buf, size, "unknown");
        return buf;
    }
    switch (unit) {
    case UNIT_SHARE:
    case UNIT_SIGNED_SHARE:
        share_text((int64_t)value, buf, size);
        break;
    case UNIT_BYTES:
        size_text(value, "", buf, size);
        break;
    case UNIT_LIMIT:
        limit_text(r, value, buf, size);
        break;
    case UNIT_TIME:
        text_age(value, buf, size);
        break;
    case UNIT_RATE:
        (void)text_format(buf, size, "%" PRIu64 "/s", value);
        break;
    case UNIT_COUNT:
        (void)text_format(buf, size, "%" PRIu64, value);
    }
    return buf;
}

/* The beginning of the sentence: who, and what was done. */
static void add_act(const struct verdict *v, const char *class, const char *leaf, struct text_buf *b) {
    char amount[64];
    const char *who = leaf ? leaf : class, *what = resource_name(v->resource);
    switch (v->act) {
    case ACT_SQUEEZE:
    case ACT_EASE:
        limit_text(v->resource, v->amount, amount, sizeof(amount));
        text_buf_addf(b, "%s: %s %s to %s", who, what, v->act == ACT_EASE ? "limit raised" : "limited",
                      amount);
        break;
    case ACT_OPEN:
        text_buf_addf(b, "%s: %s limit taken away", who, what);
        break;
    case ACT_RECLAIM:
        size_text(v->amount, "", amount, sizeof(amount));
        text_buf_addf(b, "%s: %s of memory reclaimed", who, amount);
        break;
    case ACT_FREEZE:
        text_buf_addf(b, "%s: frozen for at most %s", who, text_age(v->amount, amount, sizeof(amount)));
        break;
    case ACT_THAW:
        text_buf_addf(b, "%s: thawed", who);
        break;
    case ACT_STOP:
        text_buf_addf(b, "%s: evicted: stopped, with %s to end", who,
                      text_age(v->amount, amount, sizeof(amount)));
        break;
    case ACT_KILL:
        text_buf_addf(b, "%s: killed", who);
        break;
    case ACT_LIFT:
        text_buf_addf(b, "%s: lifted to CPU weight %" PRIu64, who, v->amount);
        break;
    case ACT_UNLIFT:
        text_buf_addf(b, "%s: CPU weight put back", who);
        break;
    case ACT_ALARM:
    case ACT_CALM:
        text_buf_addf(b, "%s: %s%s", who, what, v->act == ACT_CALM ? ": over" : "");
        break;
    case VERDICT_ACTS:
        break;
    }
}

static void add_fact(const struct verdict *v, const struct verdict_fact *f, const char *between,
                     struct text_buf *b) {
    char value[64], limit[64];
    text_buf_addf(b, "%s%s %s", between, (unsigned)f->kind < ARRAY_LEN(facts) ? facts[f->kind].words : "?",
                  fact_text(f->kind, v->resource, f->value, value, sizeof(value)));
    if (f->limit != READING_NONE)
        text_buf_addf(b, " (limit %s)", fact_text(f->kind, v->resource, f->limit, limit, sizeof(limit)));
}

void verdict_text(const struct verdict *v, const char *class, const char *for_class, const char *leaf,
                  struct text_buf *b) {
    add_act(v, class, leaf, b);
    text_buf_add(b, ": ");
    verdict_reason(v->rule, for_class, b);
    for (uint32_t i = 0; i < MIN(v->n_facts, (uint32_t)VERDICT_FACTS); i++)
        add_fact(v, &v->facts[i], i == 0 ? ": " : ", ", b);
}
