/* SPDX-License-Identifier: Apache-2.0 */
/* Methods that show what was: History, Events, Logs. */
#include "api/dict.h"
#include "api/exits.h"
#include "api/methods.h"
#include "api/request.h"

#include <errno.h>
#include <stdio.h>

#define LIMIT_MAX 1000 /* entries or lines in one answer */

static uint32_t limited(uint32_t limit) {
    return limit == 0 || limit > LIMIT_MAX ? LIMIT_MAX : limit;
}

static void add_exit(sd_bus_message *m, const struct exit_record *e) {
    dict_open(m);
    dict_u32(m, "number", e->number);
    dict_u64(m, "seq", e->seq);
    dict_u64(m, "generation", e->generation);
    dict_some(m, "started_usec", e->started_usec);
    dict_u32(m, "pid", e->pid);
    exit_entries(m, &e->exit);
    dict_text(m, "then", restart_verdict_name(e->verdict));
    dict_some_text(m, "reason", e->reason);
    dict_some_text(m, "last_line", e->last_line);
    dict_close(m);
}

static void history_done(void *userdata, int error, const struct exit_record *exits, size_t n) {
    struct request *q = userdata;
    if (error < 0) {
        request_fail(q, error, NULL);
        return;
    }
    sd_bus_message *m = NULL;
    if (sd_bus_message_new_method_return(q->call, &m) >= 0) {
        dict_list_open(m);
        for (size_t i = 0; i < n; i++)
            add_exit(m, &exits[i]);
        dict_list_close(m);
    }
    request_reply(q, m);
}

int serve_history(struct request *q, struct reason *why) {
    const char *name;
    uint32_t limit;
    int r = sd_bus_message_read(q->call, "su", &name, &limit);
    if (r < 0)
        return r;
    return manager_history(q->api->manager, q->caller, name, limited(limit), history_done, q, why);
}

static void add_event(sd_bus_message *m, const struct event_view *v) {
    const struct event_record *e = v->event;
    dict_open(m);
    dict_u64(m, "seq", v->seq);
    dict_u64(m, "at_usec", e->at_usec);
    dict_text(m, "kind", event_kind_name(e->kind));
    if (e->app[0]) {
        char name[2 * NAME_LEN_MAX + 2];
        snprintf(name, sizeof(name), "%s/%s", e->tenant, e->app);
        dict_text(m, "app", name);
    }
    if (e->number >= 0)
        dict_u32(m, "instance", (uint32_t)e->number);
    if (e->actor_uid >= 0)
        dict_u32(m, "uid", (uint32_t)e->actor_uid);
    dict_text(m, "text", e->text);
    dict_close(m);
}

static void events_done(void *userdata, int error, const struct event_view *events, size_t n) {
    struct request *q = userdata;
    if (error < 0) {
        request_fail(q, error, NULL);
        return;
    }
    sd_bus_message *m = NULL;
    if (sd_bus_message_new_method_return(q->call, &m) >= 0) {
        dict_list_open(m);
        for (size_t i = 0; i < n; i++)
            add_event(m, &events[i]);
        dict_list_close(m);
    }
    request_reply(q, m);
}

int serve_events(struct request *q, struct reason *why) {
    const char *name;
    uint64_t after;
    uint32_t limit;
    int r = sd_bus_message_read(q->call, "stu", &name, &after, &limit);
    if (r < 0)
        return r;
    return manager_events(q->api->manager, q->caller, *name ? name : NULL, after, limited(limit), events_done,
                          q, why);
}

static void logs_done(void *userdata, int error, const char *message, const struct log_line *lines, size_t n,
                      const char *cursor) {
    struct request *q = userdata;
    if (error < 0) {
        request_fail(q, error, message);
        return;
    }
    sd_bus_message *m = NULL;
    if (sd_bus_message_new_method_return(q->call, &m) >= 0) {
        sd_bus_message_open_container(m, 'a', "(tay)");
        for (size_t i = 0; i < n; i++) {
            sd_bus_message_open_container(m, 'r', "tay");
            sd_bus_message_append_basic(m, 't', &lines[i].at_usec);
            sd_bus_message_append_array(m, 'y', lines[i].text, lines[i].len);
            sd_bus_message_close_container(m);
        }
        sd_bus_message_close_container(m);
        sd_bus_message_append_basic(m, 's', cursor ? cursor : "");
    }
    request_reply(q, m);
}

int serve_logs(struct request *q, struct reason *why) {
    const char *name, *cursor;
    uint32_t number, lines;
    int r = sd_bus_message_read(q->call, "susu", &name, &number, &cursor, &lines);
    if (r < 0)
        return r;
    return manager_logs(q->api->manager, q->caller, name, number, cursor, limited(lines), logs_done, q, why);
}
