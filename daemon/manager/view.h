/* SPDX-License-Identifier: Apache-2.0 */
/* What readers of the manager see, at one moment. Nothing here changes anything. */
#ifndef MANAGER_VIEW_H
#define MANAGER_VIEW_H

#include "base/reason.h"
#include "conf/class.h"
#include "conf/tenant.h"
#include "manager/caller.h"
#include "manager/ports.h"
#include "manager/record.h"
#include "supervise/instance.h"

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

struct manager;

/* Views: what a reader may see, at one moment. Texts are borrowed for the call. Times are CLOCK_REALTIME
 * microseconds, 0 unknown. */
struct instance_view {
    uint32_t number;
    enum instance_state state;
    pid_t pid;           /* 0: no process */
    uint32_t restarts;   /* automatic ones since the last manual start */
    uint64_t since_usec; /* when the state began */
    uint64_t
        next_usec; /* when something happens by itself (a restart, the end of a grace), 0: nothing will */
    uint64_t generation; /* of the spec it was started from; 0 when it does not run */
    bool outdated;   /* it is going to be replaced: a restart or a new generation has not reached it yet */
    const char *why; /* one line: what it waits for, why it is held, what the app said of itself; "" */
    const struct run_exit *last_exit;       /* NULL: none */
    uint64_t cpu_usec, memory_bytes, tasks; /* UINT64_MAX unknown; filled in status only */
};

struct app_view {
    const char *name; /* tenant/app */
    const char *tenant, *app, *class;
    const char *state; /* of the whole: running, starting, degraded, stopped, held, … (app_summary) */
    bool wanted;       /* it is to run */
    uint64_t generation, registered_usec;
    uint32_t registered_by; /* uid */
    const struct spec *spec;
    const struct instance_view *instances;
    uint32_t n_instances;
};

/* Calls fn for each app the caller may read, by name; `with_usage` fills usage numbers (reads control files).
 */
typedef int (*app_view_fn)(void *userdata, const struct app_view *v);
int manager_each_app(struct manager *m, const struct caller *who, bool with_usage, app_view_fn fn,
                     void *userdata);
/* One app. -ENOENT names the nearest app in the reason; -EPERM. */
int manager_view_app(struct manager *m, const struct caller *who, const char *name, bool with_usage,
                     app_view_fn fn, void *userdata, struct reason *why);

/* History and events come from the registry, newest first for history, oldest first for events. Entries are
 * borrowed for the call. */
struct event_view {
    uint64_t seq; /* position; pass it back as `after` */
    const struct event_record *event;
};
typedef void (*exits_fn)(void *userdata, int error, const struct exit_record *exits, size_t n);
typedef void (*events_fn)(void *userdata, int error, const struct event_view *events, size_t n);
int manager_history(struct manager *m, const struct caller *who, const char *name, uint32_t limit,
                    exits_fn fn, void *userdata, struct reason *why);
/* name NULL: of all apps the caller may read. `after` 0: the last `limit`; else those beyond it. */
int manager_events(struct manager *m, const struct caller *who, const char *name, uint64_t after,
                   uint32_t limit, events_fn fn, void *userdata, struct reason *why);

/* Lines of an instance's output (ports.h: log_port). */
int manager_logs(struct manager *m, const struct caller *who, const char *name, uint32_t number,
                 const char *cursor, uint32_t lines, log_lines_fn fn, void *userdata, struct reason *why);

/* What the service is made of, for classes, tenants, doctor, version. Borrowed; valid until the next loop
 * turn. */
struct class_view {
    const struct class_conf *conf;
    uint32_t apps, instances, running;
    struct group_usage usage; /* of the class group */
};
struct tenant_view {
    const struct tenant_conf *conf;
    uint32_t apps, instances, running;
    bool mine; /* the caller acts for it */
};
typedef int (*class_view_fn)(void *userdata, const struct class_view *v);
typedef int (*tenant_view_fn)(void *userdata, const struct tenant_view *v);
int manager_each_class(struct manager *m, const struct caller *who, class_view_fn fn, void *userdata);
int manager_each_tenant(struct manager *m, const struct caller *who, tenant_view_fn fn, void *userdata);

enum check_level { CHECK_OK, CHECK_DEGRADED, CHECK_ABSENT, CHECK_MAX };
struct check_view {
    const char *what; /* "cpu", "memory", "cgroup", "launcher", "registry", "journal", … */
    enum check_level level;
    const char *found; /* what is so */
    const char *fix;   /* a command or an action; "" */
};
typedef int (*check_view_fn)(void *userdata, const struct check_view *v);
int manager_each_check(struct manager *m, const struct caller *who, check_view_fn fn, void *userdata);

struct service_view {
    pid_t launcher_pid;
    uint64_t started_usec;
    uint32_t apps, instances, running;
    const char *root;   /* "" for the system's folders */
    const char *cgroup; /* path, "" */
    const char *cgroup_mode;
    bool serving, stopping;
};
void manager_service(const struct manager *m, struct service_view *ret);

#endif
