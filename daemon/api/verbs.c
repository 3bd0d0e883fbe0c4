/* SPDX-License-Identifier: Apache-2.0 */
/* Methods that change something: they answer when the manager says that it is on the disk. */
#include "api/dict.h"
#include "api/methods.h"
#include "api/request.h"

#include <errno.h>

static void verb_done(void *userdata, const struct verb_result *v) {
    struct request *q = userdata;
    if (v->error < 0) {
        request_fail(q, v->error, v->text);
        return;
    }
    sd_bus_message *m = NULL;
    if (sd_bus_message_new_method_return(q->call, &m) >= 0) {
        dict_open(m);
        dict_text(m, "name", v->name ? v->name : "");
        dict_text(m, "text", v->text ? v->text : "");
        dict_bool(m, "changed", v->changed);
        dict_some(m, "generation", v->generation);
        dict_close(m);
    }
    request_reply(q, m);
}

static int read_spec(struct request *q, const char **ret_file, const char **ret_text, size_t *ret_len) {
    const void *text = NULL;
    size_t len = 0;
    int r = sd_bus_message_read(q->call, "s", ret_file);
    if (r >= 0)
        r = sd_bus_message_read_array(q->call, 'y', &text, &len);
    *ret_text = text ? text : "";
    *ret_len = len;
    return r;
}

int serve_register(struct request *q, struct reason *why) {
    const char *file, *text;
    size_t len;
    int start;
    int r = read_spec(q, &file, &text, &len);
    if (r >= 0)
        r = sd_bus_message_read(q->call, "b", &start);
    if (r < 0)
        return r;
    return manager_register(q->api->manager, q->caller, file, text, len, start, verb_done, q, why);
}

int serve_validate(struct request *q, struct reason *why) {
    const char *file, *text;
    size_t len;
    char name[2 * NAME_LEN_MAX + 2] = "";
    int r = read_spec(q, &file, &text, &len);
    if (r >= 0)
        r = manager_validate(q->api->manager, q->caller, file, text, len, name, sizeof(name), why);
    if (r < 0)
        return r;
    sd_bus_message *m = NULL;
    if (sd_bus_message_new_method_return(q->call, &m) >= 0) {
        dict_open(m);
        dict_text(m, "name", name);
        dict_bool(m, "valid", true);
        dict_close(m);
    }
    request_reply(q, m);
    return 0;
}

int serve_unregister(struct request *q, struct reason *why) {
    const char *name;
    int purge;
    int r = sd_bus_message_read(q->call, "sb", &name, &purge);
    return r < 0 ? r : manager_unregister(q->api->manager, q->caller, name, purge, verb_done, q, why);
}

int serve_start(struct request *q, struct reason *why) {
    const char *name;
    int r = sd_bus_message_read(q->call, "s", &name);
    return r < 0 ? r : manager_start_app(q->api->manager, q->caller, name, verb_done, q, why);
}

int serve_stop(struct request *q, struct reason *why) {
    const char *name;
    int r = sd_bus_message_read(q->call, "s", &name);
    return r < 0 ? r : manager_stop_app(q->api->manager, q->caller, name, verb_done, q, why);
}

int serve_restart(struct request *q, struct reason *why) {
    const char *name;
    uint32_t number;
    int r = sd_bus_message_read(q->call, "su", &name, &number);
    return r < 0 ? r : manager_restart_app(q->api->manager, q->caller, name, number, verb_done, q, why);
}

int serve_scale(struct request *q, struct reason *why) {
    const char *name;
    uint32_t instances;
    int r = sd_bus_message_read(q->call, "su", &name, &instances);
    return r < 0 ? r : manager_scale_app(q->api->manager, q->caller, name, instances, verb_done, q, why);
}
