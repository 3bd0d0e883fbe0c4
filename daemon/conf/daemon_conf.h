/* SPDX-License-Identifier: Apache-2.0 */
/* streamkeeper.conf: settings of the service itself. Every key has a default; the file may be missing. */
#ifndef CONF_DAEMON_CONF_H
#define CONF_DAEMON_CONF_H

#include "base/reason.h"

#include <stddef.h>
#include <stdint.h>

enum daemon_log_target { DAEMON_LOG_AUTO, DAEMON_LOG_JOURNAL, DAEMON_LOG_FILE, DAEMON_LOG_MAX };

struct daemon_conf {
    /* [access] */
    char operator_group[64]; /* its members administer like root; default streamkeeper-admin; may not exist */
    /* [log] */
    enum daemon_log_target
        log_target;          /* auto: the journal where journald runs and no --root is given, else files */
    uint64_t log_file_bytes; /* a file larger than this is rotated; default 10M */
    uint32_t log_files;      /* rotated files kept; default 3 */
    /* [start] */
    uint32_t start_burst;         /* instances started at once after a boot or an outage; default 20 */
    uint64_t start_interval_usec; /* one more each; default 200ms. Only for automatic starts; 0 : no limit */
    /* [history] */
    uint32_t history_exits;  /* exits kept per instance; default 100 */
    uint32_t history_events; /* events kept in all; default 10000 */
    /* [api] */
    uint32_t clients_max;          /* connections at once; default 512 */
    uint32_t clients_per_user_max; /* default 64 */
};

/* Reads streamkeeper.conf below the etc folder. Returns 0 or -errno with a reason; ret untouched on failure.
 */
int daemon_conf_load(const char *etc, struct daemon_conf *ret, struct reason *why);
int daemon_conf_parse(const char *file, const char *text, size_t len, struct daemon_conf *ret,
                      struct reason *why);
int daemon_conf_print(const struct daemon_conf *c, char **ret_text);

#endif
