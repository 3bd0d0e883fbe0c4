/* SPDX-License-Identifier: Apache-2.0 */
/* Names of leaf groups: "<app>.<n>", n decimal without leading zeros. Control files end in a word and groups
 * of tenants and classes hold no dot, so the names of groups and of control files never meet. */
#ifndef CGROUP_LEAFNAME_H
#define CGROUP_LEAFNAME_H

#include "base/text.h"

#include <stdint.h>

#define LEAF_NAME_SIZE (NAME_LEN_MAX + 12)

/* Returns 0, or -EINVAL when app is no name (ret untouched). */
int leafname_format(const char *app, uint32_t number, char ret[LEAF_NAME_SIZE]);

/* Returns 0, or -EINVAL for a name of another form (outputs untouched). ret_app holds NAME_LEN_MAX + 1. */
int leafname_parse(const char *name, char *ret_app, uint32_t *ret_number);

#endif
