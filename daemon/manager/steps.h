/* SPDX-License-Identifier: Apache-2.0 */
/* What the manager's files do for each other. Each group of functions is in the file named above it. */
#ifndef MANAGER_STEPS_H
#define MANAGER_STEPS_H

#include "manager/private.h"

/* apps.c */
struct app *apps_find(const struct manager *m, const char *name);
struct app *apps_nearest(const struct manager *m, const struct caller *who, const char *name);
int apps_add(struct manager *m, const char *tenant, const char *app, struct app **ret);
void apps_drop(struct app *a); /* frees it */
const char *app_tenant(const struct app *a, char buf[NAME_LEN_MAX + 1]);
const char *app_summary(const struct app *a);
int app_resize(struct app *a, uint32_t instances); /* makes members; marks those beyond as doomed */
void app_remember(struct app *a, uint32_t number, uint64_t exit_seq, uint64_t noted_id);
void app_trim(struct app *a); /* frees doomed members that are down */
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
/* The newest change under way is a restart of what runs. */
void change_restarts(struct app *a, uint32_t number);
void app_restart(struct app *a, uint32_t number); /* of one instance, or MANAGER_ALL_INSTANCES */
int change_begin(struct app *a, const struct app_record *next, const struct caller *who, enum event_kind kind,
                 verb_done_fn done, void *userdata, const char *text, bool manual);

/* note.c: history and events */
void note_event(struct manager *m, enum event_kind kind, const struct app *a, int32_t number, int64_t actor,
                const char *format, ...) ATTR_PRINTF(6, 7);
void note_exit(struct member *mb);
void note_amend_exit(const struct app *a,
                     const struct exit_record *r); /* an entry that is there, with more in it */
void last_line_ask(struct member *mb, const struct exit_record *r); /* last_line.c */
void note_flush(struct manager *m);                                 /* what was kept back this turn */
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
