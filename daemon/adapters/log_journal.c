/* SPDX-License-Identifier: Apache-2.0 */
/* The journal's reader of log_journal.h; runs in the file worker's thread. */
#include "adapters/log_journal.h"
#include "base/attr.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <systemd/sd-journal.h>

static void close_journal(sd_journal **j) {
    sd_journal_close(*j);
}

void log_entries_free(struct log_entries *e) {
    for (size_t i = 0; i < e->n; i++)
        free(e->list[i].text);
    free(e->list);
    free(e->cursor);
    *e = (struct log_entries){0};
}

/* True unless journald noted another group than ours. A process that was gone before journald looked has no
 * group noted. */
static bool is_ours(sd_journal *j, const char *group) {
    const void *data;
    size_t len, want = strlen(group), prefix = strlen("_SYSTEMD_CGROUP=");
    if (sd_journal_get_data(j, "_SYSTEMD_CGROUP", &data, &len) < 0)
        return true;
    const char *path = (const char *)data + prefix;
    len -= prefix;
    return len > want && memcmp(path + len - want, group, want) == 0 && path[len - want - 1] == '/';
}

static int take_entry(sd_journal *j, struct log_entry *ret) {
    const void *data;
    size_t len, prefix = strlen("MESSAGE=");
    int r = sd_journal_get_data(j, "MESSAGE", &data, &len);
    if (r < 0)
        return r;
    struct log_entry e = {.len = len - prefix};
    sd_journal_get_realtime_usec(j, &e.at_usec);
    e.text = malloc(e.len + 1);
    if (!e.text)
        return -ENOMEM;
    memcpy(e.text, (const char *)data + prefix, e.len);
    e.text[e.len] = '\0';
    *ret = e;
    return 0;
}

static int seek(sd_journal *j, const char *cursor, uint32_t lines, const char *group) {
    int r;
    if (cursor[0]) {
        r = sd_journal_seek_cursor(j, cursor);
        r = r < 0 ? r : sd_journal_next(j);
        if (r > 0 && sd_journal_test_cursor(j, cursor) == 0)
            r = sd_journal_previous(j);
        return r < 0 ? r : 0;
    }
    r = sd_journal_seek_tail(j);
    for (uint32_t found = 0; r >= 0 && found <= lines;) {
        r = sd_journal_previous(j);
        if (r <= 0)
            break;
        found += is_ours(j, group);
    }
    if (r == 0) /* fewer than that: all of them */
        r = sd_journal_seek_head(j);
    return r < 0 ? r : 0;
}

int log_journal_read(const char *name, const char *group, const char *cursor, uint32_t lines,
                     struct log_entries *ret) {
    CLEANUP(close_journal) sd_journal *j = NULL;
    CLEANUP(log_entries_free) struct log_entries e = {0};
    char match[256];
    int r = sd_journal_open(&j, SD_JOURNAL_LOCAL_ONLY);
    snprintf(match, sizeof(match), "SYSLOG_IDENTIFIER=%s", name);
    r = r < 0 ? r : sd_journal_add_match(j, match, 0);
    r = r < 0 ? r : seek(j, cursor, lines, group);
    if (r < 0)
        return r;
    e.list = calloc(lines + 1, sizeof(*e.list));
    if (!e.list)
        return -ENOMEM;
    while (e.n < lines && (r = sd_journal_next(j)) > 0) {
        if (!is_ours(j, group))
            continue;
        r = take_entry(j, &e.list[e.n]);
        if (r == -ENOMEM)
            return r;
        e.n += r >= 0;
        free(e.cursor);
        e.cursor = NULL;
        sd_journal_get_cursor(j, &e.cursor);
    }
    if (!e.cursor)
        e.cursor = strdup(cursor);
    if (!e.cursor)
        return -ENOMEM;
    *ret = e;
    e = (struct log_entries){0};
    return 0;
}
