/* SPDX-License-Identifier: Apache-2.0 */
/* The table of verbs. Help, completion and the parser all read it, so they cannot disagree. */
#ifndef CTL_VERBS_H
#define CTL_VERBS_H

#include "ctl/ctl.h"

struct verb {
    const char *name; /* NULL ends the table */
    const char *args; /* as shown in the help */
    const char *summary;
    const char *more;                              /* further help; "" */
    const char *options;                           /* letters of its own options (options.h) */
    int min_args, max_args;                        /* max -1: any number */
    int (*run)(struct ctl *c, int n, char **args); /* returns the exit code */
};

extern const struct verb verbs[];

const struct verb *verb_find(const char *name); /* NULL: none */
const char *verb_nearest(const char *name);     /* NULL: nothing similar */

int verb_register(struct ctl *c, int n, char **args);
int verb_unregister(struct ctl *c, int n, char **args);
int verb_start(struct ctl *c, int n, char **args);
int verb_stop(struct ctl *c, int n, char **args);
int verb_restart(struct ctl *c, int n, char **args);
int verb_scale(struct ctl *c, int n, char **args);
int verb_list(struct ctl *c, int n, char **args);
int verb_status(struct ctl *c, int n, char **args);
int verb_show(struct ctl *c, int n, char **args);
int verb_history(struct ctl *c, int n, char **args);
int verb_events(struct ctl *c, int n, char **args);
int verb_logs(struct ctl *c, int n, char **args);
int verb_validate(struct ctl *c, int n, char **args);
int verb_classes(struct ctl *c, int n, char **args);
int verb_tenants(struct ctl *c, int n, char **args);
int verb_doctor(struct ctl *c, int n, char **args);
int verb_simulate(struct ctl *c, int n, char **args);
int verb_version(struct ctl *c, int n, char **args);
int verb_help(struct ctl *c, int n, char **args);
int verb_names(struct ctl *c, int n, char **args);

#endif
