/* SPDX-License-Identifier: Apache-2.0 */
/* Lines to samples; declared in trace.h. Every line is checked by itself: a line changes nothing, or is
 * whole. */
#include "isolate/leafmap.h"
#include "isolate/trace.h"
#include "isolate/trace_fields.h"

#include "base/parse.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

#define WORDS_MAX      24
#define LEAVES_DEFAULT 1024

struct trace_reader {
    struct governor_setup setup;
    struct sample sample;
    struct leafmap *map;
    struct leaf_reading *leaves; /* the first n_leaves are there, in any order */
    char (*names)[SAMPLE_LEAF_NAME];
    uint32_t *place; /* by number of the map: where in leaves */
    uint64_t line;
    bool has_version, has_body, has_limits, in_sample;
};

struct words {
    char text[TRACE_LINE_MAX + 1];
    char *word[WORDS_MAX];
    size_t n;
};

struct trace_reader *trace_reader_new(void) {
    struct trace_reader *t = calloc(1, sizeof(*t));
    if (!t)
        return NULL;
    sample_clear(&t->sample);
    t->setup.leaves_max = LEAVES_DEFAULT;
    for (unsigned r = 0; r < RESOURCES; r++)
        t->setup.can_limit[r] = true;
    return t;
}

void trace_reader_free(struct trace_reader *t) {
    if (!t)
        return;
    leafmap_free(t->map);
    free(t->leaves);
    free(t->names);
    free(t->place);
    free(t);
}

static int wrong(const struct trace_reader *t, struct reason *why, const char *what) {
    return reason_set(why, -EINVAL, "line %" PRIu64 ": %s", t->line, what);
}

/* The name of an instance is only shown: letters that no terminal takes for something else. */
static bool is_leaf_name(const char *text) {
    size_t n = strspn(text, "abcdefghijklmnopqrstuvwxyz0123456789-_/");
    return n > 0 && text[n] == '\0' && n < SAMPLE_LEAF_NAME;
}

static bool split(const char *line, size_t len, struct words *ret) {
    ret->n = 0;
    if (len > TRACE_LINE_MAX || memchr(line, '\0', len))
        return false;
    memcpy(ret->text, line, len);
    ret->text[len] = '\0';
    for (char *p = ret->text; p;) {
        if (ret->n == WORDS_MAX)
            return false;
        ret->word[ret->n] = p;
        p = strchr(p, ' ');
        if (p)
            *p++ = '\0';
        if (ret->word[ret->n++][0] == '\0')
            return false;
    }
    return true;
}

static int read_class_name(struct trace_reader *t, const struct words *w, struct reason *why) {
    bool idle = w->n == 3 && strcmp(w->word[2], "idle") == 0;
    if (t->has_body)
        return wrong(t, why, "a class after the first instance or sample");
    if (t->setup.n_classes == CLASS_MAX)
        return wrong(t, why, "more classes than a host may have");
    if (w->n < 2 || (w->n > 2 && !idle) || !text_is_name(w->word[1]))
        return wrong(t, why, "right would be: class NAME [idle]");
    struct governor_class *c = &t->setup.classes[t->setup.n_classes++];
    memcpy(c->name, w->word[1], strlen(w->word[1]) + 1);
    c->cpu_idle = idle;
    return TRACE_MORE;
}

static int read_limits(struct trace_reader *t, const struct words *w, struct reason *why) {
    if (t->has_body || t->has_limits)
        return wrong(t, why, "limits stand once, before the first instance and sample");
    t->has_limits = true;
    memset(t->setup.can_limit, 0, sizeof(t->setup.can_limit));
    for (size_t i = 1; i < w->n; i++) {
        unsigned r = 0;
        while (r < RESOURCES && strcmp(w->word[i], resource_name(r)) != 0)
            r++;
        if (r == RESOURCES)
            return wrong(t, why, "right would be: limits [cpu] [io] [memory]");
        t->setup.can_limit[r] = true;
    }
    return TRACE_MORE;
}

static int read_room(struct trace_reader *t, const struct words *w, struct reason *why) {
    uint32_t n;
    if (t->has_body)
        return wrong(t, why, "the room for instances after the first instance or sample");
    if (w->n != 2 || parse_u32(w->word[1], &n) < 0 || n == 0 || n > GOVERNOR_LEAVES_MAX)
        return wrong(t, why, "right would be: leaves N, with N from 1 to 65536");
    t->setup.leaves_max = n;
    return TRACE_MORE;
}

/* The head is complete: room is made. */
static int begin_body(struct trace_reader *t, struct reason *why) {
    if (t->has_body)
        return 0;
    if (t->setup.n_classes == 0)
        return wrong(t, why, "an instance or a sample before the classes");
    uint32_t n = t->setup.leaves_max;
    t->map = leafmap_new(n);
    t->leaves = calloc(n, sizeof(*t->leaves));
    t->names = calloc(n, sizeof(*t->names));
    t->place = calloc(n, sizeof(*t->place));
    if (!t->map || !t->leaves || !t->names || !t->place)
        return reason_set(why, -ENOMEM, "out of memory");
    t->sample.n_classes = t->setup.n_classes;
    t->sample.leaves = t->leaves;
    t->has_body = true;
    return 0;
}

/* Sets fields from the words from `first` on. */
static int read_fields(const struct trace_reader *t, const struct trace_field *fields, const struct words *w,
                       size_t first, void *object, struct reason *why) {
    for (size_t i = first; i < w->n; i++) {
        int r = trace_field_read(fields, w->word[i], object);
        if (r == -ENOENT)
            return wrong(t, why, "there is no such field in a line of this kind");
        if (r < 0)
            return wrong(t, why, "a field that is no number, or is too large");
    }
    return 0;
}

static bool read_index(const char *text, uint32_t below, uint32_t *ret) {
    return parse_u32(text, ret) == 0 && *ret < below;
}

static struct leaf_reading *find(const struct trace_reader *t, const char *text, uint64_t *ret_key,
                                 uint32_t *ret_number) {
    *ret_number = LEAFMAP_NONE;
    if (parse_u64(text, ret_key) < 0 || *ret_key == VERDICT_NO_LEAF)
        return NULL;
    *ret_number = leafmap_get(t->map, *ret_key);
    return *ret_number == LEAFMAP_NONE ? NULL : &t->leaves[t->place[*ret_number]];
}

static int read_leaf(struct trace_reader *t, struct words *w, struct reason *why) {
    struct leaf_reading made;
    uint32_t number;
    leaf_reading_clear(&made);
    if (w->n > 4 && strcmp(w->word[w->n - 1], "member") == 0) {
        made.member = true;
        w->n--;
    }
    if (w->n < 4 || !read_index(w->word[2], t->setup.n_classes, &made.class) || !is_leaf_name(w->word[3]))
        return wrong(t, why, "right would be: leaf KEY CLASS NAME [field=N…] [member]");
    struct leaf_reading *known = find(t, w->word[1], &made.key, &number);
    if (!known && (parse_u64(w->word[1], &made.key) < 0 || made.key == VERDICT_NO_LEAF))
        return wrong(t, why, "a key that is no number");
    int r = read_fields(t, trace_leaf_fields, w, 4, &made, why);
    if (r < 0)
        return r;
    if (!known) {
        number = leafmap_add(t->map, made.key);
        if (number == LEAFMAP_NONE)
            return wrong(t, why, "more instances than `leaves` has room for");
        t->place[number] = t->sample.n_leaves++;
        known = &t->leaves[t->place[number]];
    }
    memcpy(t->names[number], w->word[3], strlen(w->word[3]) + 1);
    made.name = t->names[number];
    *known = made;
    return TRACE_MORE;
}

static int read_gone(struct trace_reader *t, const struct words *w, struct reason *why) {
    uint64_t key;
    uint32_t number;
    struct leaf_reading *l = w->n == 2 ? find(t, w->word[1], &key, &number) : NULL;
    if (!l)
        return wrong(t, why, "right would be: gone KEY, of an instance that is there");
    struct leaf_reading *last = &t->leaves[--t->sample.n_leaves];
    if (l != last) {
        t->place[leafmap_get(t->map, last->key)] = t->place[number];
        *l = *last;
    }
    leafmap_remove(t->map, key);
    return TRACE_MORE;
}

static int read_device(struct trace_reader *t, struct words *w, struct reason *why) {
    uint32_t slot;
    struct device_id id;
    char *colon = w->n == 3 ? strchr(w->word[2], ':') : NULL;
    if (colon)
        *colon = '\0';
    if (!colon || !read_index(w->word[1], SAMPLE_DEVICES_MAX, &slot) ||
        parse_u32(w->word[2], &id.major) < 0 || parse_u32(colon + 1, &id.minor) < 0)
        return wrong(t, why, "right would be: device SLOT MAJOR:MINOR, with SLOT from 0 to 7");
    t->sample.devices[slot] = id;
    return TRACE_MORE;
}

static int begin_sample(struct trace_reader *t, const struct words *w, struct reason *why) {
    struct sample made;
    if (t->in_sample)
        return wrong(t, why, "a sample inside another; `end` is missing");
    sample_clear(&made);
    if (w->n < 2 || parse_u64(w->word[1], &made.now_usec) < 0)
        return wrong(t, why, "right would be: sample USEC [field=N…]");
    int r = read_fields(t, trace_host_fields, w, 2, &made, why);
    if (r < 0)
        return r;
    made.n_classes = t->sample.n_classes;
    made.n_leaves = t->sample.n_leaves;
    made.leaves = t->leaves;
    memcpy(made.devices, t->sample.devices, sizeof(made.devices));
    t->sample = made;
    for (uint32_t i = 0; i < made.n_leaves; i++)
        t->leaves[i].fresh = false;
    t->in_sample = true;
    return TRACE_MORE;
}

static int read_class(struct trace_reader *t, const struct words *w, struct reason *why) {
    uint32_t class;
    if (w->n < 2 || !read_index(w->word[1], t->setup.n_classes, &class))
        return wrong(t, why, "right would be: c CLASS [field=N…], with the number of a class");
    return read_fields(t, trace_class_fields, w, 2, &t->sample.classes[class], why);
}

static int read_io(struct trace_reader *t, const struct words *w, struct reason *why) {
    uint32_t class, slot;
    if (w->n < 3 || !read_index(w->word[1], t->setup.n_classes, &class) ||
        !read_index(w->word[2], SAMPLE_DEVICES_MAX, &slot))
        return wrong(t, why, "right would be: d CLASS SLOT [field=N…]");
    return read_fields(t, trace_io_fields, w, 3, t->sample.classes[class].io[slot], why);
}

static int read_numbers(struct trace_reader *t, const struct words *w, struct reason *why) {
    uint64_t key;
    uint32_t number;
    struct leaf_reading *l = w->n >= 2 ? find(t, w->word[1], &key, &number) : NULL, made;
    if (!l)
        return wrong(t, why, "right would be: l KEY [field=N…], of an instance that is there");
    leaf_reading_clear(&made);
    int r = read_fields(t, trace_number_fields, w, 2, &made, why);
    if (r < 0)
        return r;
    made.key = l->key;
    made.class = l->class;
    made.member = l->member;
    made.started_usec = l->started_usec;
    made.declared_bytes = l->declared_bytes;
    made.name = l->name;
    made.fresh = true;
    *l = made;
    return TRACE_MORE;
}

static int read_inside(struct trace_reader *t, const struct words *w, struct reason *why) {
    const char *kind = w->word[0];
    if (!t->in_sample)
        return wrong(t, why, "no line of this kind is known here");
    if (strcmp(kind, "c") == 0)
        return read_class(t, w, why);
    if (strcmp(kind, "d") == 0)
        return read_io(t, w, why);
    if (strcmp(kind, "l") == 0)
        return read_numbers(t, w, why);
    if (strcmp(kind, "end") != 0 || w->n != 1)
        return wrong(t, why, "no line of this kind is known in a sample");
    t->in_sample = false;
    return TRACE_SAMPLE;
}

static int read_words(struct trace_reader *t, struct words *w, struct reason *why) {
    const char *kind = w->word[0];
    if (!t->in_sample && strcmp(kind, "class") == 0)
        return read_class_name(t, w, why);
    if (!t->in_sample && strcmp(kind, "limits") == 0)
        return read_limits(t, w, why);
    if (!t->in_sample && strcmp(kind, "leaves") == 0)
        return read_room(t, w, why);
    int r = begin_body(t, why);
    if (r < 0)
        return r;
    if (strcmp(kind, "leaf") == 0)
        return read_leaf(t, w, why);
    if (strcmp(kind, "gone") == 0)
        return read_gone(t, w, why);
    if (strcmp(kind, "device") == 0)
        return read_device(t, w, why);
    if (strcmp(kind, "sample") == 0)
        return begin_sample(t, w, why);
    return read_inside(t, w, why);
}

int trace_read(struct trace_reader *t, const char *line, size_t len, struct reason *why) {
    struct words w;
    t->line++;
    if (t->has_version && (len == 0 || line[0] == '#'))
        return TRACE_MORE;
    if (!split(line, len, &w))
        return wrong(t, why, "longer than a line may be, or not words with one blank between them");
    if (t->has_version)
        return read_words(t, &w, why);
    if (w.n != 2 || strcmp(w.word[0], "streamkeeper-trace") != 0)
        return wrong(t, why, "this is no trace: it does not begin with `streamkeeper-trace 1`");
    if (strcmp(w.word[1], "1") != 0)
        return wrong(t, why, "a trace of another version; this program reads version 1");
    t->has_version = true;
    return TRACE_MORE;
}

int trace_read_end(struct trace_reader *t, struct reason *why) {
    t->line++;
    if (!t->has_version)
        return wrong(t, why, "this is no trace: it is empty");
    if (t->in_sample)
        return wrong(t, why, "the trace ends in the middle of a sample");
    return 0;
}

const struct governor_setup *trace_setup(const struct trace_reader *t) {
    return &t->setup;
}

const struct sample *trace_sample(const struct trace_reader *t) {
    return &t->sample;
}

const char *trace_leaf_name(const struct trace_reader *t, uint64_t key) {
    uint32_t number = t->map ? leafmap_get(t->map, key) : LEAFMAP_NONE;
    return number == LEAFMAP_NONE ? "?" : t->names[number];
}
