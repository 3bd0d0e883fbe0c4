/* SPDX-License-Identifier: Apache-2.0 */
/* Empty samples, signals of one instance, and the lag; declared in reading.h and signal.h. */
#include "isolate/signal.h"

#include "base/clock.h"

#include <string.h>

static void clear_class(struct class_reading *r) {
    memset(r, 0xff, sizeof(*r));
    r->slack_ppm = SLACK_NONE;
    r->slack_reports = 0;
}

void sample_clear(struct sample *s) {
    *s = (struct sample){.memory_total = READING_NONE,
                         .memory_available = READING_NONE,
                         .swap_total = READING_NONE,
                         .swap_free = READING_NONE};
    for (uint32_t i = 0; i < CLASS_MAX; i++)
        clear_class(&s->classes[i]);
}

void leaf_reading_clear(struct leaf_reading *l) {
    *l = (struct leaf_reading){.cpu_usec = READING_NONE,
                               .io_bytes = READING_NONE,
                               .io_ops = READING_NONE,
                               .memory_bytes = READING_NONE,
                               .memory_full_usec = READING_NONE,
                               .high_events = READING_NONE,
                               .memory_high_bytes = READING_NONE};
}

void leaf_signal_reset(struct leaf_signal *l) {
    memset(l, 0xff, sizeof(*l));
}

/* Per `unit`; `usec` is not 0. */
static uint64_t rate(uint64_t before, uint64_t now, uint64_t unit, uint64_t usec) {
    if (before == READING_NONE || now == READING_NONE || now < before)
        return READING_NONE;
    unsigned __int128 x = (unsigned __int128)(now - before) * unit / usec;
    return x >= READING_NONE ? READING_NONE - 1 : (uint64_t)x;
}

void leaf_signal_add(struct leaf_signal *l, const struct leaf_reading *r, uint64_t now_usec) {
    struct leaf_signal before = *l;
    uint64_t usec = now_usec - before.at;
    leaf_signal_reset(l);
    l->at = now_usec;
    l->cpu_usec = r->cpu_usec;
    l->io_bytes = r->io_bytes;
    l->io_ops = r->io_ops;
    l->full_usec = r->memory_full_usec;
    l->high_events = r->high_events;
    l->memory_bytes = r->memory_bytes;
    if (before.at == READING_NONE || now_usec <= before.at)
        return;
    l->cpu_ppm = rate(before.cpu_usec, r->cpu_usec, PPM, usec);
    l->io_bytes_rate = rate(before.io_bytes, r->io_bytes, USEC_PER_SEC, usec);
    l->io_ops_rate = rate(before.io_ops, r->io_ops, USEC_PER_SEC, usec);
    l->full_ppm = rate(before.full_usec, r->memory_full_usec, PPM, usec);
    if (l->full_ppm != READING_NONE && l->full_ppm > PPM)
        l->full_ppm = PPM;
    l->high_rate = rate(before.high_events, r->high_events, USEC_PER_SEC, usec);
    if (l->high_rate == 0 && r->high_events > before.high_events)
        l->high_rate = 1;
}

/* Notes a new report: when it came, and how many in a row were late. */
uint32_t signal_late_reports(struct signals *s, const struct sample *sample, uint32_t class,
                             int32_t hot_ppm) {
    struct class_history *h = &s->classes[class];
    const struct class_reading *r = &sample->classes[class];
    if (r->slack_ppm == SLACK_NONE) {
        h->slack_in_a_row = 0;
        h->slack_at = 0;
        return 0;
    }
    if (h->slack_at == 0 || r->slack_reports != h->slack_reports) {
        h->slack_at = MAX(sample->now_usec, (uint64_t)1);
        h->slack_reports = r->slack_reports;
        h->slack_in_a_row = r->slack_ppm < hot_ppm ? MIN(h->slack_in_a_row, 1000U) + 1 : 0;
    }
    return h->slack_in_a_row;
}

int32_t signal_slack(const struct signals *s, const struct sample *sample, uint32_t class,
                     uint64_t stale_usec) {
    const struct class_history *h = &s->classes[class];
    if (h->slack_at == 0 || sample->now_usec < h->slack_at || sample->now_usec - h->slack_at > stale_usec)
        return SLACK_NONE;
    return sample->classes[class].slack_ppm;
}
