/* SPDX-License-Identifier: Apache-2.0 */
/* Who may do what: pure, over tables of numbers.
 *
 *   root and members of the operator group      everything, for every tenant
 *   a tenant's members and member groups         reading and steering that tenant's apps, within its classes,
 * users and quotas everybody else                               nothing
 *
 * A tenant's right never reaches a uid outside of its own run-as list, so there is no way from it to root. */
#ifndef MANAGER_AUTHORIZE_H
#define MANAGER_AUTHORIZE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct caller;

/* A tenant's members as numbers. */
struct tenant_ids {
    uint32_t *uids;
    size_t n_uids;
    uint32_t *gids;
    size_t n_gids;
};

/* `self_uid` is the uid of a service that runs without root: its owner administers it. */
bool caller_is_operator(const struct caller *who, bool has_operator_gid, uint32_t operator_gid,
                        uint32_t self_uid);
bool caller_acts_for(const struct caller *who, const struct tenant_ids *ids);

#endif
