/* SPDX-License-Identifier: Apache-2.0 */
/* streamkeeperd: reads what it is made of, wires it, runs the loop. Started by the launcher with its sockets
 * on fixed descriptors. */
#include "adapters/adapters.h"
#include "adapters/custody.h"
#include "api/api.h"
#include "base/fd.h"
#include "base/log.h"
#include "manager/manager.h"
#include "options.h"
#include "streamkeeper/exit.h"
#include "streamkeeper/names.h"
#include "streamkeeper/wire.h"
#include "wire/handover.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include <systemd/sd-event.h>
#include <unistd.h>

struct daemon {
    sd_event *loop;
    struct manager_parts parts;
    struct adapters *adapters;
    struct manager *manager;
    struct api *api;
    enum manager_end why;
};

static int read_conf(struct daemon *d, struct reason *why) {
    struct manager_parts *p = &d->parts;
    int r = daemon_conf_load(p->paths.etc, &p->conf, why);
    r = r < 0 ? r : class_table_load(p->paths.etc, &p->classes, why);
    r = r < 0 ? r : tenant_table_load(p->paths.etc, &p->tenants, why);
    if (r < 0)
        return r;
    r = cgroot_load(p->paths.run, &p->cgroot);
    return r < 0 ? reason_set(why, r,
                              "%s/" SK_CGROUP_FILE ", which streamkeeper-cgsetup writes, cannot be read: %s",
                              p->paths.run, strerror(-r))
                 : 0;
}

static void on_end(void *userdata, enum manager_end why) {
    struct daemon *d = userdata;
    d->why = why;
    sd_event_exit(d->loop, 0);
}

static void on_ready(void *userdata) {
    struct daemon *d = userdata;
    int r = api_start(d->api);
    if (r < 0)
        log_errno(LOG_LEVEL_ERROR, r, "Failed to serve the control socket");
    if (!d->parts.paths.root[0])
        api_connect_system_bus(d->api);
}

static int wire_up(struct daemon *d, struct reason *why) {
    struct manager_parts *p = &d->parts;
    int r = sd_event_default(&d->loop);
    if (r < 0)
        return reason_set(why, r, "no event loop: %s", strerror(-r));
    r = adapters_new(d->loop, &p->paths, &p->conf, &p->cgroot, &d->adapters, why);
    if (r < 0)
        return r;
    p->loop = d->loop;
    p->ports = adapters_ports(d->adapters);
    adapters_host_facts(d->adapters, &p->host);
    const struct api_limits limits = {.clients_max = p->conf.clients_max,
                                      .clients_per_user_max = p->conf.clients_per_user_max};
    r = manager_new(p, &d->manager);
    r = r < 0 ? r : api_new(d->loop, d->manager, SK_CONTROL_FD, &limits, &d->api);
    if (r < 0)
        return reason_set(why, r, "out of memory");
    manager_on_end(d->manager, on_end, d);
    manager_on_ready(d->manager, on_ready, d);
    r = manager_load(d->manager, why);
    return r < 0 ? r : manager_start(d->manager, SK_WIRE_FD, why);
}

static void take_down(struct daemon *d, struct handover_child *children, size_t *n) {
    if (d->why == MANAGER_END_LAUNCHER_GONE)
        *n = manager_take_children(d->manager, children, *n);
    else
        *n = 0;
    manager_free(d->manager);
    api_free(d->api);
    adapters_free(d->adapters);
    tenant_table_free(&d->parts.tenants);
    sd_event_unref(d->loop);
}

int main(int argc, char **argv) {
    struct daemon d = {.why = MANAGER_END_LEFT};
    struct reason why = {0};
    static struct handover_child children[16384];
    size_t n_children = ARRAY_LEN(children);
    log_open("streamkeeperd");
    int r = options_read(argc, argv, &d.parts.paths);
    if (r <= 0)
        return r < 0 ? SK_EXIT_USAGE : SK_EXIT_OK;
    options_prepare_process();
    r = read_conf(&d, &why);
    int failure = r < 0 ? SK_EXIT_INVALID : SK_EXIT_FAILURE;
    r = r < 0 ? r : wire_up(&d, &why);
    if (r < 0)
        log_error("%s", why.text);
    else
        r = sd_event_loop(d.loop);
    if (d.manager)
        take_down(&d, children, &n_children);
    if (r >= 0 && d.why == MANAGER_END_LAUNCHER_GONE)
        r = custody_run(SK_HANDOVER_FD, children, n_children);
    return r < 0 || d.why == MANAGER_END_PROTOCOL ? failure : SK_EXIT_OK;
}
