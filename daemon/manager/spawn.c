/* SPDX-License-Identifier: Apache-2.0 */
/* From a spec to the request the launcher gets: expansion, environment, settings of the class, group and log.
 */
#include "base/fd.h"
#include "base/log.h"
#include "manager/private.h"
#include "manager/steps.h"
#include "streamkeeper/names.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>

static uint64_t new_id(struct manager *m, unsigned odd) {
    uint64_t now = m->ports->clock.realtime(m->ports->clock.ctx);
    m->last_start_id = MAX(now, m->last_start_id + 1);
    m->last_start_id += (m->last_start_id & 1) != odd;
    return m->last_start_id;
}

uint64_t manager_new_start_id(struct manager *m) {
    return new_id(m, 0);
}

uint64_t manager_new_helper_id(struct manager *m) {
    return new_id(m, 1);
}

bool start_id_is_helper(uint64_t start_id) {
    return start_id & 1;
}

/* The texts of one request, freed together after it was sent. */
struct request {
    struct msg_spawn msg;
    char tenant[NAME_LEN_MAX + 1];
    char state_dir[1024], member_id[256], client_id[256], log_name[256], workdir[1024];
    char **argv, **env;
};

static void request_free(struct request *q) {
    text_list_free(q->argv);
    text_list_free(q->env);
}

#define AUTO_REQUEST CLEANUP(request_free) struct request

int spawn_account(const struct app *a, struct account *ret, struct reason *why) {
    char tenant[NAME_LEN_MAX + 1];
    const struct tenant_conf *t = tenant_find(&a->manager->tenants, app_tenant(a, tenant));
    if (!t)
        return reason_set(why, -ENOENT, "tenant '%s' is not in tenants.d any more", tenant);
    return access_account(a->manager, t, a->spec.user, ret, why);
}

static int fill_texts(struct request *q, struct member *mb) {
    const struct spec *s = &mb->app->spec;
    const char *app = strchr(mb->app->name, '/') + 1;
    app_tenant(mb->app, q->tenant);
    if (text_format(q->state_dir, sizeof(q->state_dir), "%s/%s/%u", mb->manager->paths.state, mb->app->name,
                    mb->number) < 0 ||
        text_format(q->member_id, sizeof(q->member_id), "%s.%s.%u", q->tenant, app, mb->number) < 0 ||
        text_format(q->client_id, sizeof(q->client_id), "%s.%s", s->class, q->member_id) < 0 ||
        text_format(q->log_name, sizeof(q->log_name), "%s/%u", mb->app->name, mb->number) < 0)
        return -ENAMETOOLONG;
    return 0;
}

static int add_env(char ***env, const char *format, ...) ATTR_PRINTF(2, 3);

static int add_env(char ***env, const char *format, ...) {
    char text[2048];
    va_list ap;
    va_start(ap, format);
    int n = vsnprintf(text, sizeof(text), format, ap);
    va_end(ap);
    return n < 0 || (size_t)n >= sizeof(text) ? -ENAMETOOLONG : text_list_add(env, text);
}

/* A clean environment: what is said here and what the spec adds, which wins. */
static int fill_env(struct request *q, struct member *mb, const struct account *user, char *const *own) {
    int r = add_env(&q->env, "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin");
    r = r < 0 ? r : add_env(&q->env, "LANG=C.UTF-8");
    r = r < 0 ? r : add_env(&q->env, "HOME=%s", user->home[0] ? user->home : "/");
    if (r >= 0 && user->name[0])
        r = add_env(&q->env, "USER=%s", user->name);
    if (r >= 0 && user->name[0])
        r = add_env(&q->env, "LOGNAME=%s", user->name);
    r = r < 0 ? r : add_env(&q->env, SK_ENV_STATE_DIR "=%s", q->state_dir);
    r = r < 0 ? r : add_env(&q->env, SK_ENV_APP "=%s", mb->app->name);
    r = r < 0 ? r : add_env(&q->env, SK_ENV_INSTANCE "=%u", mb->number);
    r = r < 0 ? r : add_env(&q->env, SK_ENV_CLASS "=%s", mb->app->spec.class);
    r = r < 0 ? r : add_env(&q->env, SK_ENV_START_ID "=%" PRIu64, mb->start_id);
    if (r >= 0 && mb->notify)
        r = add_env(&q->env, "NOTIFY_SOCKET=%s", notify_path(mb->notify));
    for (char *const *p = own; r >= 0 && p && *p; p++) {
        size_t name = strcspn(*p, "=") + 1;
        for (char **known = q->env; known && *known; known++)
            if (strncmp(*known, *p, name) == 0) {
                free(*known);
                *known = strdup(*p);
                r = *known ? 1 : -ENOMEM;
                break;
            }
        r = r == 0 ? text_list_add(&q->env, *p) : MIN(r, 0);
    }
    return MIN(r, 0);
}

static void fill_limits(struct msg_spawn *q, const struct spec *s, bool has_pids) {
    q->rlimits[q->n_rlimits++] = (struct msg_rlimit){RLIMIT_CORE, 0, RLIM_INFINITY};
    if (s->open_files_max)
        q->rlimits[q->n_rlimits++] = (struct msg_rlimit){RLIMIT_NOFILE, s->open_files_max, s->open_files_max};
    /* Without a pids controller a process limit per user is the only thing that holds a fork bomb. */
    if (!has_pids && s->tasks_max)
        q->rlimits[q->n_rlimits++] = (struct msg_rlimit){RLIMIT_NPROC, s->tasks_max, s->tasks_max};
}

static int copy_words(char *const *list, const char **to, size_t *n) {
    *n = text_list_len(list);
    if (*n > SK_WIRE_ARGS_MAX)
        return -E2BIG;
    for (size_t i = 0; i < *n; i++)
        to[i] = list[i];
    to[*n] = NULL;
    return 0;
}

static int fill(struct request *q, struct member *mb, char *const *command, struct reason *why) {
    const struct spec *s = &mb->app->spec;
    struct manager *m = mb->manager;
    struct account user;
    int r = spawn_account(mb->app, &user, why);
    if (r < 0)
        return r;
    const struct spec_specifiers values = {.state_directory = q->state_dir,
                                           .number = mb->number,
                                           .app = strchr(mb->app->name, '/') + 1,
                                           .tenant = q->tenant,
                                           .client_id = q->client_id,
                                           .member_id = q->member_id};
    CLEANUP(cleanup_text_list) char **own = NULL;
    CLEANUP(cleanup_text_list) char **workdir = NULL;
    char *const workdir_words[] = {s->working_directory, NULL};
    r = spec_expand(command, &values, &q->argv);
    r = r < 0 ? r : spec_expand(s->environment, &values, &own);
    r = r < 0 ? r : spec_expand(workdir_words, &values, &workdir);
    r = r < 0 ? r : fill_env(q, mb, &user, own);
    r = r < 0 ? r : copy_words(q->argv, q->msg.argv, &q->msg.n_argv);
    r = r < 0 ? r : copy_words(q->env, q->msg.env, &q->msg.n_env);
    r = r < 0 ? r
              : text_format(q->workdir, sizeof(q->workdir), "%s", workdir && workdir[0] ? workdir[0] : "");
    if (r < 0)
        return reason_set(why, r, "the command or environment is too long");

    struct process_settings settings;
    process_settings_for(app_class(mb->app), &m->host, &settings);
    struct msg_spawn *msg = &q->msg;
    msg->flags = MSG_SPAWN_STATE_DIR | (settings.autogroup ? MSG_SPAWN_AUTOGROUP : 0);
    msg->tenant = q->tenant;
    msg->app = values.app;
    msg->number = mb->number;
    msg->log_name = q->log_name;
    msg->uid = user.uid;
    msg->gid = user.gid;
    msg->n_groups = user.n_groups;
    memcpy(msg->groups, user.groups, user.n_groups * sizeof(user.groups[0]));
    msg->umask = s->umask;
    msg->nice = settings.nice;
    msg->sched_policy = settings.sched_policy;
    msg->sched_slice_usec = settings.sched_slice_usec;
    msg->ioprio = settings.ioprio;
    msg->oom_score_adj = settings.oom_score_adj;
    msg->working_directory = q->workdir;
    fill_limits(msg, s, m->host.has_pids);
    return 0;
}

static int send(struct request *q, struct member *mb, int leaf_fd) {
    struct manager *m = mb->manager;
    const struct log_port *log = &m->ports->log;
    AUTO_FD int log_fd = -EBADF;
    if (log->to_journal(log->ctx))
        q->msg.flags |= MSG_SPAWN_JOURNAL;
    else {
        log_fd = log->open(log->ctx, q->msg.tenant, q->msg.app, q->msg.number);
        if (log_fd < 0)
            return log_errno(LOG_LEVEL_WARNING, log_fd, "Failed to open the log of '%s/%u'", mb->app->name,
                             mb->number);
    }
    return link_spawn(m->link, &q->msg, leaf_fd, log_fd);
}

static int open_leaf(struct member *mb) {
    const struct group_port *group = &mb->manager->ports->group;
    int r = groups_open_leaf(mb);
    if (r == -EOPNOTSUPP)
        return 0; /* no groups on this host; said at start-up and by doctor */
    if (r < 0)
        return r;
    struct group_usage usage;
    group->usage(group->ctx, mb->leaf_fd, &usage);
    mb->oom_before = usage.oom_kills;
    mb->cpu_before = usage.cpu_usec;
    mb->oom_seen = false;
    r = group->watch(group->ctx, mb->start_id, mb->leaf_fd);
    if (r < 0)
        return r;
    mb->watched = true;
    return 0;
}

static void renew_start_id(struct member *mb) {
    struct manager *m = mb->manager;
    if (mb->watched) {
        m->ports->group.unwatch(m->ports->group.ctx, mb->start_id);
        mb->watched = false;
    }
    map_remove(&m->starts, mb->start_id);
    mb->start_id = manager_new_start_id(m);
}

int member_spawn(struct member *mb) {
    struct manager *m = mb->manager;
    struct reason why = {0};
    member_forget_run(mb);
    renew_start_id(mb);
    mb->detail[0] = mb->stop_why[0] = '\0';
    mb->generation = mb->app->record.generation;
    mb->outdated = mb->taken_over = false;
    mb->started_usec = m->ports->clock.realtime(m->ports->clock.ctx);
    if (!app_class(mb->app)) {
        text_format(mb->detail, sizeof(mb->detail), "class '%s' is not in classes.d any more",
                    mb->app->spec.class);
        return -ENOENT;
    }
    AUTO_REQUEST q = {.msg.start_id = mb->start_id};
    int r = map_set(&m->starts, mb->start_id, mb);
    r = r < 0 ? r : fill_texts(&q, mb);
    r = r < 0 ? r : open_leaf(mb);
    r = r < 0 ? r : member_open_notify(mb);
    r = r < 0 ? r : fill(&q, mb, mb->app->spec.command, &why);
    if (r >= 0) {
        note_run(mb, false);
        r = send(&q, mb, mb->leaf_fd);
    }
    if (r < 0 && why.text[0])
        text_format(mb->detail, sizeof(mb->detail), "%s", why.text);
    return r;
}

/* Runs the readiness command of a spec as the instance would, in its group. */
int spawn_probe(struct member *mb, uint64_t start_id) {
    AUTO_REQUEST q = {.msg.start_id = start_id};
    int r = fill_texts(&q, mb);
    r = r < 0 ? r : fill(&q, mb, mb->app->spec.ready_command, NULL);
    return r < 0 ? r : send(&q, mb, mb->leaf_fd);
}

/* Runs the state tool on the state directory of an instance of an app that is gone. */
int spawn_tool(struct app *a, uint32_t number, uint64_t start_id) {
    struct member *mb = a->members[number];
    static char program[] = "streamkeeper-state", verb[] = "delete", here[] = ".";
    char *const command[] = {program, verb, here, NULL};
    AUTO_REQUEST q = {.msg.start_id = start_id};
    int r = app_class(a) ? groups_open_leaf(mb) : -ENOENT;
    r = r == -EOPNOTSUPP ? 0 : r;
    r = r < 0 ? r : fill_texts(&q, mb);
    r = r < 0 ? r : fill(&q, mb, command, NULL);
    q.workdir[0] = '\0';
    q.msg.flags |= MSG_SPAWN_STATE_TOOL;
    return r < 0 ? r : send(&q, mb, mb->leaf_fd);
}
