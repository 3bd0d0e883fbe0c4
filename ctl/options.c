/* SPDX-License-Identifier: Apache-2.0 */
/* Parsing is getopt_long's; suggestions and help are made of the same table. */
#include "ctl/options.h"

#include "base/clock.h"
#include "base/parse.h"
#include "streamkeeper/exit.h"

#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <string.h>

#define TIMEOUT_DEFAULT (5 * USEC_PER_MIN)

/* `letter` is also how verbs name it; those of global options are upper case or 'h'. */
static const struct option_help {
    const char *name;
    char letter;
    const char *short_form; /* NULL: only the long one */
    const char *arg;        /* NULL: none */
    const char *text;
} table[] = {
    {"json", 'J', NULL, NULL, "print JSON, with the stable field names of streamctl(1)"},
    {"root", 'R', NULL, "DIR", "talk to the service whose files are below DIR"},
    {"color", 'C', NULL, "WHEN", "auto (default), always, never"},
    {"help", 'h', "h", NULL, "show help"},
    {"follow", 'f', "f", NULL, "go on as more comes"},
    {"lines", 'n', "n", "N", "so many at most, the newest"},
    {"no-start", 's', NULL, NULL, "do not start it"},
    {"purge", 'p', NULL, NULL, "remove its state directories too"},
    {"yes", 'y', "y", NULL, "do not ask"},
    {"no-wait", 'w', NULL, NULL, "return when the request is accepted, do not wait until it is reached"},
    {"policy", 'o', NULL, "FILE", "settings of the governor, in the form of governor.conf"},
    {"all", 'a', NULL, NULL, "the small steps too, not only what would be an event"},
    {"timeout", 't', NULL, "TIME", "wait at most so long (default 5m)"},
};

static bool is_global(char letter) {
    return letter == 'h' || (letter >= 'A' && letter <= 'Z');
}

static int unknown_option(struct ctl *c, const char *given) {
    const char *best = NULL;
    size_t least = 3;
    const char *bare = given + strspn(given, "-");
    for (size_t i = 0; i < ARRAY_LEN(table) && strncmp(given, "--", 2) == 0; i++) {
        size_t d = text_distance(bare, table[i].name);
        if (d < least) {
            least = d;
            best = table[i].name;
        }
    }
    if (best)
        return failure_set(&c->failure, SK_EXIT_USAGE, "there is no option \"%s\"; did you mean --%s?", given,
                           best);
    return failure_set(&c->failure, SK_EXIT_USAGE, "there is no option \"%s\"; see streamctl --help", given);
}

static int set_option(struct ctl *c, char letter, const char *arg) {
    struct ctl_options *o = &c->options;
    switch (letter) {
    case 'J':
        o->json = true;
        break;
    case 'R':
        o->root = arg;
        break;
    case 'C':
        if (strcmp(arg, "auto") != 0 && strcmp(arg, "always") != 0 && strcmp(arg, "never") != 0)
            return failure_set(&c->failure, SK_EXIT_USAGE, "--color is auto, always or never, not \"%s\"",
                               arg);
        o->colour = arg;
        break;
    case 'h':
        o->help = true;
        break;
    case 'f':
        o->follow = true;
        break;
    case 'n':
        if (parse_u32(arg, &o->lines) < 0 || o->lines == 0)
            return failure_set(&c->failure, SK_EXIT_USAGE, "--lines needs a number from 1, not \"%s\"", arg);
        break;
    case 's':
        o->no_start = true;
        break;
    case 'p':
        o->purge = true;
        break;
    case 'y':
        o->yes = true;
        break;
    case 'o':
        o->policy = arg;
        break;
    case 'a':
        o->all = true;
        break;
    case 'w':
        o->no_wait = true;
        break;
    default:
        if (parse_duration(arg, &o->timeout_usec) < 0)
            return failure_set(&c->failure, SK_EXIT_USAGE,
                               "--timeout needs a time like 30s or 5m, not \"%s\"", arg);
    }
    return 0;
}

/* After getopt's '?': an unknown long option leaves optopt 0, a known one that takes no value its letter. */
static int wrong_option(struct ctl *c, const char *last) {
    const char short_form[] = {'-', (char)optopt, '\0'};
    for (size_t i = 0; i < ARRAY_LEN(table); i++)
        if (table[i].letter == optopt)
            return failure_set(&c->failure, SK_EXIT_USAGE, "--%s takes no value", table[i].name);
    return unknown_option(c, optopt ? short_form : last);
}

/* getopt's own tables, from ours. */
static void make_tables(struct option longs[], char shorts[]) {
    *shorts++ = ':';
    for (size_t i = 0; i < ARRAY_LEN(table); i++) {
        longs[i] = (struct option){.name = table[i].name,
                                   .has_arg = table[i].arg ? required_argument : no_argument,
                                   .val = table[i].letter};
        if (table[i].short_form) {
            *shorts++ = table[i].letter;
            if (table[i].arg)
                *shorts++ = ':';
        }
    }
    *shorts = '\0';
    longs[ARRAY_LEN(table)] = (struct option){0};
}

static int read_options(struct ctl *c, int argc, char **argv, char given[]) {
    struct option longs[ARRAY_LEN(table) + 1];
    char shorts[3 * ARRAY_LEN(table) + 2];
    size_t n = 0;
    make_tables(longs, shorts);
    opterr = 0;
    optind = 0;
    for (;;) {
        int letter = getopt_long(argc, argv, shorts, longs, NULL);
        if (letter == -1)
            return 0;
        if (letter == ':')
            return failure_set(&c->failure, SK_EXIT_USAGE, "%s needs a value", argv[optind - 1]);
        if (letter == '?')
            return wrong_option(c, argv[optind - 1]);
        if (set_option(c, (char)letter, optarg) < 0)
            return -1;
        if (n < ARRAY_LEN(table) && !strchr(given, letter))
            given[n++] = (char)letter;
    }
}

static int check_given(struct ctl *c, const struct verb *verb, const char *given) {
    for (; *given; given++)
        if (!is_global(*given) && !strchr(verb->options, *given))
            for (size_t i = 0; i < ARRAY_LEN(table); i++)
                if (table[i].letter == *given)
                    return failure_set(&c->failure, SK_EXIT_USAGE, "`streamctl %s` has no option --%s",
                                       verb->name, table[i].name);
    return 0;
}

static int find_verb(struct ctl *c, const char *name, const struct verb **ret) {
    *ret = verb_find(name);
    if (*ret)
        return 0;
    const char *near = verb_nearest(name);
    if (near)
        return failure_set(&c->failure, SK_EXIT_USAGE, "there is no verb \"%s\"; did you mean %s?", name,
                           near);
    return failure_set(&c->failure, SK_EXIT_USAGE, "there is no verb \"%s\"; see streamctl --help", name);
}

int options_parse(struct ctl *c, int argc, char **argv, const struct verb **ret_verb, int *ret_n,
                  char ***ret_args) {
    char given[ARRAY_LEN(table) + 1] = "";
    c->options.colour = "auto";
    c->options.timeout_usec = TIMEOUT_DEFAULT;
    if (read_options(c, argc, argv, given) < 0)
        return -1;
    look_init(&c->look, 1, c->options.colour);
    int r = paths_init(&c->paths, c->options.root);
    if (r < 0)
        return failure_set(&c->failure, SK_EXIT_USAGE, "--root %s: %s", c->options.root, strerror(-r));
    int n = argc - optind;
    char **args = argv + optind;
    if (n == 0 && !c->options.help)
        return failure_set(&c->failure, SK_EXIT_USAGE, "a verb is missing; see streamctl --help");
    const struct verb *verb = NULL;
    if (n > 0 && find_verb(c, args[0], &verb) < 0)
        return -1;
    if (c->options.help) {
        *ret_verb = verb_find("help");
        *ret_n = verb ? 1 : 0;
        *ret_args = args;
        return 0;
    }
    if (check_given(c, verb, given) < 0)
        return -1;
    n--;
    if (n < verb->min_args || (verb->max_args >= 0 && n > verb->max_args))
        return failure_set(&c->failure, SK_EXIT_USAGE, "usage: streamctl %s %s", verb->name, verb->args);
    *ret_verb = verb;
    *ret_n = n;
    *ret_args = args + 1;
    return 0;
}

static void help_option(const struct option_help *o, struct text_buf *b) {
    char left[32];
    snprintf(left, sizeof(left), "%s%s%s--%s%s%s", o->short_form ? "-" : "    ",
             o->short_form ? o->short_form : "", o->short_form ? ", " : "", o->name, o->arg ? " " : "",
             o->arg ? o->arg : "");
    text_buf_addf(b, "  %-18s  %s\n", left, o->text);
}

static void help_verb(const struct look *look, const struct verb *verb, struct text_buf *b) {
    text_buf_addf(b, "streamctl %s%s%s - %s\n", verb->name, *verb->args ? " " : "", verb->args,
                  verb->summary);
    if (*verb->more)
        text_buf_addf(b, "\n%s\n", verb->more);
    if (*verb->options) {
        text_buf_add(b, "\n");
        look_add(look, b, STYLE_STRONG, "Options:");
        text_buf_add(b, "\n");
    }
    for (size_t i = 0; i < ARRAY_LEN(table); i++)
        if (!is_global(table[i].letter) && strchr(verb->options, table[i].letter))
            help_option(&table[i], b);
}

void options_help(const struct look *look, const struct verb *verb, struct text_buf *b) {
    if (verb) {
        help_verb(look, verb, b);
        return;
    }
    text_buf_add(b, "streamctl [OPTION…] VERB [ARGUMENT…] - steer the stream apps of this host\n\n");
    look_add(look, b, STYLE_STRONG, "Verbs:");
    text_buf_add(b, "\n");
    for (const struct verb *v = verbs; v->name; v++) {
        if (v->name[0] == '_')
            continue;
        char left[64];
        snprintf(left, sizeof(left), "%s %s", v->name, v->args);
        size_t used = text_columns(left, strlen(left));
        text_buf_addf(b, "  %s%*s%s\n", left, (int)(used < 18 ? 20 - used : 2), "", v->summary);
    }
    text_buf_add(b, "\n");
    look_add(look, b, STYLE_STRONG, "Options:");
    text_buf_add(b, "\n");
    for (size_t i = 0; i < ARRAY_LEN(table); i++)
        if (is_global(table[i].letter))
            help_option(&table[i], b);
    text_buf_add(b, "\n");
    look_add(look, b, STYLE_STRONG, "Options of some verbs:");
    text_buf_add(b, "\n");
    for (size_t i = 0; i < ARRAY_LEN(table); i++)
        if (!is_global(table[i].letter))
            help_option(&table[i], b);
    text_buf_add(b, "\nAPP is tenant/app, APP/N one of its instances. `streamctl help VERB` shows which "
                    "options it has;\n"
                    "streamctl(1) has the exit codes and the fields of --json.\n");
}
