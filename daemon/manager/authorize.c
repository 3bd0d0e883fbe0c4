/* SPDX-License-Identifier: Apache-2.0 */
/* The rules of authorize.h; looks nothing up. */
#include "manager/authorize.h"
#include "manager/caller.h"

static bool in_group(const struct caller *who, uint32_t gid) {
    if (who->gid == gid)
        return true;
    for (size_t i = 0; i < who->n_groups; i++)
        if (who->groups[i] == gid)
            return true;
    return false;
}

bool caller_is_operator(const struct caller *who, bool has_operator_gid, uint32_t operator_gid,
                        uint32_t self_uid) {
    return who->uid == 0 || who->uid == self_uid || (has_operator_gid && in_group(who, operator_gid));
}

bool caller_acts_for(const struct caller *who, const struct tenant_ids *ids) {
    for (size_t i = 0; i < ids->n_uids; i++)
        if (ids->uids[i] == who->uid)
            return true;
    for (size_t i = 0; i < ids->n_gids; i++)
        if (in_group(who, ids->gids[i]))
            return true;
    return false;
}
