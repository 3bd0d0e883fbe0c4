/* SPDX-License-Identifier: Apache-2.0 */
/* The table of methods: once with types for sd-bus, once with functions for us. */
#include "api/methods.h"

#include "api/request.h"
#include "streamkeeper/names.h"

#include <errno.h>
#include <string.h>

static const struct method table[] = {
    {"Register", serve_register, false},
    {"Validate", serve_validate, false},
    {"Unregister", serve_unregister, false},
    {"Start", serve_start, false},
    {"Stop", serve_stop, false},
    {"Restart", serve_restart, false},
    {"Scale", serve_scale, false},
    {"List", serve_list, false},
    {"Status", serve_status, false},
    {"Show", serve_show, false},
    {"History", serve_history, false},
    {"Events", serve_events, false},
    {"Logs", serve_logs, false},
    {"Classes", serve_classes, false},
    {"Tenants", serve_tenants, false},
    {"Doctor", serve_doctor, true},
    {"Version", serve_version, true},
};

static const struct method *find(const char *name) {
    for (size_t i = 0; i < ARRAY_LEN(table); i++)
        if (strcmp(table[i].name, name) == 0)
            return &table[i];
    return NULL;
}

static int enter(sd_bus_message *call, void *userdata, sd_bus_error *error) {
    const struct method *method = find(sd_bus_message_get_member(call));
    (void)error;
    int r = method ? request_begin(userdata, call, method) : -ENOSYS;
    return r < 0 ? r : 1;
}

/* The manager decides by the caller. */
#define ANYBODY SD_BUS_VTABLE_UNPRIVILEGED

static const sd_bus_vtable vtable[] = {
    SD_BUS_VTABLE_START(0),
    SD_BUS_METHOD_WITH_ARGS("Register", SD_BUS_ARGS("s", file, "ay", text, "b", start),
                            SD_BUS_RESULT("a{sv}", result), enter, ANYBODY),
    SD_BUS_METHOD_WITH_ARGS("Validate", SD_BUS_ARGS("s", file, "ay", text), SD_BUS_RESULT("a{sv}", result),
                            enter, ANYBODY),
    SD_BUS_METHOD_WITH_ARGS("Unregister", SD_BUS_ARGS("s", app, "b", purge), SD_BUS_RESULT("a{sv}", result),
                            enter, ANYBODY),
    SD_BUS_METHOD_WITH_ARGS("Start", SD_BUS_ARGS("s", app), SD_BUS_RESULT("a{sv}", result), enter, ANYBODY),
    SD_BUS_METHOD_WITH_ARGS("Stop", SD_BUS_ARGS("s", app), SD_BUS_RESULT("a{sv}", result), enter, ANYBODY),
    SD_BUS_METHOD_WITH_ARGS("Restart", SD_BUS_ARGS("s", app, "u", instance), SD_BUS_RESULT("a{sv}", result),
                            enter, ANYBODY),
    SD_BUS_METHOD_WITH_ARGS("Scale", SD_BUS_ARGS("s", app, "u", instances), SD_BUS_RESULT("a{sv}", result),
                            enter, ANYBODY),
    SD_BUS_METHOD_WITH_ARGS("List", SD_BUS_NO_ARGS, SD_BUS_RESULT("aa{sv}", apps), enter, ANYBODY),
    SD_BUS_METHOD_WITH_ARGS("Status", SD_BUS_ARGS("s", app, "b", usage), SD_BUS_RESULT("aa{sv}", apps), enter,
                            ANYBODY),
    SD_BUS_METHOD_WITH_ARGS("Show", SD_BUS_ARGS("s", app), SD_BUS_RESULT("a{sv}", spec), enter, ANYBODY),
    SD_BUS_METHOD_WITH_ARGS("History", SD_BUS_ARGS("s", app, "u", limit), SD_BUS_RESULT("aa{sv}", exits),
                            enter, ANYBODY),
    SD_BUS_METHOD_WITH_ARGS("Events", SD_BUS_ARGS("s", app, "t", after, "u", limit),
                            SD_BUS_RESULT("aa{sv}", events), enter, ANYBODY),
    SD_BUS_METHOD_WITH_ARGS("Logs", SD_BUS_ARGS("s", app, "u", instance, "s", cursor, "u", lines),
                            SD_BUS_RESULT("a(tay)", lines, "s", cursor), enter, ANYBODY),
    SD_BUS_METHOD_WITH_ARGS("Classes", SD_BUS_NO_ARGS, SD_BUS_RESULT("aa{sv}", classes), enter, ANYBODY),
    SD_BUS_METHOD_WITH_ARGS("Tenants", SD_BUS_NO_ARGS, SD_BUS_RESULT("aa{sv}", tenants), enter, ANYBODY),
    SD_BUS_METHOD_WITH_ARGS("Doctor", SD_BUS_NO_ARGS, SD_BUS_RESULT("aa{sv}", checks), enter, ANYBODY),
    SD_BUS_METHOD_WITH_ARGS("Version", SD_BUS_NO_ARGS, SD_BUS_RESULT("a{sv}", version), enter, ANYBODY),
    SD_BUS_VTABLE_END,
};

_Static_assert(ARRAY_LEN(vtable) == ARRAY_LEN(table) + 2, "both tables have the same methods");

int methods_add(sd_bus *bus, struct door *door) {
    int r = sd_bus_add_object_vtable(bus, NULL, SK_BUS_PATH, SK_BUS_INTERFACE, vtable, door);
    return r < 0 ? r : 0;
}
