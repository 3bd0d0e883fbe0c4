/* SPDX-License-Identifier: Apache-2.0 */
/* Asks systemd whether our unit is being stopped or restarted: the unit's Job property names the job, its
 * JobType says which. No job at all means that somebody sent the signal by hand; the unit's Restart= will
 * start us again, so that is a restart. */
#include "adapters/adapters.h"
#include "base/attr.h"
#include "base/log.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <systemd/sd-bus.h>
#include <systemd/sd-login.h>

#define SYSTEMD "org.freedesktop.systemd1"

struct service_adapter {
    sd_event *loop;
    sd_bus *bus;
    stop_kind_fn fn;
    void *userdata;
};

static int finish(struct service_adapter *s, bool stop) {
    stop_kind_fn fn = s->fn;
    s->fn = NULL;
    if (fn)
        fn(s->userdata, stop);
    return 0;
}

static int failed(struct service_adapter *s, const char *what) {
    log_warning("systemd did not say %s: leaving the apps running", what);
    return finish(s, false);
}

static int got_type(sd_bus_message *reply, void *userdata, sd_bus_error *error ATTR_UNUSED) {
    const char *type;
    if (sd_bus_message_is_method_error(reply, NULL) || sd_bus_message_enter_container(reply, 'v', "s") < 0 ||
        sd_bus_message_read(reply, "s", &type) < 0)
        return failed(userdata, "what job of our unit runs");
    return finish(userdata, strcmp(type, "stop") == 0);
}

static int got_job(sd_bus_message *reply, void *userdata, sd_bus_error *error ATTR_UNUSED) {
    struct service_adapter *s = userdata;
    uint32_t id;
    const char *path;
    if (sd_bus_message_is_method_error(reply, NULL) ||
        sd_bus_message_enter_container(reply, 'v', "(uo)") < 0 ||
        sd_bus_message_read(reply, "(uo)", &id, &path) < 0)
        return failed(s, "whether our unit has a job");
    if (id == 0)
        return finish(s, false);
    int r = sd_bus_call_method_async(s->bus, NULL, SYSTEMD, path, "org.freedesktop.DBus.Properties", "Get",
                                     got_type, s, "ss", SYSTEMD ".Job", "JobType");
    return r < 0 ? failed(s, "what job of our unit runs") : 0;
}

static int ask_stop_kind(void *ctx, stop_kind_fn fn, void *userdata) {
    struct service_adapter *s = ctx;
    AUTO_FREE char *unit = NULL;
    AUTO_FREE char *path = NULL;
    int r = sd_pid_get_unit(0, &unit);
    if (r >= 0 && !s->bus) {
        r = sd_bus_open_system(&s->bus);
        if (r >= 0)
            r = sd_bus_attach_event(s->bus, s->loop, SD_EVENT_PRIORITY_NORMAL);
    }
    if (r >= 0)
        r = sd_bus_path_encode("/org/freedesktop/systemd1/unit", unit, &path);
    if (r < 0)
        return r;
    s->fn = fn;
    s->userdata = userdata;
    return sd_bus_call_method_async(s->bus, NULL, SYSTEMD, path, "org.freedesktop.DBus.Properties", "Get",
                                    got_job, s, "ss", SYSTEMD ".Unit", "Job");
}

int service_adapter_new(sd_event *loop, struct service_port *ret) {
    struct service_adapter *s = calloc(1, sizeof(*s));
    if (!s)
        return -ENOMEM;
    s->loop = loop;
    *ret = (struct service_port){s, ask_stop_kind};
    return 0;
}

void service_adapter_free(struct service_port *p) {
    struct service_adapter *s = p->ctx;
    if (!s)
        return;
    sd_bus_flush_close_unref(s->bus);
    free(s);
    p->ctx = NULL;
}
