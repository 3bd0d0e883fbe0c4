/* SPDX-License-Identifier: Apache-2.0 */
/* The keys of a spec, one row each, and which of them do not fit each other. */
#include "conf/spec_table.h"

#include "conf/spec.h"
#include "conf/types.h"
#include "streamkeeper/wire.h"

#include <string.h>

#define DAY_USEC 86400000000ULL
#define MIB      (1024ULL * 1024)
#define PIB      (1024ULL * 1024 * 1024 * 1024 * 1024)

#define TOPICS_MAX 1000

const char *const spec_restart_words[] = {
    [SPEC_RESTART_ALWAYS] = "always",
    [SPEC_RESTART_ON_FAILURE] = "on-failure",
    [SPEC_RESTART_NEVER] = "never",
    [SPEC_RESTART_MAX] = NULL,
};

const char *const spec_ready_words[] = {
    [SPEC_READY_NONE] = "none", [SPEC_READY_NOTIFY] = "notify", [SPEC_READY_TCP] = "tcp",
    [SPEC_READY_EXEC] = "exec", [SPEC_READY_MAX] = NULL,
};

const char *const spec_guarantee_words[] = {
    [SPEC_GUARANTEE_UNSET] = "",
    [SPEC_AT_LEAST_ONCE] = "at-least-once",
    [SPEC_EXACTLY_ONCE] = "exactly-once",
    [SPEC_GUARANTEE_MAX] = NULL,
};

/* An absolute path, or one below the state directory. */
static bool is_directory(const char *text) {
    bool below_state = strncmp(text, "%S", 2) == 0 && (text[2] == '\0' || text[2] == '/');
    return (text[0] == '/' || below_state) && strlen(text) < SPEC_PATH_MAX;
}

/* What Kafka takes as a topic's name. */
static bool is_topic(const char *text) {
    size_t n = strspn(text, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-");
    return text[n] == '\0' && n > 0 && n <= 249 && strcmp(text, ".") != 0 && strcmp(text, "..") != 0;
}

static bool is_group(const char *text) {
    size_t n = strlen(text);
    return n > 0 && n <= 255;
}

/* An exactly-once app has transactions to finish. */
static const char *stop_timeout_default(const void *object) {
    const struct spec *s = object;
    return s->guarantee == SPEC_EXACTLY_ONCE ? "2m" : "1m";
}

#define AT(member) offsetof(struct spec, member)

/* clang-format off */
static const struct conf_row rows[] = {
    {"app", "name", &spec_type_name, AT(tenant), .flags = CONF_REQUIRED,
     .right = "TENANT/APP, each 1 to 64 of a-z, 0-9, '-' and '_', such as payments/enrich"},
    {"app", "class", &conf_type_name, AT(class), "standard",
     .right = "the name of a class, such as critical, standard or adhoc"},
    {"app", "command", &conf_type_command, AT(command), .max = SK_WIRE_ARGS_MAX, .flags = CONF_REQUIRED | CONF_SPECIFIERS,
     .right = "an absolute path and its arguments, such as /usr/bin/java -jar /opt/app.jar"},
    {"app", "user", &conf_type_string, AT(user), .valid = conf_is_user,
     .right = "a user's name or number"},
    {"app", "instances", &conf_type_u32, AT(instances), "1", .min = 1, .max = SPEC_INSTANCES_MAX, .flags = CONF_LIVE,
     .right = "a number from 1 to 1000"},
    {"app", "environment", &spec_type_environment, AT(environment), .max = SK_WIRE_ARGS_MAX / 2,
     .right = "NAME=value", .flags = CONF_REPEATS},
    {"app", "working-directory", &conf_type_string, AT(working_directory), .valid = is_directory, .flags = CONF_SPECIFIERS,
     .right = "an absolute path such as /opt/app, or one that begins with %S"},
    {"app", "umask", &conf_type_octal, AT(umask), "0077", .max = 0777,
     .right = "an octal number such as 0077"},

    {"resources", "cpu", &conf_type_milli, AT(cpu_milli), .min = 10, .max = 8192000,
     .right = "a number of CPUs such as 1.5, from 0.01 to 8192"},
    {"resources", "cpu-max", &conf_type_milli, AT(cpu_max_milli), .min = 10, .max = 8192000,
     .right = "a number of CPUs such as 1.5, from 0.01 to 8192"},
    {"resources", "memory", &conf_type_size, AT(memory_bytes), .min = MIB, .max = PIB,
     .right = "a size such as 512M or 1.5G, from 1M to 1024T"},
    {"resources", "memory-max", &conf_type_size, AT(memory_max_bytes), .min = MIB, .max = PIB,
     .right = "a size such as 512M or 1.5G, from 1M to 1024T"},
    {"resources", "tasks-max", &conf_type_u32, AT(tasks_max), .min = 1, .max = 4194304,
     .right = "a number of threads and processes from 1 to 4194304"},
    {"resources", "state-max", &conf_type_size, AT(state_max_bytes), .min = MIB, .max = PIB,
     .right = "a size such as 512M or 20G, from 1M to 1024T"},
    {"resources", "open-files-max", &conf_type_u32, AT(open_files_max), .min = 16, .max = 1073741816,
     .right = "a number of files from 16 to 1073741816"},

    {"restart", "policy", &conf_type_word, AT(restart), "always", .words = spec_restart_words, .flags = CONF_LIVE,
     .right = "always, on-failure or never"},
    {"restart", "delay", &conf_type_duration, AT(delay_usec), "1s", .max = DAY_USEC, .flags = CONF_LIVE,
     .right = "a duration such as 500ms or 1s, up to 1d"},
    {"restart", "delay-max", &conf_type_duration, AT(delay_max_usec), "5m", .max = DAY_USEC, .flags = CONF_LIVE,
     .right = "a duration such as 30s or 5m, up to 1d"},
    {"restart", "budget", &spec_type_budget, AT(budget_starts), "10 in 10m", .max = 1000, .flags = CONF_LIVE,
     .right = "NUMBER in DURATION such as 10 in 10m; 1 to 1000 restarts in 1s to 7d"},
    {"restart", "stable", &conf_type_duration, AT(stable_usec), "10s", .max = DAY_USEC, .flags = CONF_LIVE,
     .right = "a duration such as 10s or 1m, up to 1d"},
    {"restart", "success-exit", &spec_type_codes, AT(success), "0 143", .flags = CONF_LIVE,
     .right = "exit codes from 0 to 255 such as 0 143 or 64-78; 128 + N for a death by signal N"},
    {"restart", "no-restart-exit", &spec_type_codes, AT(no_restart), .flags = CONF_LIVE,
     .right = "exit codes from 0 to 255 such as 78 or 64-78; 128 + N for a death by signal N"},

    {"stop", "signal", &spec_type_stop_signal, AT(stop_signal), "SIGTERM", .flags = CONF_LIVE,
     .right = "a signal that ends the program, such as SIGTERM, SIGINT or SIGQUIT"},
    {"stop", "timeout", &conf_type_duration, AT(stop_usec), .default_for = stop_timeout_default, .max = DAY_USEC,
     .flags = CONF_LIVE, .right = "a duration such as 30s or 2m, up to 1d"},

    {"ready", "probe", &spec_type_probe, AT(ready_command), "none", .max = SK_WIRE_ARGS_MAX,
     .flags = CONF_LIVE | CONF_SPECIFIERS, .right = "none, notify, tcp:PORT or exec:COMMAND"},
    {"ready", "timeout", &conf_type_duration, AT(ready_usec), "5m", .min = 1000, .max = UINT64_MAX, .flags = CONF_LIVE,
     .right = "a duration such as 30s or 5m, or infinity"},
    {"ready", "interval", &conf_type_duration, AT(ready_interval_usec), "1s", .min = 10000, .max = DAY_USEC,
     .flags = CONF_LIVE, .right = "a duration such as 500ms or 5s, from 10ms to 1d"},

    {"kafka", "cluster", &conf_type_string, AT(cluster), .valid = text_is_name,
     .right = "a cluster's name: 1 to 64 of a-z, 0-9, '-' and '_'"},
    {"kafka", "group", &conf_type_string, AT(group), .valid = is_group,
     .right = "a consumer group's name of 1 to 255 bytes"},
    {"kafka", "inputs", &conf_type_list, AT(inputs), .valid = is_topic, .max = TOPICS_MAX,
     .right = "topic names (1 to 249 of letters, digits, '.', '_' and '-') with blanks between them"},
    {"kafka", "outputs", &conf_type_list, AT(outputs), .valid = is_topic, .max = TOPICS_MAX,
     .right = "topic names (1 to 249 of letters, digits, '.', '_' and '-') with blanks between them"},
    {"kafka", "guarantee", &conf_type_word, AT(guarantee), .words = spec_guarantee_words,
     .right = "at-least-once or exactly-once"},
    {"kafka", "lag-slo", &conf_type_duration, AT(lag_slo_usec), .min = 1000, .max = 365 * DAY_USEC,
     .right = "a duration such as 30s or 5m"},
    {"kafka", "hang-after", &conf_type_duration, AT(hang_after_usec), .min = 1000000, .max = 365 * DAY_USEC,
     .right = "a duration such as 5m, at least 1s"},
};
/* clang-format on */

_Static_assert(ARRAY_LEN(rows) <= CONF_ROWS_MAX, "more keys than a table may have");

static int check_resources(const struct conf_lines *lines, const struct spec *s) {
    if (s->cpu_max_milli > 0 && s->cpu_milli > s->cpu_max_milli)
        return conf_contradiction(
            lines, "resources", "cpu", "resources", "cpu-max",
            "cpu is guaranteed and cannot be over the limit cpu-max; lower cpu or raise cpu-max");
    if (s->memory_max_bytes > 0 && s->memory_bytes > s->memory_max_bytes)
        return conf_contradiction(
            lines, "resources", "memory", "resources", "memory-max",
            "memory is guaranteed and cannot be over the limit memory-max; lower memory or raise memory-max");
    return 0;
}

static int check_restart(const struct conf_lines *lines, const struct spec *s) {
    char delay[64], max[64];
    if (s->delay_usec <= s->delay_max_usec)
        return 0;
    return conf_contradiction(lines, "restart", "delay", "restart", "delay-max",
                              "delay (%s) cannot be over delay-max (%s%s); lower delay or raise delay-max",
                              text_duration(s->delay_usec, delay, sizeof(delay)),
                              text_duration(s->delay_max_usec, max, sizeof(max)),
                              conf_is_given(lines, "restart", "delay-max") ? "" : " by default");
}

static int check_ready(const struct conf_lines *lines, const struct spec *s) {
    bool has_interval = conf_is_given(lines, "ready", "interval");
    if (s->ready == SPEC_READY_NONE && conf_is_given(lines, "ready", "timeout"))
        return conf_contradiction(lines, "ready", "timeout", "ready", "probe",
                                  "timeout has no meaning without a probe; add probe = notify, tcp:PORT or "
                                  "exec:COMMAND, or remove timeout");
    if (s->ready != SPEC_READY_TCP && s->ready != SPEC_READY_EXEC && has_interval)
        return conf_contradiction(
            lines, "ready", "interval", "ready", "probe",
            "interval has a meaning with probe = tcp:PORT or exec:COMMAND only; remove it");
    if (has_interval && s->ready_interval_usec > s->ready_usec)
        return conf_contradiction(lines, "ready", "interval", "ready", "timeout",
                                  "interval cannot be over timeout; lower interval or raise timeout");
    return 0;
}

static int check_kafka(const struct conf_lines *lines, const struct spec *s) {
    if (s->lag_slo_usec > 0 && !s->group)
        return conf_contradiction(lines, "kafka", "lag-slo", "kafka", "group",
                                  "lag is that of a consumer group; add group = NAME, or remove lag-slo");
    if (s->hang_after_usec > 0 && !s->group)
        return conf_contradiction(
            lines, "kafka", "hang-after", "kafka", "group",
            "progress is that of a consumer group; add group = NAME, or remove hang-after");
    return 0;
}

static int check(const struct conf_lines *lines, const void *object) {
    int r = check_resources(lines, object);
    if (r >= 0)
        r = check_restart(lines, object);
    if (r >= 0)
        r = check_ready(lines, object);
    if (r >= 0)
        r = check_kafka(lines, object);
    return r;
}

const struct conf_table spec_table = {
    .rows = rows, .n = ARRAY_LEN(rows), .size = sizeof(struct spec), .check = check};
