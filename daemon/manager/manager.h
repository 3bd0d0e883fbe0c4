/* SPDX-License-Identifier: Apache-2.0 */
/* The manager owns all apps and is the only one who decides about them.
 *
 * Everything that happens outside (a request, an exit, a readiness message, a timer) only marks; one settle
 * step per turn of the event loop looks at what is marked and acts. So nothing recurses, and what a person
 * asked for and what the world did meet in one place.
 *
 * Verbs come from the API. Each takes the caller, checks his rights first, and either refuses at once
 * (negative errno and a reason: -EINVAL the request is wrong, -ENOENT unknown name, -EPERM he may not,
 * -EDQUOT or -EBUSY it does not fit now) or answers through `done` when what it promises is on the disk.
 * Verbs return 0 when done will be called (later, exactly once), and nothing was changed otherwise.
 * "Accepted" is not "reached": whoever wants to know watches the app's view. */
#ifndef MANAGER_MANAGER_H
#define MANAGER_MANAGER_H

#include "base/reason.h"
#include "conf/class.h"
#include "conf/daemon_conf.h"
#include "conf/tenant.h"
#include "isolate/knobs.h"
#include "manager/ports.h"
#include "manager/record.h"
#include "supervise/instance.h"

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

struct manager;
typedef struct sd_event sd_event;

/* Everything it is made of; tables are taken over (their owner is the manager), ports are borrowed. */
struct manager_parts {
    sd_event *loop;
    const struct ports *ports;
    struct paths paths;
    struct daemon_conf conf;
    struct class_table classes;
    struct tenant_table tenants;
    struct host_facts host;
    struct cgroot cgroot;
};

/* new allocates; load reads the registry (blocking, start-up); start connects to the launcher over `socket`
 * (taken) and takes over what runs. 0 or -errno with a reason. free undoes any prefix. */
int manager_new(struct manager_parts *parts, struct manager **ret);
int manager_load(struct manager *m, struct reason *why);
int manager_start(struct manager *m, int socket, struct reason *why);
void manager_free(struct manager *m);

/* Why the loop should end, told once. After LAUNCHER_GONE the pidfds of running starts can be taken with
 * manager_take_children. */
enum manager_end { MANAGER_END_STOPPED, MANAGER_END_LEFT, MANAGER_END_LAUNCHER_GONE, MANAGER_END_PROTOCOL };
typedef void (*manager_end_fn)(void *userdata, enum manager_end why);
void manager_on_end(struct manager *m, manager_end_fn fn, void *userdata);
struct handover_child;
size_t manager_take_children(struct manager *m, struct handover_child *ret, size_t max);

/* True once everything that ran was taken over and requests are welcome; `ready` is called at that moment. */
bool manager_is_serving(const struct manager *m);
void manager_on_ready(struct manager *m, void (*ready)(void *userdata), void *userdata);

/* Whoever asks. Known to the kernel, not claimed. */
struct caller {
    uid_t uid;
    gid_t gid;
    pid_t pid;
    const gid_t *groups; /* supplementary; borrowed */
    size_t n_groups;
};

/* What a verb did. Borrowed for the call. */
struct verb_result {
    int error;           /* 0, or negative errno */
    const char *text;    /* the reason, or one line for a person: "registered payments/enrich (generation 3),
                            restarting 2 instances" */
    const char *name;    /* the app */
    uint64_t generation; /* of the spec; 0 when none */
    bool changed;        /* false: it was so already */
};
typedef void (*verb_done_fn)(void *userdata, const struct verb_result *result);

/* Checks like manager_register, changes nothing, answers at once. ret_name (may be NULL) gets tenant/app. */
int manager_validate(struct manager *m, const struct caller *who, const char *file, const char *text,
                     size_t len, char ret_name[], size_t name_size, struct reason *why);
int manager_register(struct manager *m, const struct caller *who, const char *file, const char *text,
                     size_t len, bool start, verb_done_fn done, void *userdata, struct reason *why);
/* Stops the instances, then forgets the app; with purge its state directories too. `done` comes when the
 * intent is on the disk. */
int manager_unregister(struct manager *m, const struct caller *who, const char *name, bool purge,
                       verb_done_fn done, void *userdata, struct reason *why);

#define MANAGER_ALL_INSTANCES UINT32_MAX
int manager_start_app(struct manager *m, const struct caller *who, const char *name, verb_done_fn done,
                      void *userdata, struct reason *why);
int manager_stop_app(struct manager *m, const struct caller *who, const char *name, verb_done_fn done,
                     void *userdata, struct reason *why);
/* All instances one after another, each ready before the next; or one of them. */
int manager_restart_app(struct manager *m, const struct caller *who, const char *name, uint32_t number,
                        verb_done_fn done, void *userdata, struct reason *why);
int manager_scale_app(struct manager *m, const struct caller *who, const char *name, uint32_t instances,
                      verb_done_fn done, void *userdata, struct reason *why);

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
