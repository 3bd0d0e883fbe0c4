/* SPDX-License-Identifier: Apache-2.0 */
/* The manager's own structures, shared by its files only.
 *
 *   manager - apps (sorted by name) - members (one per instance number)
 *
 * A member wraps the pure machine of supervise/instance.h with what it needs to act: the present start's id,
 * descriptors, a timer. What happens outside sets a bit in `pending` and puts the member on the dirty list;
 * settle.c feeds the bits to the machine and carries out what it answers (act.c). An app's durable part is
 * its record: `tip` is the newest one queued for the disk, `record` the newest one that is there. */
#ifndef MANAGER_PRIVATE_H
#define MANAGER_PRIVATE_H

#include "base/list.h"
#include "manager/authorize.h"
#include "manager/gate.h"
#include "manager/manager.h"
#include "manager/map.h"
#include "supervise/link.h"
#include "supervise/notify.h"
#include "supervise/probe.h"

typedef struct sd_event_source sd_event_source;

struct app;

struct member {
    struct manager *manager; /* borrowed */
    struct app *app;         /* borrowed */
    uint32_t number;
    struct instance inst;
    struct list dirty; /* in manager->dirty */
    struct list gate;  /* in manager->gated[rank index] while gated */
    unsigned pending;  /* bits: 1 << enum instance_event */
    struct run_exit pending_exit;
    bool pending_manual;
    bool outdated; /* to be stopped and started again when its turn comes */
    bool doomed;   /* to be freed once it is down */
    bool replaced; /* in the present roll: while it fails, the roll halts */
    bool taken_over;

    uint64_t start_id; /* of the present or last start; key of the group watch */
    uint64_t noted_id; /* ends of starts up to this one are in the history already */
    uint64_t generation;
    uint64_t started_usec; /* CLOCK_REALTIME */
    pid_t pid;             /* 0: none */
    uint64_t start_ticks;
    int pidfd;                    /* owned */
    int leaf_fd;                  /* owned; -EBADF: no group */
    bool leaf_killed;             /* or perhaps: the next run gets a fresh leaf (groups.c) */
    char class[NAME_LEN_MAX + 1]; /* where the leaf is */
    bool watched, signalled, forget_wanted;
    uint64_t oom_before, cpu_before; /* counters of the leaf when the run began */
    bool oom_seen;
    uint64_t exit_seq;
    bool has_last_exit;               /* inst.exit is the end of some run */
    bool run_open;                    /* loaded: the record of the last run has no end */
    char run_boot_id[40];             /* ... and was written in this boot */
    pid_t adopt_pid;                  /* loaded: the pid of that record */
    enum restart_verdict run_verdict; /* loaded: what followed its end */
    struct notify *notify;
    struct probe *probe;
    uint64_t probe_id;            /* start id of a running exec probe; 0: none */
    sd_event_source *timer;       /* the machine's deadline */
    sd_event_source *probe_timer; /* between two exec probes, and the watchdog of the app */
    uint64_t watchdog_usec;
    uint64_t state_usec; /* CLOCK_REALTIME: when the state began */
    char status[128];    /* what the app said of itself */
    char stop_why[96];   /* who or what asked for the present stop */
    char detail[128];    /* of a failed start */
};

struct app {
    struct manager *manager;
    char name[2 * NAME_LEN_MAX + 2]; /* tenant/app */
    bool known;                      /* its record is on the disk */
    struct list changing;            /* changes under way, oldest first; that one is with the store */
    struct app_record record, tip;
    struct spec spec; /* of `record`; valid when known */
    struct restart_policy policy;
    struct member **members; /* index = number */
    uint32_t n_members;
    struct list roll;    /* in manager->rolling */
    uint64_t purge_id;   /* start id of the purge under way */
    uint32_t purge_next; /* instance whose state directory is next */
    bool purging, purge_failed;
};

struct ends {
    struct member_end *list; /* owned */
    size_t n, size;
};

struct class_state {
    struct list gated;
    struct resource_sum applied;
    uint64_t applied_shares; /* hash over what each tenant has of it */
    bool applied_valid;
};

struct manager {
    sd_event *loop;
    const struct ports *ports;
    struct paths paths;
    struct daemon_conf conf;
    struct class_table classes;
    struct tenant_table tenants;
    struct tenant_ids *tenant_ids; /* one per tenant */
    bool has_operator_gid;
    uint32_t operator_gid;
    struct host_facts host;
    struct cgroot cgroot;
    char boot_id[40];
    uint64_t started_usec;

    struct link *link;
    struct msg_welcome welcome;
    bool serving, stopping, ended;
    unsigned stop_step; /* of the shutdown: which class is being stopped */
    bool stop_told;     /* ... and its instances know */

    struct app **apps; /* sorted by name */
    size_t n_apps, apps_size;
    struct map starts; /* start id -> member */
    struct map tools;  /* start id of a purge -> app */
    struct ends ends;  /* of the launcher's replay */
    char **unreadable; /* names of apps whose record is not understood: they are left alone */
    uint64_t last_start_id;
    uint64_t event_seq;

    struct list dirty, rolling;
    struct class_state class_states[CLASS_MAX];
    struct gate gate;
    sd_event_source *settle_source, *gate_timer;
    bool sums_dirty;

    struct store_change *notes; /* kept back until the end of the turn; keys and values owned */
    size_t n_notes;

    enum manager_end end_why;
    manager_end_fn on_end;
    void *on_end_userdata;
    void (*on_ready)(void *);
    void *on_ready_userdata;
};

/* apps.c */
struct app *apps_find(const struct manager *m, const char *name);
struct app *apps_nearest(const struct manager *m, const struct caller *who, const char *name);
int apps_add(struct manager *m, const char *tenant, const char *app, struct app **ret);
void apps_drop(struct app *a); /* frees it */
const char *app_tenant(const struct app *a, char buf[NAME_LEN_MAX + 1]);
const char *app_summary(const struct app *a);
int app_resize(struct app *a, uint32_t instances); /* makes members; marks those beyond as doomed */
void app_trim(struct app *a);                      /* frees doomed members that are down */
void member_free(struct member *mb);
bool member_is_down(const struct member *mb);
static inline bool app_is_changing(const struct app *a) {
    return !list_is_empty(&a->changing);
}
const struct class_conf *app_class(const struct app *a);
unsigned class_index(const struct manager *m, const char *name); /* CLASS_MAX for none */

/* settle.c */
void member_mark(struct member *mb, enum instance_event event);
void member_mark_exit(struct member *mb, const struct run_exit *exit);
void member_want(struct member *mb, bool manual);
void member_stop(struct member *mb, const char *why);
void app_roll(struct app *a);
void manager_kick(struct manager *m); /* settle at the end of this loop turn */
int settle_attach(struct manager *m);

/* act.c, spawn.c, ready.c */
void member_act(struct member *mb, unsigned actions);
void member_arm(struct member *mb);
void member_sweep(struct member *mb);
int member_spawn(struct member *mb);
void member_forget_run(struct member *mb); /* closes what belongs to a run that is over */
void member_watch_ready(struct member *mb);
void member_end_ready(struct member *mb);
void member_watchdog(struct member *mb);
int member_open_notify(struct member *mb);
void member_probe_exited(struct member *mb, const struct msg_exited *exit);
int spawn_account(const struct app *a, struct account *ret, struct reason *why);
int spawn_tool(struct app *a, uint32_t number, uint64_t start_id);
int spawn_probe(struct member *mb, uint64_t start_id);
/* Ids are times (CLOCK_REALTIME) and only grow. Those of helpers (readiness commands, state tools) are odd,
 * so that the next daemon does not take one for the instance. */
uint64_t manager_new_start_id(struct manager *m);
uint64_t manager_new_helper_id(struct manager *m);
bool start_id_is_helper(uint64_t start_id);

/* groups.c */
void groups_apply_sums(struct manager *m);
int groups_open_leaf(struct member *mb);
void groups_close_leaf(struct member *mb, bool remove);
void groups_event(void *userdata, uint64_t key, bool oom);

/* reports.c, takeover.c, shutdown.c, removal.c */
extern const struct link_callbacks manager_link_callbacks;
void takeover_child(struct manager *m, const struct msg_child *child, int pidfd);
void takeover_exit(struct manager *m, const struct msg_exited *exit);
void takeover_settle(struct manager *m);
void takeover_adopted(struct manager *m, const struct msg_child *child, int pidfd);
void takeover_adopt_failed(struct manager *m, uint64_t start_id);
void run_exit_from_message(const struct msg_exited *m, struct run_exit *ret);
void shutdown_begin(struct manager *m, enum msg_terminate_why why);
void shutdown_continue(struct manager *m);
void removal_continue(struct app *a); /* an app that is unregistered: next step */
void removal_tool_exited(struct app *a, bool ok);
struct app *removal_find(struct manager *m, uint64_t start_id);

/* change.c */
int app_load_record(struct app *a, struct app_record *record); /* start-up; takes what the record owns */
struct change;                                                 /* a verb on its way to the disk */
void changes_drop(struct app *a);                              /* forgets those under way, unanswered */
int change_begin(struct app *a, const struct app_record *next, const struct caller *who, enum event_kind kind,
                 verb_done_fn done, void *userdata, const char *text, bool manual);

/* note.c: history and events */
void note_event(struct manager *m, enum event_kind kind, const struct app *a, int32_t number, int64_t actor,
                const char *format, ...) ATTR_PRINTF(6, 7);
void note_exit(struct member *mb);
void note_flush(struct manager *m); /* what was kept back this turn */
int note_commit(struct manager *m, const struct store_change *changes, size_t n, bool sync,
                store_done_fn done, void *userdata); /* behind what was kept back */
/* The end of a start that others have followed. */
void note_past_exit(struct member *mb, uint64_t start_id, pid_t pid, const struct run_exit *exit);
void note_run(struct member *mb, bool ended);

/* access.c */
int access_load(struct manager *m, struct reason *why);
void access_free(struct manager *m);
bool access_is_operator(const struct manager *m, const struct caller *who);
bool access_tenant(const struct manager *m, const struct caller *who, const char *tenant);
int access_app(struct manager *m, const struct caller *who, const char *name, struct app **ret,
               struct reason *why);
/* The user of a spec; NULL: the first of the tenant's run-as. -EPERM: it has none; -EINVAL: no such user. */
int access_account(const struct manager *m, const struct tenant_conf *t, const char *user,
                   struct account *ret, struct reason *why);
int access_spec(struct manager *m, const struct caller *who, const struct spec *s, struct reason *why);

#endif
