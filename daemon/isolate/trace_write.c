/* SPDX-License-Identifier: Apache-2.0 */
/* Samples to lines; declared in trace.h. */
#include "isolate/leafmap.h"
#include "isolate/trace.h"
#include "isolate/trace_fields.h"

#include <inttypes.h>
#include <string.h>

struct told {
    uint64_t key, started, declared, seen;
    uint32_t class;
    bool used, member;
};

struct trace_writer {
    struct leafmap *map;
    struct told *told;
    uint32_t max;
    uint64_t n; /* samples written */
    struct device_id devices[SAMPLE_DEVICES_MAX];
};

void trace_write_head(const struct governor_setup *setup, struct text_buf *b) {
    text_buf_addf(b, "streamkeeper-trace %d\n", TRACE_VERSION);
    for (uint32_t c = 0; c < setup->n_classes; c++)
        text_buf_addf(b, "class %s%s\n", setup->classes[c].name, setup->classes[c].cpu_idle ? " idle" : "");
    text_buf_add(b, "limits");
    for (unsigned r = 0; r < RESOURCES; r++)
        if (setup->can_limit[r])
            text_buf_addf(b, " %s", resource_name(r));
    text_buf_addf(b, "\nleaves %" PRIu32 "\n", setup->leaves_max);
}

struct trace_writer *trace_writer_new(uint32_t leaves_max) {
    struct trace_writer *w = calloc(1, sizeof(*w));
    if (!w)
        return NULL;
    w->max = leaves_max;
    w->map = leafmap_new(leaves_max);
    w->told = calloc(MAX(leaves_max, 1U), sizeof(*w->told));
    if (!w->map || !w->told) {
        trace_writer_free(w);
        return NULL;
    }
    return w;
}

void trace_writer_free(struct trace_writer *w) {
    if (!w)
        return;
    leafmap_free(w->map);
    free(w->told);
    free(w);
}

static void tell_leaf(struct trace_writer *w, const struct leaf_reading *l, struct text_buf *b) {
    uint32_t i = leafmap_get(w->map, l->key);
    if (i == LEAFMAP_NONE)
        i = leafmap_add(w->map, l->key);
    if (i == LEAFMAP_NONE)
        return;
    struct told now = {.key = l->key,
                       .started = l->started_usec,
                       .declared = l->declared_bytes,
                       .seen = w->n,
                       .class = l->class,
                       .used = true,
                       .member = l->member};
    struct told *t = &w->told[i];
    bool is_new = !t->used || t->started != now.started || t->declared != now.declared ||
                  t->class != now.class || t->member != now.member;
    *t = now;
    if (!is_new)
        return;
    text_buf_addf(b, "leaf %" PRIu64 " %" PRIu32 " %s", l->key, l->class, l->name ? l->name : "unnamed");
    trace_fields_write(trace_leaf_fields, l, b);
    text_buf_add(b, l->member ? " member\n" : "\n");
}

static void tell_gone(struct trace_writer *w, const struct sample *s, struct text_buf *b) {
    for (uint32_t i = 0; i < s->n_leaves; i++) {
        uint32_t known = leafmap_get(w->map, s->leaves[i].key);
        if (known != LEAFMAP_NONE)
            w->told[known].seen = w->n;
    }
    for (uint32_t i = 0; i < w->max; i++) {
        struct told *t = &w->told[i];
        if (!t->used || t->seen == w->n)
            continue;
        text_buf_addf(b, "gone %" PRIu64 "\n", t->key);
        leafmap_remove(w->map, t->key);
        t->used = false;
    }
}

static void tell_devices(struct trace_writer *w, const struct sample *s, struct text_buf *b) {
    for (unsigned d = 0; d < SAMPLE_DEVICES_MAX; d++) {
        if (memcmp(&w->devices[d], &s->devices[d], sizeof(s->devices[d])) == 0)
            continue;
        w->devices[d] = s->devices[d];
        text_buf_addf(b, "device %u %" PRIu32 ":%" PRIu32 "\n", d, s->devices[d].major, s->devices[d].minor);
    }
}

static void tell_class(const struct class_reading *r, uint32_t class, struct text_buf *b) {
    text_buf_addf(b, "c %" PRIu32, class);
    trace_fields_write(trace_class_fields, r, b);
    text_buf_add(b, "\n");
    for (unsigned d = 0; d < SAMPLE_DEVICES_MAX; d++) {
        if (!trace_fields_known(trace_io_fields, r->io[d]))
            continue;
        text_buf_addf(b, "d %" PRIu32 " %u", class, d);
        trace_fields_write(trace_io_fields, r->io[d], b);
        text_buf_add(b, "\n");
    }
}

void trace_write(struct trace_writer *w, const struct sample *s, struct text_buf *b) {
    w->n++;
    tell_devices(w, s, b);
    tell_gone(w, s, b); /* first, so that there is room for who is new */
    for (uint32_t i = 0; i < s->n_leaves; i++)
        if (s->leaves[i].key != VERDICT_NO_LEAF && s->leaves[i].class < s->n_classes)
            tell_leaf(w, &s->leaves[i], b);
    text_buf_addf(b, "sample %" PRIu64, s->now_usec);
    trace_fields_write(trace_host_fields, s, b);
    text_buf_add(b, "\n");
    for (uint32_t c = 0; c < s->n_classes; c++)
        tell_class(&s->classes[c], c, b);
    for (uint32_t i = 0; i < s->n_leaves; i++) {
        const struct leaf_reading *l = &s->leaves[i];
        if (!l->fresh || leafmap_get(w->map, l->key) == LEAFMAP_NONE)
            continue;
        text_buf_addf(b, "l %" PRIu64, l->key);
        trace_fields_write(trace_number_fields, l, b);
        text_buf_add(b, "\n");
    }
    text_buf_add(b, "end\n");
}
