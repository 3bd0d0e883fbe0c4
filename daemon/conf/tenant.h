/* SPDX-License-Identifier: Apache-2.0 */
/* A tenant: who may act for it, as whom its apps may run, in which classes and how much (tenants.d/NAME.conf;
 * the file name is the tenant's name). Written by root; a tenant cannot change it. */
#ifndef CONF_TENANT_H
#define CONF_TENANT_H

#include "base/reason.h"
#include "base/text.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A uid or a range of them; names are kept and resolved when used. */
struct tenant_run_as {
    char name[64]; /* a user name, or "" : */
    uint32_t uid_first, uid_last;
};

struct tenant_conf {
    char name[NAME_LEN_MAX + 1];
    char **members;               /* user names or uids who may act on the tenant's apps */
    char **member_groups;         /* group names or gids whose members may */
    struct tenant_run_as *run_as; /* what `user` of its specs may be; the first is the default */
    uint32_t n_run_as;
    char **classes;         /* classes its apps may use; "*" is every class; NULL: all but `critical` */
    uint32_t apps_max;      /* default 100 */
    uint32_t instances_max; /* of all its apps; default 1000 */
};

struct tenant_table {
    struct tenant_conf *tenants;
    uint32_t n;
};

int tenant_parse(const char *file, const char *name, const char *text, size_t len, struct tenant_conf *ret,
                 struct reason *why);
void tenant_free(struct tenant_conf *t);

/* By t->classes, whether or not there is such a class. */
bool tenant_may_use_class(const struct tenant_conf *t, const char *class);

/* Reads tenants.d below the etc folder. A folder that is missing or empty gives an empty table. Returns 0 or
 * -errno with a reason. */
int tenant_table_load(const char *etc, struct tenant_table *ret, struct reason *why);

/* Puts the one tenant `default`, owned by that uid, running as it, with every class, into an empty table.
 * Returns 0 or -ENOMEM. */
int tenant_table_set_default(struct tenant_table *t, uint32_t owner_uid);
void tenant_table_free(struct tenant_table *t);
const struct tenant_conf *tenant_find(const struct tenant_table *t, const char *name);
int tenant_print(const struct tenant_conf *t, char **ret_text);

#endif
