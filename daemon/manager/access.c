/* SPDX-License-Identifier: Apache-2.0 */
/* Turns the names in tenants.d into numbers and answers who may do what, with reasons. The rules are in
 * authorize.h. */
#include "base/log.h"
#include "manager/private.h"
#include "manager/steps.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static int resolve(struct manager *m, const struct tenant_conf *t, struct tenant_ids *ids) {
    const struct account_port *accounts = &m->ports->account;
    size_t users = text_list_len(t->members), groups = text_list_len(t->member_groups);
    ids->uids = calloc(users + 1, sizeof(*ids->uids));
    ids->gids = calloc(groups + 1, sizeof(*ids->gids));
    if (!ids->uids || !ids->gids)
        return -ENOMEM;
    for (size_t i = 0; i < users; i++) {
        struct account user;
        if (accounts->user(accounts->ctx, t->members[i], &user) < 0)
            log_warning("Tenant '%s': no user '%s' on this host, ignoring", t->name, t->members[i]);
        else
            ids->uids[ids->n_uids++] = user.uid;
    }
    for (size_t i = 0; i < groups; i++) {
        if (accounts->group(accounts->ctx, t->member_groups[i], &ids->gids[ids->n_gids]) < 0)
            log_warning("Tenant '%s': no group '%s' on this host, ignoring", t->name, t->member_groups[i]);
        else
            ids->n_gids++;
    }
    return 0;
}

void access_free(struct manager *m) {
    for (uint32_t i = 0; m->tenant_ids && i < m->tenants.n; i++) {
        free(m->tenant_ids[i].uids);
        free(m->tenant_ids[i].gids);
    }
    free(m->tenant_ids);
    m->tenant_ids = NULL;
}

int access_load(struct manager *m, struct reason *why) {
    access_free(m);
    m->tenant_ids = calloc(m->tenants.n + 1, sizeof(*m->tenant_ids));
    if (!m->tenant_ids)
        return reason_set(why, -ENOMEM, "out of memory");
    for (uint32_t i = 0; i < m->tenants.n; i++) {
        int r = resolve(m, &m->tenants.tenants[i], &m->tenant_ids[i]);
        if (r < 0)
            return reason_set(why, r, "tenant '%s': out of memory", m->tenants.tenants[i].name);
    }
    const struct account_port *accounts = &m->ports->account;
    m->has_operator_gid = accounts->group(accounts->ctx, m->conf.operator_group, &m->operator_gid) == 0;
    return 0;
}

bool access_is_operator(const struct manager *m, const struct caller *who) {
    return caller_is_operator(who, m->has_operator_gid, m->operator_gid, geteuid());
}

bool access_tenant(const struct manager *m, const struct caller *who, const char *tenant) {
    if (access_is_operator(m, who))
        return true;
    for (uint32_t i = 0; i < m->tenants.n; i++)
        if (strcmp(m->tenants.tenants[i].name, tenant) == 0)
            return caller_acts_for(who, &m->tenant_ids[i]);
    return false;
}

int access_app(struct manager *m, const struct caller *who, const char *name, struct app **ret,
               struct reason *why) {
    struct app *a = apps_find(m, name);
    char tenant[NAME_LEN_MAX + 1];
    if (a && a->known && access_tenant(m, who, app_tenant(a, tenant))) {
        *ret = a;
        return 0;
    }
    /* Whether another tenant's app exists is not the caller's business, unless it is known to be there at
     * all. */
    const char *slash = strchr(name, '/');
    if (slash && (size_t)(slash - name) <= NAME_LEN_MAX) {
        memcpy(tenant, name, (size_t)(slash - name));
        tenant[slash - name] = '\0';
        if (tenant_find(&m->tenants, tenant) && !access_tenant(m, who, tenant))
            return reason_set(
                why, -EPERM,
                "you (uid %u) do not act for tenant '%s': its members are listed in tenants.d/%s.conf",
                who->uid, tenant, tenant);
    }
    struct app *near = apps_nearest(m, who, name);
    if (near)
        return reason_set(why, -ENOENT, "no app '%s'; did you mean '%s'?", name, near->name);
    return reason_set(why, -ENOENT, "no app '%s'; streamctl list shows those you may see%s", name,
                      slash ? "" : ". An app's name is TENANT/APP");
}

static bool may_run_as(struct manager *m, const struct tenant_conf *t, const struct account *user) {
    const struct account_port *accounts = &m->ports->account;
    for (uint32_t i = 0; i < t->n_run_as; i++) {
        const struct tenant_run_as *range = &t->run_as[i];
        struct account named;
        if (range->name[0] ? accounts->user(accounts->ctx, range->name, &named) == 0 && named.uid == user->uid
                           : user->uid >= range->uid_first && user->uid <= range->uid_last)
            return true;
    }
    return false;
}

int access_account(const struct manager *m, const struct tenant_conf *t, const char *user,
                   struct account *ret, struct reason *why) {
    char number[16];
    if (!user && t->n_run_as == 0)
        return reason_set(why, -EPERM, "tenant '%s' has no run-as user in tenants.d/%s.conf", t->name,
                          t->name);
    if (!user) {
        snprintf(number, sizeof(number), "%" PRIu32, t->run_as[0].uid_first);
        user = t->run_as[0].name[0] ? t->run_as[0].name : number;
    }
    if (m->ports->account.user(m->ports->account.ctx, user, ret) < 0)
        return reason_set(why, -EINVAL, "[app] user: no user '%s' on this host", user);
    return 0;
}

static int check_user(struct manager *m, const struct tenant_conf *t, const struct spec *s,
                      struct reason *why) {
    struct account user;
    int r = access_account(m, t, s->user, &user, why);
    if (r < 0)
        return r;
    if (s->user && !may_run_as(m, t, &user))
        return reason_set(why, -EPERM,
                          "[app] user: '%s' (uid %" PRIu32 ") is not among the run-as users of tenant '%s'",
                          s->user, user.uid, t->name);
    const struct msg_welcome *w = &m->welcome;
    bool permitted = (user.uid >= w->uid_min && user.uid <= w->uid_max) ||
                     (w->owner_permitted && user.uid == w->owner_uid);
    if (w->can_change_uid && !permitted)
        return reason_set(why, -EPERM,
                          "[app] user: uid %" PRIu32 " is outside of what the launcher permits (%" PRIu32
                          "-%" PRIu32 ")",
                          user.uid, w->uid_min, w->uid_max);
    if (!w->can_change_uid && user.uid != geteuid())
        return reason_set(why, -EPERM,
                          "[app] user: this service runs without root and can start apps as uid %u only",
                          geteuid());
    return 0;
}

static int check_quota(struct manager *m, const struct tenant_conf *t, const struct spec *s,
                       struct reason *why) {
    uint64_t apps = 1, instances = s->instances;
    size_t len = strlen(t->name);
    for (size_t i = 0; i < m->n_apps; i++) {
        const struct app *a = m->apps[i];
        if (strncmp(a->name, t->name, len) != 0 || a->name[len] != '/' ||
            strcmp(a->name + len + 1, s->app) == 0)
            continue;
        apps++;
        instances += a->tip.instances;
    }
    if (apps > t->apps_max)
        return reason_set(why, -EDQUOT,
                          "tenant '%s' may have %" PRIu32
                          " apps and has them: unregister one, or ask for a larger apps-max",
                          t->name, t->apps_max);
    if (instances > t->instances_max)
        return reason_set(why, -EDQUOT,
                          "tenant '%s' may have %" PRIu32 " instances; this would make %" PRIu64
                          ": at most %" PRIu64 " fit here",
                          t->name, t->instances_max, instances,
                          t->instances_max - MIN(t->instances_max, instances - s->instances));
    return 0;
}

int access_spec(struct manager *m, const struct caller *who, const struct spec *s, struct reason *why) {
    const struct tenant_conf *t = tenant_find(&m->tenants, s->tenant);
    bool is_operator = access_is_operator(m, who);
    if (!t && is_operator)
        return reason_set(
            why, -ENOENT,
            "[app] name: no tenant '%s'; streamctl tenants lists them, tenants.d/%s.conf would make it",
            s->tenant, s->tenant);
    if (!t || !access_tenant(m, who, s->tenant))
        return reason_set(why, -EPERM, "you (uid %u) do not act for a tenant '%s'", who->uid, s->tenant);
    if (!class_find(&m->classes, s->class)) {
        char names[256] = "";
        for (uint32_t i = 0; i < m->classes.n; i++) {
            size_t at = strlen(names);
            text_format(names + at, sizeof(names) - at, "%s%s", i ? ", " : "", m->classes.classes[i].name);
        }
        return reason_set(why, -EINVAL, "[app] class: no class '%s'; there are %s", s->class, names);
    }
    if (!tenant_may_use_class(t, s->class))
        return reason_set(
            why, -EPERM,
            "[app] class: tenant '%s' may not use class '%s'; classes in tenants.d/%s.conf says which it may",
            t->name, s->class, t->name);
    int r = check_user(m, t, s, why);
    return r < 0 ? r : check_quota(m, t, s, why);
}
