/* SPDX-License-Identifier: Apache-2.0 */
/* The keys of a class file, one row each, and the value types that only classes have. */
#include "conf/class_table.h"

#include "base/parse.h"
#include "conf/class.h"
#include "conf/types.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

#define MIB (1024ULL * 1024)
#define PIB (1024ULL * 1024 * 1024 * 1024 * 1024)

/* Indexed by the kernel's policy number. */
static const char *const sched_words[] = {"other", "", "", "batch", "", "idle", NULL};

/* Microseconds in 32 bits; 0 is "leave". */
static int parse_slice(const struct conf_row *row, const char *text, void *object,
                       struct reason *why ATTR_UNUSED) {
    struct class_conf *c = object;
    uint64_t usec;
    if (parse_duration(text, &usec) < 0 || usec < row->min || usec > row->max)
        return -EINVAL;
    c->sched_slice_usec = (uint32_t)usec;
    return 0;
}

static void print_slice(const struct conf_row *row ATTR_UNUSED, const void *object, struct text_buf *b) {
    const struct class_conf *c = object;
    char buf[64];
    if (c->sched_slice_usec > 0)
        text_buf_add(b, text_duration(c->sched_slice_usec, buf, sizeof(buf)));
}

static const struct conf_type type_slice = {
    .parse = parse_slice, .print = print_slice, .size = sizeof(uint32_t)};

/* "8G", "90%" or "infinity" */
static int parse_memory_max(const struct conf_row *row, const char *text, void *object, struct reason *why) {
    struct class_conf *c = object;
    size_t n = strlen(text);
    char digits[8];
    uint32_t percent;
    if (text[n - 1] != '%')
        return conf_type_limit.parse(row, text, object, why);
    if (n > sizeof(digits))
        return -EINVAL;
    memcpy(digits, text, n - 1);
    digits[n - 1] = '\0';
    if (parse_u32(digits, &percent) < 0 || percent < 1 || percent > 100)
        return -EINVAL;
    c->memory_max_percent = percent;
    c->memory_max_bytes = CLASS_UNLIMITED;
    return 0;
}

static void print_memory_max(const struct conf_row *row, const void *object, struct text_buf *b) {
    const struct class_conf *c = object;
    if (c->memory_max_percent > 0)
        text_buf_addf(b, "%" PRIu32 "%%", c->memory_max_percent);
    else
        conf_type_limit.print(row, object, b);
}

static const struct conf_type type_memory_max = {
    .parse = parse_memory_max, .print = print_memory_max, .size = sizeof(uint64_t)};

enum { IOPRIO_LEAVE = 0, IOPRIO_BEST_EFFORT = 2, IOPRIO_IDLE = 3 };

/* "none", "best-effort:0" to "best-effort:7", or "idle" */
static int parse_io_priority(const struct conf_row *row ATTR_UNUSED, const char *text, void *object,
                             struct reason *why ATTR_UNUSED) {
    static const char best_effort[] = "best-effort:";
    struct class_conf *c = object;
    uint32_t level = 0;
    if (strcmp(text, "none") == 0)
        c->ioprio_class = IOPRIO_LEAVE;
    else if (strcmp(text, "idle") == 0)
        c->ioprio_class = IOPRIO_IDLE;
    else if (strncmp(text, best_effort, strlen(best_effort)) == 0 &&
             parse_u32(text + strlen(best_effort), &level) == 0 && level <= 7)
        c->ioprio_class = IOPRIO_BEST_EFFORT;
    else
        return -EINVAL;
    c->ioprio_level = level;
    return 0;
}

static void print_io_priority(const struct conf_row *row ATTR_UNUSED, const void *object,
                              struct text_buf *b) {
    const struct class_conf *c = object;
    if (c->ioprio_class == IOPRIO_BEST_EFFORT)
        text_buf_addf(b, "best-effort:%" PRIu32, c->ioprio_level);
    else
        text_buf_add(b, c->ioprio_class == IOPRIO_IDLE ? "idle" : "none");
}

static const struct conf_type type_io_priority = {
    .parse = parse_io_priority, .print = print_io_priority, .size = sizeof(uint32_t)};

#define AT(member) offsetof(struct class_conf, member)
#define SIGNED(n)  ((uint64_t)(int64_t)(n))

/* clang-format off */
static const struct conf_row rows[] = {
    {"class", "rank", &conf_type_u32, AT(rank), .max = 1000, .flags = CONF_REQUIRED,
     .right = "a number from 0 to 1000, no other class's; the higher starts first"},

    {"cpu", "weight", &conf_type_u32, AT(cpu_weight), "100", .min = 1, .max = 10000,
     .right = "a number from 1 to 10000"},
    {"cpu", "idle", &conf_type_bool, AT(cpu_idle), "no", .right = "yes or no"},
    {"cpu", "nice", &conf_type_i32, AT(nice), "0", .min = SIGNED(-20), .max = 19, .right = "a number from -20 to 19"},
    {"cpu", "policy", &conf_type_word, AT(sched), "other", .words = sched_words, .right = "other, batch or idle"},
    {"cpu", "slice", &type_slice, AT(sched_slice_usec), .min = 100, .max = 100000,
     .right = "a duration from 100us to 100ms"},

    {"memory", "guarantee", &conf_type_bool, AT(memory_guarantee), "no", .right = "yes or no"},
    {"memory", "protect", &conf_type_bool, AT(memory_protect), "no", .right = "yes or no"},
    {"memory", "class-max", &type_memory_max, AT(memory_max_bytes), "infinity", .min = MIB, .max = PIB,
     .right = "a size such as 8G, a share of the host's memory such as 90%, or infinity"},
    {"memory", "swap-max", &conf_type_limit, AT(swap_max_bytes), "infinity", .max = PIB,
     .right = "a size such as 2G or 0, or infinity"},
    {"memory", "oom-group", &conf_type_bool, AT(oom_group), "yes", .right = "yes or no"},
    {"memory", "oom-score-adj", &conf_type_i32, AT(oom_score_adj), "0", .min = SIGNED(-1000), .max = 1000,
     .right = "a number from -1000 to 1000"},

    {"io", "weight", &conf_type_u32, AT(io_weight), "100", .min = 1, .max = 10000, .right = "a number from 1 to 10000"},
    {"io", "bfq-weight", &conf_type_u32, AT(io_bfq_weight), "100", .min = 1, .max = 1000,
     .right = "a number from 1 to 1000"},
    {"io", "priority", &type_io_priority, AT(ioprio_class), "none",
     .right = "none, best-effort:0 (first) to best-effort:7 (last), or idle"},

    {"tasks", "class-max", &conf_type_count, AT(tasks_max_class), "infinity", .min = 1, .max = 4194304,
     .right = "a number of threads and processes from 1 to 4194304, or infinity"},
    {"tasks", "instance-max", &conf_type_count, AT(tasks_max), "4096", .min = 1, .max = 4194304,
     .right = "a number of threads and processes from 1 to 4194304, or infinity"},
};
/* clang-format on */

const struct conf_table class_key_table = {
    .rows = rows, .n = ARRAY_LEN(rows), .size = sizeof(struct class_conf)};
