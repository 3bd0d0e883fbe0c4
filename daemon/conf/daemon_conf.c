/* SPDX-License-Identifier: Apache-2.0 */
/* Keys and defaults of streamkeeper.conf. */
#include "conf/daemon_conf.h"

#include "base/fd.h"
#include "conf/fault.h"
#include "conf/ini.h"
#include "conf/table.h"
#include "conf/types.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>

static const char *const log_target_words[] = {[DAEMON_LOG_AUTO] = "auto",
                                               [DAEMON_LOG_JOURNAL] = "journal",
                                               [DAEMON_LOG_FILE] = "file",
                                               [DAEMON_LOG_MAX] = NULL};

/* A name in a buffer of 64 bytes, which is what conf_is_user allows. */
static int parse_group(const struct conf_row *row ATTR_UNUSED, const char *text, void *object,
                       struct reason *why ATTR_UNUSED) {
    struct daemon_conf *c = object;
    if (!conf_is_user(text) || strlen(text) >= sizeof(c->operator_group))
        return -EINVAL;
    memcpy(c->operator_group, text, strlen(text) + 1);
    return 0;
}

static void print_group(const struct conf_row *row ATTR_UNUSED, const void *object, struct text_buf *b) {
    const struct daemon_conf *c = object;
    text_buf_add(b, c->operator_group);
}

static const struct conf_type type_group = {.parse = parse_group, .print = print_group};

#define AT(member) offsetof(struct daemon_conf, member)

/* clang-format off */
static const struct conf_row rows[] = {
    {"access", "operator-group", &type_group, AT(operator_group), "streamkeeper-admin",
     .right = "the name or number of a group"},

    {"log", "target", &conf_type_word, AT(log_target), "auto", .words = log_target_words,
     .right = "auto, journal or file"},
    {"log", "file-size", &conf_type_size, AT(log_file_bytes), "10M", .min = 4096, .max = 1ULL << 40,
     .right = "a size such as 10M, from 4K to 1T"},
    {"log", "files", &conf_type_u32, AT(log_files), "3", .max = 100, .right = "a number from 0 to 100"},

    {"start", "burst", &conf_type_u32, AT(start_burst), "20", .min = 1, .max = 100000,
     .right = "a number of instances from 1 to 100000"},
    {"start", "interval", &conf_type_duration, AT(start_interval_usec), "200ms", .max = 3600000000ULL,
     .right = "a duration such as 200ms, up to 1h; 0 for no limit"},

    {"history", "exits", &conf_type_u32, AT(history_exits), "100", .min = 1, .max = 10000,
     .right = "a number of exits from 1 to 10000"},
    {"history", "events", &conf_type_u32, AT(history_events), "10000", .min = 100, .max = 10000000,
     .right = "a number of events from 100 to 10000000"},

    {"api", "clients-max", &conf_type_u32, AT(clients_max), "512", .min = 2, .max = 100000,
     .right = "a number of connections from 2 to 100000"},
    {"api", "clients-per-user-max", &conf_type_u32, AT(clients_per_user_max), "64", .min = 1, .max = 100000,
     .right = "a number of connections from 1 to 100000"},
};
/* clang-format on */

static int check(const struct conf_lines *lines, const void *object) {
    const struct daemon_conf *c = object;
    if (c->clients_per_user_max <= c->clients_max)
        return 0;
    return conf_contradiction(
        lines, "api", "clients-per-user-max", "api", "clients-max",
        "clients-per-user-max (%u) cannot be over clients-max (%u); lower it or raise clients-max",
        c->clients_per_user_max, c->clients_max);
}

static const struct conf_table daemon_table = {
    .rows = rows, .n = ARRAY_LEN(rows), .size = sizeof(struct daemon_conf), .check = check};

int daemon_conf_parse(const char *file, const char *text, size_t len, struct daemon_conf *ret,
                      struct reason *why) {
    return conf_table_parse(&daemon_table, file, text, len, ret, why);
}

int daemon_conf_print(const struct daemon_conf *c, char **ret_text) {
    return conf_table_print(&daemon_table, c, ret_text);
}

int daemon_conf_load(const char *etc, struct daemon_conf *ret, struct reason *why) {
    char file[PATH_MAX];
    struct conf_place place = {.file = file};
    if (text_format(file, sizeof(file), "%s/streamkeeper.conf", etc) < 0)
        return reason_set(why, -ENAMETOOLONG, "The path of the configuration folder is too long.");
    AUTO_FREE char *text = NULL;
    size_t len = 0;
    int r = fd_read_file_at(AT_FDCWD, file, INI_TEXT_MAX, &text, &len);
    if (r == -ENOENT)
        return daemon_conf_parse(file, "", 0, ret, why);
    if (r == -EFBIG)
        return conf_fault(why, r, &place, "larger than %d KiB, which no configuration file may be",
                          INI_TEXT_MAX / 1024);
    if (r < 0)
        return conf_fault(why, r, &place, "cannot be read: %s", strerror(-r));
    return daemon_conf_parse(file, text, len, ret, why);
}
