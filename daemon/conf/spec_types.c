/* SPDX-License-Identifier: Apache-2.0 */
/* Values that only a spec has. */
#include "conf/spec_table.h"

#include "base/parse.h"
#include "conf/fault.h"
#include "conf/spec.h"
#include "conf/specifier.h"
#include "conf/types.h"
#include "streamkeeper/names.h"

#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <string.h>

static int parse_name(const struct conf_row *row ATTR_UNUSED, const char *text, void *object,
                      struct reason *why ATTR_UNUSED) {
    struct spec *s = object;
    const char *slash = strchr(text, '/');
    if (!slash || slash - text > NAME_LEN_MAX || !text_is_name(slash + 1))
        return -EINVAL;
    char tenant[NAME_LEN_MAX + 1] = "";
    memcpy(tenant, text, (size_t)(slash - text));
    if (!text_is_name(tenant))
        return -EINVAL;
    memcpy(s->tenant, tenant, sizeof(tenant));
    memcpy(s->app, slash + 1, strlen(slash + 1) + 1);
    return 0;
}

static void print_name(const struct conf_row *row ATTR_UNUSED, const void *object, struct text_buf *b) {
    const struct spec *s = object;
    text_buf_addf(b, "%s/%s", s->tenant, s->app);
}

static bool equal_name(const struct conf_row *row ATTR_UNUSED, const void *a, const void *b) {
    const struct spec *x = a, *y = b;
    return strcmp(x->tenant, y->tenant) == 0 && strcmp(x->app, y->app) == 0;
}

const struct conf_type spec_type_name = {.parse = parse_name, .print = print_name, .equal = equal_name};

/* Length of a valid variable name in front of '=', or 0. */
static size_t variable_len(const char *word) {
    size_t n = 0;
    for (; word[n] && word[n] != '='; n++) {
        bool letter =
            (word[n] >= 'a' && word[n] <= 'z') || (word[n] >= 'A' && word[n] <= 'Z') || word[n] == '_';
        if (!letter && (n == 0 || word[n] < '0' || word[n] > '9'))
            return 0;
    }
    return word[n] == '=' ? n : 0;
}

static bool is_own_variable(const char *word, size_t len) {
    static const char *const own[] = {SK_ENV_APP,      SK_ENV_INSTANCE,  SK_ENV_CLASS,
                                      SK_ENV_START_ID, SK_ENV_STATE_DIR, "NOTIFY_SOCKET"};
    for (size_t i = 0; i < ARRAY_LEN(own); i++)
        if (strlen(own[i]) == len && memcmp(own[i], word, len) == 0)
            return true;
    return false;
}

static int check_variable(char *const *list, const char *word, struct reason *why) {
    char shown[CONF_SHOWN_SIZE];
    size_t len = variable_len(word);
    if (len == 0)
        return reason_set(
            why, -EINVAL,
            "\"%s\" is not NAME=value; a value with blanks goes in quotes: \"NAME=first second\"",
            conf_shown(word, shown));
    if (is_own_variable(word, len))
        return reason_set(why, -EINVAL, "%.*s is set for every instance and cannot be given; remove it",
                          (int)len, word);
    for (char *const *p = list; p && *p; p++)
        if (strncmp(*p, word, len + 1) == 0) {
            char name[CONF_SHOWN_SIZE];
            AUTO_FREE char *copy = strndup(word, len);
            if (!copy)
                return -ENOMEM;
            return reason_set(why, -EINVAL, "%s is given twice; keep one", conf_shown(copy, name));
        }
    return specifier_check(word + len + 1, why);
}

static int parse_environment(const struct conf_row *row, const char *text, void *object, struct reason *why) {
    struct spec *s = object;
    CLEANUP(cleanup_text_list) char **words = NULL;
    int r = conf_split_words(text, row->max, &words, why);
    if (r < 0)
        return r;
    size_t n = text_list_len(s->environment);
    for (char **p = words; *p; p++, n++) {
        if (n >= row->max)
            return reason_set(why, -EINVAL, "more than %u variables, which is the most", (unsigned)row->max);
        r = check_variable(s->environment, *p, why);
        if (r < 0)
            return r;
        r = text_list_add(&s->environment, *p);
        if (r < 0)
            return r;
    }
    return 0;
}

static void print_environment(const struct conf_row *row ATTR_UNUSED, const void *object,
                              struct text_buf *b) {
    const struct spec *s = object;
    for (char **p = s->environment; p && *p; p++) {
        if (p != s->environment)
            text_buf_add(b, "\n");
        text_add_quoted(b, *p);
    }
}

const struct conf_type spec_type_environment = {.parse = parse_environment,
                                                .print = print_environment,
                                                .equal = conf_list_equal,
                                                .copy = conf_list_copy,
                                                .release = conf_list_release,
                                                .size = sizeof(char **)};

/* "10 in 10m" */
static int parse_budget(const struct conf_row *row, const char *text, void *object, struct reason *why) {
    struct spec *s = object;
    CLEANUP(cleanup_text_list) char **words = NULL;
    int r = conf_split_words(text, 8, &words, why);
    if (r == -ENOMEM)
        return r;
    uint32_t starts;
    uint64_t usec;
    if (r < 0 || text_list_len(words) != 3 || strcmp(words[1], "in") != 0 ||
        parse_u32(words[0], &starts) < 0 || parse_duration(words[2], &usec) < 0 || starts < 1 ||
        starts > row->max || usec < 1000000 || usec > 7 * 86400000000ULL) {
        char shown[CONF_SHOWN_SIZE];
        return reason_set(why, -EINVAL, "\"%s\" is not valid; right would be %s", conf_shown(text, shown),
                          row->right);
    }
    s->budget_starts = starts;
    s->budget_usec = usec;
    return 0;
}

static void print_budget(const struct conf_row *row ATTR_UNUSED, const void *object, struct text_buf *b) {
    const struct spec *s = object;
    char buf[64];
    text_buf_addf(b, "%" PRIu32 " in %s", s->budget_starts, text_duration(s->budget_usec, buf, sizeof(buf)));
}

static bool equal_budget(const struct conf_row *row ATTR_UNUSED, const void *a, const void *b) {
    const struct spec *x = a, *y = b;
    return x->budget_starts == y->budget_starts && x->budget_usec == y->budget_usec;
}

const struct conf_type spec_type_budget = {
    .parse = parse_budget, .print = print_budget, .equal = equal_budget};

/* "7" or "64-78" */
static int parse_code_range(char *word, uint32_t *ret_first, uint32_t *ret_last) {
    char *dash = strchr(word, '-');
    uint32_t first, last;
    if (dash)
        *dash = '\0';
    int r = parse_u32(word, &first);
    int q = parse_u32(dash ? dash + 1 : word, &last);
    if (dash)
        *dash = '-';
    if (r < 0 || q < 0 || first > last || last > 255)
        return -EINVAL;
    *ret_first = first;
    *ret_last = last;
    return 0;
}

static int parse_codes(const struct conf_row *row, const char *text, void *object, struct reason *why) {
    CLEANUP(cleanup_text_list) char **words = NULL;
    int r = conf_split_words(text, 256, &words, why);
    if (r < 0)
        return r;
    struct spec_codes codes = {0};
    for (char **p = words; *p; p++) {
        uint32_t first, last;
        r = parse_code_range(*p, &first, &last);
        char shown[CONF_SHOWN_SIZE];
        if (r < 0)
            return reason_set(why, -EINVAL, "\"%s\" is not valid; right would be %s", conf_shown(*p, shown),
                              row->right);
        for (uint32_t i = first; i <= last; i++)
            codes.bits[i / 64] |= 1ULL << (i % 64);
    }
    memcpy((char *)object + row->offset, &codes, sizeof(codes));
    return 0;
}

static void print_codes(const struct conf_row *row, const void *object, struct text_buf *b) {
    struct spec_codes codes;
    memcpy(&codes, (const char *)object + row->offset, sizeof(codes));
    for (unsigned i = 0, last; i < 256; i = last + 1) {
        last = i;
        if (!spec_codes_has(&codes, i))
            continue;
        while (spec_codes_has(&codes, last + 1))
            last++;
        text_buf_addf(b, "%s%u", b->len ? " " : "", i);
        if (last > i)
            text_buf_addf(b, "-%u", last);
    }
}

const struct conf_type spec_type_codes = {
    .parse = parse_codes, .print = print_codes, .size = sizeof(struct spec_codes)};

/* Signals that no program ends from (or that it never sees) would only delay every stop until the timeout. */
static int parse_stop_signal(const struct conf_row *row, const char *text, void *object, struct reason *why) {
    static const int useless[] = {SIGSTOP, SIGTSTP, SIGTTIN, SIGTTOU, SIGCONT, SIGCHLD, SIGURG, SIGWINCH};
    int signo;
    if (parse_signal(text, &signo) < 0)
        return -EINVAL;
    for (size_t i = 0; i < ARRAY_LEN(useless); i++)
        if (signo == useless[i])
            return -EINVAL;
    return conf_type_signal.parse(row, text, object, why);
}

static void print_stop_signal(const struct conf_row *row, const void *object, struct text_buf *b) {
    conf_type_signal.print(row, object, b);
}

const struct conf_type spec_type_stop_signal = {
    .parse = parse_stop_signal, .print = print_stop_signal, .size = sizeof(int)};

static int parse_probe_port(const char *text, uint16_t *ret, struct reason *why) {
    uint32_t port;
    char shown[CONF_SHOWN_SIZE];
    if (parse_u32(text, &port) < 0 || port < 1 || port > 65535)
        return reason_set(why, -EINVAL,
                          "\"%s\" is no port; right would be tcp:PORT with a port from 1 to 65535",
                          conf_shown(text, shown));
    *ret = (uint16_t)port;
    return 0;
}

static int parse_probe(const struct conf_row *row, const char *text, void *object, struct reason *why) {
    static const char tcp[] = "tcp:", exec[] = "exec:";
    struct spec *s = object;
    if (strncmp(text, tcp, strlen(tcp)) == 0) {
        int r = parse_probe_port(text + strlen(tcp), &s->ready_port, why);
        if (r < 0)
            return r;
        s->ready = SPEC_READY_TCP;
        return 0;
    }
    if (strcmp(text, exec) == 0)
        return reason_set(why, -EINVAL, "the command is missing; right would be exec:COMMAND");
    if (strncmp(text, exec, strlen(exec)) == 0) {
        int r = conf_parse_command(text + strlen(exec), row->max, true, &s->ready_command, why);
        if (r < 0)
            return r;
        s->ready = SPEC_READY_EXEC;
        return 0;
    }
    if (strcmp(text, spec_ready_words[SPEC_READY_NONE]) == 0)
        s->ready = SPEC_READY_NONE;
    else if (strcmp(text, spec_ready_words[SPEC_READY_NOTIFY]) == 0)
        s->ready = SPEC_READY_NOTIFY;
    else
        return -EINVAL;
    return 0;
}

static void print_probe(const struct conf_row *row ATTR_UNUSED, const void *object, struct text_buf *b) {
    const struct spec *s = object;
    text_buf_add(b, spec_ready_words[s->ready]);
    if (s->ready == SPEC_READY_TCP)
        text_buf_addf(b, ":%u", s->ready_port);
    if (s->ready == SPEC_READY_EXEC) {
        text_buf_add(b, ":");
        conf_print_words(b, s->ready_command);
    }
}

static bool equal_probe(const struct conf_row *row ATTR_UNUSED, const void *a, const void *b) {
    const struct spec *x = a, *y = b;
    return x->ready == y->ready && x->ready_port == y->ready_port &&
           text_list_equal(x->ready_command, y->ready_command);
}

const struct conf_type spec_type_probe = {.parse = parse_probe,
                                          .print = print_probe,
                                          .equal = equal_probe,
                                          .copy = conf_list_copy,
                                          .release = conf_list_release,
                                          .size = sizeof(char **)};
