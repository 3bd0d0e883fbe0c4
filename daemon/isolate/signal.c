/* SPDX-License-Identifier: Apache-2.0 */
/* The ring of samples and the windows over it; knows no thresholds. signal_leaf.c has what needs no ring. */
#include "isolate/signal.h"

#include "base/clock.h"

#include <string.h>

#define MOST_SPAN_USEC (10 * USEC_PER_SEC)

static const uint64_t window_usec[] = {
    [WINDOW_1S] = USEC_PER_SEC, [WINDOW_5S] = 5 * USEC_PER_SEC, [WINDOW_10S] = 10 * USEC_PER_SEC};

void signals_reset(struct signals *s) {
    *s = (struct signals){0};
    for (uint32_t c = 0; c < CLASS_MAX; c++)
        memset(s->classes[c].last, 0xff, sizeof(s->classes[c].last));
}

static size_t slot_of(uint64_t number) {
    return number % SIGNAL_SLOTS;
}

static uint64_t newest_at(const struct signals *s) {
    return s->at[slot_of(s->n - 1)];
}

static void put(struct class_history *h, unsigned series, uint64_t number, uint64_t value) {
    h->value[series][slot_of(number)] = value;
    if (value == READING_NONE)
        return;
    if (h->last[series] == READING_NONE || (value < h->last[series] && series != SERIES_MEMORY))
        h->valid[series] = number;
    h->last[series] = value;
}

static void put_class(struct class_history *h, const struct class_reading *r, uint64_t number) {
    for (unsigned i = 0; i < RESOURCES; i++) {
        put(h, SERIES_SOME + i, number, r->some_usec[i]);
        put(h, SERIES_FULL + i, number, r->full_usec[i]);
        put(h, SERIES_OWN + i, number, r->own_limit_usec[i]);
    }
    put(h, SERIES_CPU, number, r->cpu_usec);
    put(h, SERIES_REFAULTS, number, r->refaults);
    put(h, SERIES_LOW, number, r->low_events);
    put(h, SERIES_HIGH, number, r->high_events);
    put(h, SERIES_MEMORY, number, r->memory_bytes);
    for (unsigned d = 0; d < SAMPLE_DEVICES_MAX; d++)
        for (unsigned k = 0; k < IO_KINDS; k++)
            put(h, SERIES_IO + d * IO_KINDS + k, number, r->io[d][k]);
    if (r->memory_bytes != READING_NONE && r->memory_bytes > h->most[0])
        h->most[0] = r->memory_bytes;
}

/* Another disk in the slot has other counters, whatever they say. */
static void check_devices(struct signals *s, const struct sample *sample) {
    for (unsigned d = 0; d < SAMPLE_DEVICES_MAX; d++) {
        if (s->devices[d].major == sample->devices[d].major &&
            s->devices[d].minor == sample->devices[d].minor)
            continue;
        s->devices[d] = sample->devices[d];
        for (uint32_t c = 0; c < CLASS_MAX; c++)
            for (unsigned k = 0; k < IO_KINDS; k++)
                s->classes[c].last[SERIES_IO + d * IO_KINDS + k] = READING_NONE;
    }
}

static void turn_most(struct signals *s, uint64_t now) {
    while (now - s->most_at >= MOST_SPAN_USEC) {
        s->most_at += MOST_SPAN_USEC;
        for (uint32_t c = 0; c < s->n_classes; c++) {
            uint64_t *most = s->classes[c].most;
            memmove(most + 1, most, sizeof(s->classes[c].most) - sizeof(*most));
            most[0] = 0;
        }
    }
}

enum signals_took signals_add(struct signals *s, const struct sample *sample) {
    uint64_t now = sample->now_usec;
    enum signals_took took = SIGNALS_TAKEN;
    bool has_past = s->n > s->first;
    if (has_past && now >= newest_at(s) && now - newest_at(s) < SIGNAL_SPACE_USEC)
        return SIGNALS_TOO_SOON;
    if (!has_past || now < newest_at(s) || now - newest_at(s) > SIGNAL_GAP_USEC) {
        s->first = s->n;
        s->most_at = now;
        took = SIGNALS_STARTED_ANEW;
    }
    s->n_classes = MIN(sample->n_classes, (uint32_t)CLASS_MAX);
    check_devices(s, sample);
    turn_most(s, now);
    s->at[slot_of(s->n)] = now;
    for (uint32_t c = 0; c < s->n_classes; c++)
        put_class(&s->classes[c], &sample->classes[c], s->n);
    s->n++;
    if (s->n - s->first > SIGNAL_SLOTS)
        s->first = s->n - SIGNAL_SLOTS;
    return took;
}

uint64_t signals_step(const struct signals *s) {
    return s->n - s->first < 2 ? 0 : newest_at(s) - s->at[slot_of(s->n - 2)];
}

/* The number of the sample where the window over a series begins, or READING_NONE. A window may be a tenth
 * shorter than its name, as ticks come a little early; at the beginning, down to a half. */
static uint64_t anchor_of(const struct signals *s, uint64_t valid, enum window w) {
    if (s->n - s->first < 2)
        return READING_NONE;
    uint64_t length = window_usec[w], newest = newest_at(s), number = s->n - 1;
    uint64_t oldest = MAX(s->first, valid);
    while (number > oldest && newest - s->at[slot_of(number)] < length - length / 10)
        number--;
    while (number > oldest && newest - s->at[slot_of(number - 1)] <= length)
        number--;
    if (number < oldest || newest - s->at[slot_of(number)] < length / 2)
        return READING_NONE;
    return number;
}

static uint64_t difference(const struct signals *s, uint32_t class, unsigned series, enum window w,
                           uint64_t *ret_usec) {
    const struct class_history *h = &s->classes[class];
    uint64_t from = anchor_of(s, h->valid[series], w);
    if (class >= s->n_classes || from == READING_NONE)
        return READING_NONE;
    uint64_t a = h->value[series][slot_of(from)], b = h->value[series][slot_of(s->n - 1)];
    if (a == READING_NONE || b == READING_NONE || b < a)
        return READING_NONE;
    *ret_usec = newest_at(s) - s->at[slot_of(from)];
    return b - a;
}

/* a * b / c, without leaving 64 bits on the way. */
static uint64_t scale(uint64_t a, uint64_t b, uint64_t c) {
    unsigned __int128 x = (unsigned __int128)a * b / c;
    return x >= READING_NONE ? READING_NONE - 1 : (uint64_t)x;
}

uint64_t signal_rate(const struct signals *s, uint32_t class, unsigned series, enum window w) {
    uint64_t usec = 0, d = difference(s, class, series, w, &usec);
    return d == READING_NONE ? d : scale(d, USEC_PER_SEC, usec);
}

uint64_t signal_pressure(const struct signals *s, uint32_t class, enum resource r, bool full, enum window w) {
    uint64_t rate = signal_rate(s, class, (full ? SERIES_FULL : SERIES_SOME) + (unsigned)r, w);
    return rate == READING_NONE ? rate : MIN(rate, (uint64_t)PPM);
}

uint64_t signal_contention(const struct signals *s, uint32_t class, enum resource r, enum window w) {
    uint64_t all = signal_rate(s, class, SERIES_SOME + (unsigned)r, w);
    uint64_t own = signal_rate(s, class, SERIES_OWN + (unsigned)r, w);
    if (all == READING_NONE)
        return all;
    all = MIN(all, (uint64_t)PPM);
    return own == READING_NONE ? all : all - MIN(own, all);
}

uint64_t signal_cpu(const struct signals *s, uint32_t class, enum window w) {
    uint64_t usec = 0, d = difference(s, class, SERIES_CPU, w, &usec);
    return d == READING_NONE ? d : scale(d, 1000, usec);
}

uint64_t signal_io(const struct signals *s, uint32_t class, bool bytes, enum window w) {
    uint64_t sum = READING_NONE;
    for (unsigned d = 0; d < SAMPLE_DEVICES_MAX; d++)
        for (unsigned k = 0; k < 2; k++) {
            unsigned kind = (bytes ? IO_RBYTES : IO_ROPS) + k;
            uint64_t rate = signal_rate(s, class, SERIES_IO + d * IO_KINDS + kind, w);
            if (rate != READING_NONE)
                sum = sum == READING_NONE ? rate : sum + rate;
        }
    return sum;
}

uint64_t signal_growth(const struct signals *s, uint32_t class) {
    const struct class_history *h = &s->classes[class];
    uint64_t from = anchor_of(s, h->valid[SERIES_MEMORY], WINDOW_10S);
    if (class >= s->n_classes || from == READING_NONE)
        return READING_NONE;
    uint64_t a = h->value[SERIES_MEMORY][slot_of(from)], b = h->value[SERIES_MEMORY][slot_of(s->n - 1)];
    if (a == READING_NONE || b == READING_NONE)
        return READING_NONE;
    return b > a ? b - a : 0;
}

uint64_t signal_memory_most(const struct signals *s, uint32_t class) {
    uint64_t most = 0;
    for (size_t i = 0; i < ARRAY_LEN(s->classes[class].most); i++)
        most = MAX(most, s->classes[class].most[i]);
    return most;
}

/* One step of a slow average; both in the same unit. */
static uint64_t follow(uint64_t average, uint64_t now, uint64_t step, uint64_t time) {
    if (now >= average)
        return average + scale(now - average, step, time + step);
    return average - scale(average - now, step, time + step);
}

void signal_learn(struct signals *s, uint32_t class, enum resource r, uint64_t time_usec, uint32_t most_ppm) {
    struct class_history *h = &s->classes[class];
    uint64_t step = signals_step(s), now = signal_contention(s, class, r, WINDOW_1S);
    if (now != READING_NONE)
        h->baseline[r] = MIN(follow(h->baseline[r], now * 1000, step, time_usec), most_ppm * 1000ULL);
    now = r == RES_MEMORY ? signal_rate(s, class, SERIES_REFAULTS, WINDOW_1S) : READING_NONE;
    if (now != READING_NONE)
        h->refault_baseline = follow(h->refault_baseline, MIN(now, (uint64_t)PPM) * 1000, step, time_usec);
}

uint64_t signal_baseline(const struct signals *s, uint32_t class, enum resource r) {
    return r == RES_CPU ? 0 : s->classes[class].baseline[r] / 1000;
}

uint64_t signal_refault_baseline(const struct signals *s, uint32_t class) {
    return s->classes[class].refault_baseline / 1000;
}
