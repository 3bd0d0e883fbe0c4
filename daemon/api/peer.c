/* SPDX-License-Identifier: Apache-2.0 */
/* SO_PEERCRED and SO_PEERGROUPS. */
#include "api/peer.h"

#include "base/attr.h"

#include <errno.h>
#include <sys/socket.h>

#define PEER_GROUPS_MAX 65536 /* NGROUPS_MAX of the kernel */

static int read_groups(int fd, gid_t **ret, size_t *ret_n) {
    AUTO_FREE gid_t *groups = NULL;
    socklen_t len = 64 * sizeof(gid_t);
    for (int tries = 0; tries < 4; tries++) {
        gid_t *grown = realloc(groups, len);
        if (!grown)
            return -ENOMEM;
        groups = grown;
        if (getsockopt(fd, SOL_SOCKET, SO_PEERGROUPS, groups, &len) == 0) {
            *ret_n = len / sizeof(gid_t);
            *ret = TAKE_PTR(groups);
            return 0;
        }
        if (errno != ERANGE || len > PEER_GROUPS_MAX * sizeof(gid_t))
            return -errno;
    }
    return -ERANGE;
}

int peer_from_socket(int fd, struct peer *ret) {
    struct ucred cred;
    socklen_t len = sizeof(cred);
    if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &cred, &len) < 0)
        return -errno;
    gid_t *groups = NULL;
    size_t n = 0;
    int r = read_groups(fd, &groups, &n);
    if (r < 0)
        return r;
    *ret = (struct peer){.caller = {.uid = cred.uid, .gid = cred.gid, .pid = cred.pid}};
    peer_set_groups(ret, groups, n);
    return 0;
}

void peer_set_groups(struct peer *p, gid_t *groups, size_t n) {
    free(p->groups);
    p->groups = groups;
    p->caller.groups = groups;
    p->caller.n_groups = n;
}

void peer_free(struct peer *p) {
    peer_set_groups(p, NULL, 0);
}
