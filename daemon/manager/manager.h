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
#include "manager/caller.h"
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

#endif
