/* SPDX-License-Identifier: Apache-2.0 */
/* The checks behind `doctor`: what holds on this host, seen from the running daemon. */
#include "manager/private.h"
#include "manager/steps.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

struct checks {
    check_view_fn fn;
    void *userdata;
    int result;
};

static void say(struct checks *c, const char *what, enum check_level level, const char *found,
                const char *fix) {
    const struct check_view v = {.what = what, .level = level, .found = found, .fix = fix};
    if (c->result >= 0)
        c->result = c->fn(c->userdata, &v);
}

static void check_groups(struct checks *c, const struct manager *m) {
    char found[700];
    static const enum check_level levels[CGROOT_MODE_MAX] = {
        [CGROOT_NONE] = CHECK_ABSENT, [CGROOT_HYBRID] = CHECK_DEGRADED, [CGROOT_UNIFIED] = CHECK_OK};
    static const char *const fixes[CGROOT_MODE_MAX] = {
        [CGROOT_NONE] =
            "run the service as root, or in a delegated group: systemd-run --user --scope -p Delegate=yes",
        [CGROOT_HYBRID] =
            "boot with systemd.unified_cgroup_hierarchy=1 (or cgroup_no_v1=all) for cgroup v2 controllers",
        [CGROOT_UNIFIED] = ""};
    snprintf(found, sizeof(found), "%s%s%s%s%s", cgroot_mode_name(m->cgroot.mode),
             m->cgroot.path[0] ? " at " : "", m->cgroot.path, m->cgroot.reason[0] ? "; " : "",
             m->cgroot.reason);
    say(c, "cgroup", levels[m->cgroot.mode], found, fixes[m->cgroot.mode]);
    struct guarantee guarantees[GUARANTEES];
    guarantees_of_host(&m->host, m->cgroot.mode, guarantees);
    for (size_t i = 0; i < GUARANTEES; i++) {
        enum check_level level = guarantees[i].level == GUARANTEE_ENFORCED   ? CHECK_OK
                                 : guarantees[i].level == GUARANTEE_DEGRADED ? CHECK_DEGRADED
                                                                             : CHECK_ABSENT;
        say(c, guarantees[i].what, level, guarantees[i].how, "");
    }
}

static void check_launcher(struct checks *c, const struct manager *m) {
    char found[160];
    snprintf(found, sizeof(found), "pid %u, %s", m->welcome.launcher_pid,
             m->welcome.can_change_uid ? "can start apps as their own users"
                                       : "without root: every app runs as this user");
    say(c, "launcher", m->welcome.can_change_uid ? CHECK_OK : CHECK_DEGRADED, found,
        m->welcome.can_change_uid ? "" : "run the service as root for tenants with users of their own");
    bool root = geteuid() == 0;
    say(c, "daemon", root ? CHECK_DEGRADED : CHECK_OK,
        root ? "runs as root: there is no user for it" : "runs without privileges",
        root ? "create the user 'streamkeeper' (systemd-sysusers does), or give the launcher --user" : "");
}

static void check_apps(struct checks *c, const struct manager *m) {
    char found[256], fix[256];
    for (size_t i = 0; i < m->n_apps; i++) {
        const struct app *a = m->apps[i];
        const char *state = app_summary(a);
        if (!a->known)
            continue;
        if (!app_class(a)) {
            snprintf(found, sizeof(found), "class '%s' is not in classes.d", a->spec.class);
            say(c, a->name, CHECK_DEGRADED, found, "bring the class back, or register the app in another");
        } else if (strcmp(state, "held") == 0 || strcmp(state, "failed-start") == 0) {
            snprintf(found, sizeof(found), "%s", state);
            snprintf(fix, sizeof(fix), "streamctl history %s; then streamctl start %s", a->name, a->name);
            say(c, a->name, CHECK_DEGRADED, found, fix);
        }
    }
}

int manager_each_check(struct manager *m, const struct caller *who, check_view_fn fn, void *userdata) {
    struct checks c = {fn, userdata, 0};
    check_groups(&c, m);
    check_launcher(&c, m);
    say(&c, "log", CHECK_OK,
        m->ports->log.to_journal(m->ports->log.ctx) ? "the journal" : "size-rotated files", "");
    if (access_is_operator(m, who))
        check_apps(&c, m);
    return c.result;
}
