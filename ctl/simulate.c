/* SPDX-License-Identifier: Apache-2.0 */
/* `simulate`: the governor's own code over a recorded trace. Needs no daemon. */
#include "ctl/render.h"
#include "ctl/verbs.h"

#include "base/fd.h"
#include "conf/ini.h"
#include "isolate/governor.h"
#include "isolate/trace.h"
#include "streamkeeper/exit.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define CHUNK 65536

/* Time in each state of a ladder, and what became of an instance. */
struct outcome {
    uint64_t key;
    struct value *dict;
    uint64_t freezes, frozen_usec;
    bool stopped, killed;
};

struct simulation {
    struct ctl *ctl;
    struct governor_conf conf;
    struct trace_reader *trace;
    struct governor *governor;
    struct arena arena;
    struct value *verdicts, *root;
    struct outcome *outcomes;
    size_t n_outcomes;
    uint64_t first_usec, last_usec, samples, ignored;
    uint64_t in_state[CLASS_MAX][RESOURCES][LADDER_STATES];
};

static void simulation_free(struct simulation *s) {
    governor_free(s->governor);
    trace_reader_free(s->trace);
    arena_free(&s->arena);
    free(s->outcomes);
}

static int fail_memory(struct simulation *s) {
    return failure_set(&s->ctl->failure, SK_EXIT_FAILURE, "out of memory");
}

static int load_policy(struct simulation *s) {
    const char *file = s->ctl->options.policy;
    struct reason why = {0};
    AUTO_FREE char *text = NULL;
    size_t len = 0;
    governor_conf_default(&s->conf);
    if (!file)
        return 0;
    int r = fd_read_file_at(AT_FDCWD, file, INI_TEXT_MAX, &text, &len);
    if (r < 0)
        return failure_set(&s->ctl->failure, SK_EXIT_FAILURE, "cannot read the policy %s: %s", file,
                           strerror(-r));
    if (governor_conf_parse(file, text, len, &s->conf, &why) < 0)
        return failure_set(&s->ctl->failure, SK_EXIT_INVALID, "%s", why.text);
    return 0;
}

static struct outcome *outcome_of(struct simulation *s, const struct verdict *v, const char *name) {
    for (size_t i = 0; i < s->n_outcomes; i++)
        if (s->outcomes[i].key == v->leaf)
            return &s->outcomes[i];
    struct outcome *more = reallocarray(s->outcomes, s->n_outcomes + 1, sizeof(*more));
    if (!more)
        return NULL;
    s->outcomes = more;
    struct value *dict = value_new(&s->arena, VALUE_DICT, NULL);
    if (!dict)
        return NULL;
    more[s->n_outcomes] = (struct outcome){.key = v->leaf, .dict = dict};
    char *copy = arena_copy(&s->arena, name, strlen(name));
    value_add_text(&s->arena, dict, "instance", copy ? copy : "?");
    return &more[s->n_outcomes++];
}

static int note_leaf(struct simulation *s, const struct verdict *v, const char *name) {
    struct outcome *o = outcome_of(s, v, name);
    if (!o)
        return fail_memory(s);
    o->freezes += v->act == ACT_FREEZE;
    o->stopped |= v->act == ACT_STOP;
    o->killed |= v->act == ACT_KILL;
    if (v->act == ACT_THAW && v->n_facts > 0 && v->facts[0].kind == FACT_HELD)
        o->frozen_usec += v->facts[0].value;
    return 0;
}

static void add_facts(struct simulation *s, struct value *dict, const struct verdict *v) {
    struct value *facts = value_new(&s->arena, VALUE_DICT, "readings");
    if (!facts)
        return;
    for (uint32_t i = 0; i < v->n_facts; i++) {
        struct value *fact = value_new(&s->arena, VALUE_DICT, fact_name(v->facts[i].kind));
        if (!fact)
            return;
        if (v->facts[i].kind == FACT_SLACK) {
            struct value *slack = value_new(&s->arena, VALUE_INT, "value");
            if (slack) {
                slack->integer = (int64_t)v->facts[i].value;
                value_append(fact, slack);
            }
        } else if (v->facts[i].value != READING_NONE) {
            value_add_uint(&s->arena, fact, "value", v->facts[i].value);
        }
        if (v->facts[i].limit != READING_NONE)
            value_add_uint(&s->arena, fact, "limit", v->facts[i].limit);
        value_append(facts, fact);
    }
    value_append(dict, facts);
}

static int add_verdict(struct simulation *s, const struct verdict *v) {
    const struct governor_setup *setup = trace_setup(s->trace);
    const char *leaf = v->leaf == VERDICT_NO_LEAF ? NULL : trace_leaf_name(s->trace, v->leaf);
    CLEANUP(cleanup_text_buf) struct text_buf text = {0};
    if (leaf && note_leaf(s, v, leaf) < 0)
        return -1;
    if (!v->notable && !s->ctl->options.all)
        return 0;
    struct value *dict = value_new(&s->arena, VALUE_DICT, NULL);
    verdict_text(v, setup->classes[v->class].name, setup->classes[v->for_class].name, leaf, &text);
    if (!dict || text.failed)
        return fail_memory(s);
    value_add_uint(&s->arena, dict, "at_usec", v->at_usec - s->first_usec);
    value_add_text(&s->arena, dict, "act", verdict_act_name(v->act));
    value_add_text(&s->arena, dict, "rule", verdict_rule_name(v->rule));
    value_add_text(&s->arena, dict, "resource", resource_name(v->resource));
    value_add_text(&s->arena, dict, "class", setup->classes[v->class].name);
    value_add_text(&s->arena, dict, "for_class", setup->classes[v->for_class].name);
    if (leaf) {
        char *copy = arena_copy(&s->arena, leaf, strlen(leaf));
        value_add_text(&s->arena, dict, "instance", copy ? copy : "?");
    }
    if (v->amount != NO_LIMIT)
        value_add_uint(&s->arena, dict, "amount", v->amount);
    value_add_bool(&s->arena, dict, "notable", v->notable);
    add_facts(s, dict, v);
    char *copy = arena_copy(&s->arena, text.data, text.len);
    value_add_text(&s->arena, dict, "text", copy ? copy : "");
    value_add_text(&s->arena, dict, "avoid", verdict_avoidance(v->rule));
    value_append(s->verdicts, dict);
    return 0;
}

static int begin(struct simulation *s) {
    int r = governor_new(&s->conf, trace_setup(s->trace), &s->governor);
    if (r == -ENOENT)
        return failure_set(&s->ctl->failure, SK_EXIT_INVALID,
                           "the policy protects the class \"%s\", which is not in the trace",
                           s->conf.protect);
    return r < 0 ? fail_memory(s) : 0;
}

static int take_sample(struct simulation *s) {
    const struct sample *sample = trace_sample(s->trace);
    if (!s->governor && begin(s) < 0)
        return -1;
    if (s->samples++ == 0)
        s->first_usec = s->last_usec = sample->now_usec;
    const struct governor_answer *a = governor_tick(s->governor, sample);
    s->ignored += a->ignored;
    if (a->ignored)
        return 0;
    uint64_t step = sample->now_usec > s->last_usec ? sample->now_usec - s->last_usec : 0;
    s->last_usec = sample->now_usec;
    for (uint32_t c = 0; c < trace_setup(s->trace)->n_classes; c++)
        for (unsigned r = 0; r < RESOURCES; r++)
            s->in_state[c][r][a->classes[c].state[r]] += step;
    for (uint32_t i = 0; i < a->n_verdicts; i++)
        if (add_verdict(s, &a->verdicts[i]) < 0)
            return -1;
    return 0;
}

static int take_line(struct simulation *s, const char *line, size_t len) {
    struct reason why = {0};
    int r = trace_read(s->trace, line, len, &why);
    if (r < 0)
        return failure_set(&s->ctl->failure, r == -ENOMEM ? SK_EXIT_FAILURE : SK_EXIT_INVALID,
                           "the trace, %s", why.text);
    return r == TRACE_SAMPLE ? take_sample(s) : 0;
}

/* Feeds whole lines; a line that does not fit is the reader's to refuse. */
static int feed(struct simulation *s, int fd) {
    AUTO_FREE char *buffer = malloc(CHUNK);
    struct reason why = {0};
    size_t have = 0;
    ssize_t n = 1;
    if (!buffer)
        return fail_memory(s);
    while (n > 0 || have > 0) {
        if (n > 0 && (n = read(fd, buffer + have, CHUNK - have)) < 0) {
            if (errno != EINTR)
                return failure_set(&s->ctl->failure, SK_EXIT_FAILURE, "cannot read the trace: %s",
                                   strerror(errno));
            n = 1;
            continue;
        }
        have += (size_t)n;
        char *at = buffer, *end = buffer + have, *newline;
        while ((newline = memchr(at, '\n', (size_t)(end - at)))) {
            if (take_line(s, at, (size_t)(newline - at)) < 0)
                return -1;
            at = newline + 1;
        }
        have = (size_t)(end - at);
        bool whole = n == 0 || have > TRACE_LINE_MAX;
        if (have > 0 && whole && take_line(s, at, have) < 0)
            return -1;
        have = whole ? 0 : have;
        memmove(buffer, at, have);
    }
    if (trace_read_end(s->trace, &why) < 0)
        return failure_set(&s->ctl->failure, SK_EXIT_INVALID, "the trace, %s", why.text);
    return 0;
}

static void add_classes(struct simulation *s) {
    const struct governor_setup *setup = trace_setup(s->trace);
    struct value *classes = value_new(&s->arena, VALUE_LIST, "classes");
    for (uint32_t c = 0; classes && c < setup->n_classes; c++) {
        struct value *dict = value_new(&s->arena, VALUE_DICT, NULL);
        if (!dict)
            return;
        value_add_text(&s->arena, dict, "name", setup->classes[c].name);
        for (unsigned r = 0; r < RESOURCES; r++) {
            struct value *times = value_new(&s->arena, VALUE_DICT, resource_name(r));
            if (!times)
                return;
            for (unsigned state = LADDER_SQUEEZE; state < LADDER_STATES; state++)
                value_add_uint(&s->arena, times, ladder_state_name(state), s->in_state[c][r][state]);
            value_append(dict, times);
        }
        value_append(classes, dict);
    }
    if (classes)
        value_append(s->root, classes);
}

static int finish(struct simulation *s) {
    struct value *instances = value_new(&s->arena, VALUE_LIST, "instances");
    if (!instances)
        return fail_memory(s);
    value_add_uint(&s->arena, s->root, "samples", s->samples);
    value_add_uint(&s->arena, s->root, "ignored", s->ignored);
    value_add_uint(&s->arena, s->root, "time_usec", s->last_usec - s->first_usec);
    value_append(s->root, s->verdicts);
    add_classes(s);
    for (size_t i = 0; i < s->n_outcomes; i++) {
        const struct outcome *o = &s->outcomes[i];
        value_add_uint(&s->arena, o->dict, "freezes", o->freezes);
        value_add_uint(&s->arena, o->dict, "frozen_usec", o->frozen_usec);
        value_add_bool(&s->arena, o->dict, "evicted", o->stopped);
        value_add_bool(&s->arena, o->dict, "killed", o->killed);
        value_append(instances, o->dict);
    }
    value_append(s->root, instances);
    return 0;
}

static int run(struct simulation *s, const char *file) {
    AUTO_FD int opened = -EBADF;
    int fd = STDIN_FILENO;
    if (strcmp(file, "-") != 0) {
        fd = opened = open(file, O_RDONLY | O_CLOEXEC);
        if (fd < 0)
            return failure_set(&s->ctl->failure, SK_EXIT_FAILURE, "cannot read the trace %s: %s", file,
                               strerror(errno));
    }
    s->trace = trace_reader_new();
    s->root = value_new(&s->arena, VALUE_DICT, NULL);
    s->verdicts = value_new(&s->arena, VALUE_LIST, "verdicts");
    if (!s->trace || !s->root || !s->verdicts)
        return fail_memory(s);
    if (load_policy(s) < 0 || feed(s, fd) < 0)
        return -1;
    return finish(s);
}

int verb_simulate(struct ctl *c, int n, char **args) {
    struct simulation s = {.ctl = c};
    struct text_buf b = {0};
    (void)n;
    int code;
    if (run(&s, args[0]) < 0) {
        code = ctl_fail(c);
    } else if (c->options.json) {
        code = ctl_print_json(c, s.root);
    } else {
        render_simulation(&c->look, s.root, &b);
        code = ctl_print(c, &b);
    }
    simulation_free(&s);
    return code;
}
