/* SPDX-License-Identifier: Apache-2.0 */
/* The last line of a run's output, added to its entry in the history. The entry itself does not wait for it:
 * reading a log may be slow. */
#include "base/utf8.h"
#include "manager/private.h"
#include "manager/steps.h"

#include <stdlib.h>
#include <string.h>

struct last_line {
    struct manager *manager;
    char name[2 * NAME_LEN_MAX + 2];
    struct exit_record record;
};

static void got_line(void *userdata, int error, const char *message ATTR_UNUSED, const struct log_line *lines,
                     size_t n, const char *cursor ATTR_UNUSED) {
    AUTO_FREE struct last_line *l = userdata;
    const struct app *a = apps_find(l->manager, l->name);
    if (error < 0 || n == 0 || lines[n - 1].len == 0 || !a || a->record.removing)
        return;
    utf8_copy_clean(lines[n - 1].text, lines[n - 1].len, l->record.last_line, sizeof(l->record.last_line));
    note_amend_exit(a, &l->record);
}

void last_line_ask(struct member *mb, const struct exit_record *r) {
    struct manager *m = mb->manager;
    char tenant[NAME_LEN_MAX + 1];
    struct last_line *l = m->stopping ? NULL : malloc(sizeof(*l));
    if (!l)
        return;
    *l = (struct last_line){.manager = m, .record = *r};
    memcpy(l->name, mb->app->name, sizeof(l->name));
    const struct log_port *log = &m->ports->log;
    if (log->read(log->ctx, app_tenant(mb->app, tenant), strchr(mb->app->name, '/') + 1, mb->number, "", 1,
                  got_line, l) < 0)
        free(l);
}
