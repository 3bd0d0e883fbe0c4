/* SPDX-License-Identifier: Apache-2.0 */
/* Keys and defaults of governor.conf. */
#include "conf/governor.h"

#include "base/clock.h"
#include "base/fd.h"
#include "base/parse.h"
#include "conf/fault.h"
#include "conf/ini.h"
#include "conf/table.h"
#include "conf/types.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <string.h>

#define PERCENT         10000 /* parts per million */
#define HOUR            (60 * USEC_PER_MIN)
#define MSEC            USEC_PER_MSEC
#define PPM_PER_PERMILL 10 /* of the thousandths of a percent that parse_milli gives */

static const char *const mode_words[] = {
    [GOVERNOR_ON] = "on", [GOVERNOR_DRY_RUN] = "dry-run", [GOVERNOR_OFF] = "off", [GOVERNOR_MODES] = NULL};
static const char *const profile_words[] = {[GOVERNOR_WORK_CONSERVING] = "work-conserving",
                                            [GOVERNOR_LATENCY] = "latency",
                                            [GOVERNOR_PROFILES] = NULL};

/* "15%", "0.5%" as parts per million. */
static int parse_share(const struct conf_row *row, const char *text, void *object,
                       struct reason *why ATTR_UNUSED) {
    char digits[16];
    uint32_t milli;
    size_t n = strlen(text);
    if (text[n - 1] != '%' || n > sizeof(digits))
        return -EINVAL;
    memcpy(digits, text, n - 1);
    digits[n - 1] = '\0';
    if (parse_milli(digits, &milli) < 0 || milli > row->max / PPM_PER_PERMILL ||
        milli < row->min / PPM_PER_PERMILL)
        return -EINVAL;
    milli *= PPM_PER_PERMILL;
    memcpy((char *)object + row->offset, &milli, sizeof(milli));
    return 0;
}

static void print_share(const struct conf_row *row, const void *object, struct text_buf *b) {
    uint32_t ppm;
    memcpy(&ppm, (const char *)object + row->offset, sizeof(ppm));
    text_buf_addf(b, "%" PRIu32, ppm / PERCENT);
    ppm %= PERCENT;
    if (ppm > 0) {
        char fraction[8];
        (void)text_format(fraction, sizeof(fraction), ".%04" PRIu32, ppm);
        size_t n = strlen(fraction);
        while (fraction[n - 1] == '0')
            fraction[--n] = '\0';
        text_buf_add(b, fraction);
    }
    text_buf_add(b, "%");
}

static const struct conf_type type_share = {
    .parse = parse_share, .print = print_share, .size = sizeof(uint32_t)};

#define AT(member) offsetof(struct governor_conf, member)

/* Kinds of rows; the right value is said where the limits are. */
#define SHARE_TO(section, key, member, text, most)                                        \
    {                                                                                     \
        section, key, &type_share, AT(member), text, "a share from 0.001% to " #most "%", \
            .min = PPM_PER_PERMILL, .max = (most) * (uint64_t)PERCENT                     \
    }
#define SHARE(section, key, member, text) SHARE_TO(section, key, member, text, 100)
#define TIME(section, key, member, text)                                                    \
    {                                                                                       \
        section, key, &conf_type_duration, AT(member), text, "a duration from 100ms to 1h", \
            .min = 100 * MSEC, .max = HOUR                                                  \
    }
#define NUMBER(section, key, member, text, least, most)                                                     \
    {                                                                                                       \
        section, key, &conf_type_u32, AT(member), text, "a number from " #least " to " #most, .min = least, \
                                                                                              .max = most   \
    }

/* clang-format off */
static const struct conf_row rows[] = {
    {"governor", "mode", &conf_type_word, AT(mode), "on", .words = mode_words, .right = "on, dry-run or off"},
    {"governor", "profile", &conf_type_word, AT(profile), "work-conserving", .words = profile_words,
     .right = "work-conserving or latency"},
    {"governor", "protect", &conf_type_name, AT(protect), .right = "the name of a class"},
    {"governor", "interval", &conf_type_duration, AT(interval_usec), "500ms", .min = 250 * MSEC, .max = 2 * USEC_PER_SEC,
     .right = "a duration from 250ms to 2s"},
    {"governor", "leaf-interval", &conf_type_duration, AT(leaf_interval_usec), "5s", .min = 250 * MSEC,
     .max = USEC_PER_MIN, .right = "a duration from 250ms to 1m"},

    SHARE("hot", "cpu-1s", hot_1s[GOVERNOR_CPU], "15%"),
    SHARE("hot", "cpu-10s", hot_10s[GOVERNOR_CPU], "8%"),
    SHARE("hot", "io-1s", hot_1s[GOVERNOR_IO], "40%"),
    SHARE("hot", "io-10s", hot_10s[GOVERNOR_IO], "25%"),
    SHARE("hot", "memory-1s", hot_1s[GOVERNOR_MEMORY], "5%"),
    SHARE("hot", "memory-10s", hot_10s[GOVERNOR_MEMORY], "2%"),
    NUMBER("hot", "samples", hot_samples, "2", 1, 20),

    SHARE("cool", "cpu", cool[GOVERNOR_CPU], "5%"),
    SHARE("cool", "io", cool[GOVERNOR_IO], "20%"),
    SHARE("cool", "memory", cool[GOVERNOR_MEMORY], "1%"),
    TIME("cool", "for", cool_usec, "5s"),
    TIME("cool", "for-max", cool_max_usec, "15s"),
    TIME("cool", "relapse", relapse_usec, "1m"),

    TIME("baseline", "time", baseline_usec, "5m"),
    SHARE("baseline", "max", baseline_max, "50%"),

    SHARE("lag", "hot", lag_hot, "5%"),
    SHARE("lag", "cool", lag_cool, "20%"),
    NUMBER("lag", "reports", lag_reports, "2", 1, 20),
    TIME("lag", "stale", lag_stale_usec, "30s"),

    SHARE("blame", "share", blame_share, "3%"),
    {"blame", "io-rate", &conf_type_size, AT(blame_io_bytes), "64K", .max = 1ULL << 40,
     .right = "bytes a second, such as 64K, up to 1T"},
    SHARE("blame", "memory-growth", blame_memory, "0.5%"),

    TIME("squeeze", "step", squeeze_step_usec, "1s"),
    SHARE_TO("squeeze", "cut", squeeze_cut, "50%", 95),
    SHARE("squeeze", "ease-cpu", squeeze_ease[GOVERNOR_CPU], "10%"),
    SHARE("squeeze", "ease-io", squeeze_ease[GOVERNOR_IO], "5%"),
    SHARE("squeeze", "floor-cpu", squeeze_floor[GOVERNOR_CPU], "5%"),
    SHARE("squeeze", "floor-io", squeeze_floor[GOVERNOR_IO], "2%"),
    SHARE("squeeze", "floor-middle", squeeze_floor_middle, "20%"),
    TIME("squeeze", "middle-after", squeeze_middle_usec, "5s"),
    TIME("squeeze", "open-after", squeeze_open_usec, "3s"),
    SHARE("squeeze", "deadband", squeeze_deadband, "1%"),

    TIME("freeze", "after", freeze_after_usec, "3s"),
    TIME("freeze", "step", freeze_step_usec, "1s"),
    TIME("freeze", "hold", freeze_hold_usec, "10s"),
    TIME("freeze", "hold-max", freeze_hold_max_usec, "1m"),
    TIME("freeze", "hold-max-member", freeze_hold_max_member_usec, "20s"),

    TIME("evict", "frozen", evict_frozen_usec, "1m"),
    TIME("evict", "window", evict_window_usec, "5m"),
    TIME("evict", "stop-timeout", evict_stop_usec, "10s"),
    TIME("evict", "pause", evict_pause_usec, "20s"),

    SHARE_TO("memory", "free", memory_free, "5%", 50),
    SHARE_TO("memory", "give-back", memory_give_back, "5%", 50),
    SHARE("memory", "reclaim-max", memory_reclaim_max, "5%"),
    SHARE("memory", "high-floor", squeeze_floor[GOVERNOR_MEMORY], "10%"),
    SHARE("memory", "high-ease", squeeze_ease[GOVERNOR_MEMORY], "2%"),

    TIME("kill", "interval", kill_interval_usec, "4s"),
    SHARE("kill", "stuck-pressure", kill_stuck_pressure, "40%"),
    TIME("kill", "stuck-for", kill_stuck_usec, "10s"),
    TIME("kill", "stuck-freeze", kill_stuck_freeze_usec, "5s"),
    NUMBER("kill", "low-events", kill_low_events, "10", 1, 1000000),
    NUMBER("kill", "refaults", kill_refaults, "200", 1, 1000000),
    NUMBER("kill", "refault-factor", kill_refault_factor, "10", 1, 1000),
    TIME("kill", "refault-for", kill_refault_usec, "2s"),
    SHARE("kill", "memory-full", kill_full, "5%"),
    SHARE("kill", "shrunk", kill_shrunk, "5%"),
    SHARE_TO("kill", "available", kill_available, "2%", 50),
    SHARE("kill", "swap-free", kill_swap, "10%"),
    SHARE("kill", "least", kill_least, "1%"),

    SHARE("inversion", "pressure", inversion_pressure, "90%"),
    SHARE("inversion", "cpu", inversion_cpu, "95%"),
    TIME("inversion", "for", inversion_usec, "5s"),
    TIME("inversion", "lift", inversion_lift_usec, "2s"),
    TIME("inversion", "pause", inversion_pause_usec, "10s"),
    NUMBER("inversion", "weight", inversion_weight, "10", 1, 10000),

    SHARE_TO("latency", "headroom", latency_headroom, "20%", 90),
};
/* clang-format on */

_Static_assert(ARRAY_LEN(rows) <= CONF_ROWS_MAX, "more keys than a table may have");

/* Pairs of which the first may not be over the second. */
static const struct {
    const char *section, *key, *other_section, *other_key;
    size_t at, other;
    bool is_time;
    const char *why;
} orders[] = {
    {"cool", "cpu", "hot", "cpu-10s", AT(cool[GOVERNOR_CPU]), AT(hot_10s[GOVERNOR_CPU]), false,
     "hot and cool at once would cut and give back in turn"},
    {"cool", "io", "hot", "io-10s", AT(cool[GOVERNOR_IO]), AT(hot_10s[GOVERNOR_IO]), false,
     "hot and cool at once would cut and give back in turn"},
    {"cool", "memory", "hot", "memory-10s", AT(cool[GOVERNOR_MEMORY]), AT(hot_10s[GOVERNOR_MEMORY]), false,
     "hot and cool at once would cut and give back in turn"},
    {"hot", "cpu-10s", "hot", "cpu-1s", AT(hot_10s[GOVERNOR_CPU]), AT(hot_1s[GOVERNOR_CPU]), false,
     "what lasts must count for more than what is short"},
    {"hot", "io-10s", "hot", "io-1s", AT(hot_10s[GOVERNOR_IO]), AT(hot_1s[GOVERNOR_IO]), false,
     "what lasts must count for more than what is short"},
    {"hot", "memory-10s", "hot", "memory-1s", AT(hot_10s[GOVERNOR_MEMORY]), AT(hot_1s[GOVERNOR_MEMORY]),
     false, "what lasts must count for more than what is short"},
    {"lag", "hot", "lag", "cool", AT(lag_hot), AT(lag_cool), false, "late and in time at once is nothing"},
    {"squeeze", "deadband", "squeeze", "ease-cpu", AT(squeeze_deadband), AT(squeeze_ease[GOVERNOR_CPU]),
     false, "a step that is never written never gives anything back"},
    {"kill", "available", "memory", "free", AT(kill_available), AT(memory_free), false,
     "the gentle steps come before the kill"},
    {"cool", "for", "cool", "for-max", AT(cool_usec), AT(cool_max_usec), true, "the most is not less"},
    {"freeze", "hold", "freeze", "hold-max", AT(freeze_hold_usec), AT(freeze_hold_max_usec), true,
     "the most is not less"},
    {"freeze", "hold", "freeze", "hold-max-member", AT(freeze_hold_usec), AT(freeze_hold_max_member_usec),
     true, "the most is not less"},
    {"evict", "frozen", "evict", "window", AT(evict_frozen_usec), AT(evict_window_usec), true,
     "nobody can be frozen for longer than the time that is looked at"},
    {"governor", "interval", "governor", "leaf-interval", AT(interval_usec), AT(leaf_interval_usec), true,
     "instances are read in turns of the classes"},
};

static uint64_t number_at(const void *object, size_t at, bool is_time) {
    const char *p = (const char *)object + at;
    uint64_t usec;
    uint32_t share;
    if (!is_time) {
        memcpy(&share, p, sizeof(share));
        return share;
    }
    memcpy(&usec, p, sizeof(usec));
    return usec;
}

static int check(const struct conf_lines *lines, const void *object) {
    for (size_t i = 0; i < ARRAY_LEN(orders); i++) {
        if (number_at(object, orders[i].at, orders[i].is_time) <=
            number_at(object, orders[i].other, orders[i].is_time))
            continue;
        return conf_contradiction(lines, orders[i].section, orders[i].key, orders[i].other_section,
                                  orders[i].other_key, "[%s] %s cannot be over [%s] %s: %s",
                                  orders[i].section, orders[i].key, orders[i].other_section,
                                  orders[i].other_key, orders[i].why);
    }
    return 0;
}

static const struct conf_table governor_table = {
    .rows = rows, .n = ARRAY_LEN(rows), .size = sizeof(struct governor_conf), .check = check};

int governor_conf_parse(const char *file, const char *text, size_t len, struct governor_conf *ret,
                        struct reason *why) {
    return conf_table_parse(&governor_table, file, text, len, ret, why);
}

void governor_conf_default(struct governor_conf *ret) {
    if (governor_conf_parse("default", "", 0, ret, NULL) < 0)
        abort(); /* out of memory at the start */
}

int governor_conf_print(const struct governor_conf *c, char **ret_text) {
    return conf_table_print(&governor_table, c, ret_text);
}

int governor_conf_load(const char *etc, struct governor_conf *ret, struct reason *why) {
    char file[PATH_MAX];
    struct conf_place place = {.file = file};
    if (text_format(file, sizeof(file), "%s/governor.conf", etc) < 0)
        return reason_set(why, -ENAMETOOLONG, "The path of the configuration folder is too long.");
    AUTO_FREE char *text = NULL;
    size_t len = 0;
    int r = fd_read_file_at(AT_FDCWD, file, INI_TEXT_MAX, &text, &len);
    if (r == -ENOENT)
        return governor_conf_parse(file, "", 0, ret, why);
    if (r == -EFBIG)
        return conf_fault(why, r, &place, "larger than %d KiB, which no configuration file may be",
                          INI_TEXT_MAX / 1024);
    if (r < 0)
        return conf_fault(why, r, &place, "cannot be read: %s", strerror(-r));
    return governor_conf_parse(file, text, len, ret, why);
}
