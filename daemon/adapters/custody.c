/* SPDX-License-Identifier: Apache-2.0 */
/* Waits for the next launcher; see custody.h. */
#include "adapters/custody.h"
#include "base/attr.h"
#include "base/fd.h"
#include "base/log.h"
#include "wire/handover.h"

#include <errno.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

/* A launcher that does not come back within this time will not ask for ends any more. */
#define CUSTODY_MSEC (60 * 60 * 1000)

static bool may_have(int socket) {
    struct ucred peer;
    socklen_t len = sizeof(peer);
    return getsockopt(socket, SOL_SOCKET, SO_PEERCRED, &peer, &len) == 0 &&
           (peer.uid == 0 || peer.uid == geteuid());
}

static int hand_over(int listen_fd, const struct handover_child *children, size_t n) {
    AUTO_FD int peer = accept4(listen_fd, NULL, NULL, SOCK_CLOEXEC);
    if (peer < 0)
        return -errno;
    return may_have(peer) ? handover_send(peer, children, n) : -EPERM;
}

int custody_run(int listen_fd, struct handover_child *children, size_t n) {
    struct pollfd listening = {.fd = listen_fd, .events = POLLIN};
    int r = 0;
    log_notice("The launcher is gone: keeping %zu processes' descriptors for the next one", n);
    while (n > 0) {
        int ready = poll(&listening, 1, CUSTODY_MSEC);
        if (ready < 0 && errno == EINTR)
            continue;
        if (ready <= 0 || (listening.revents & (POLLERR | POLLHUP | POLLNVAL)))
            break;
        r = hand_over(listen_fd, children, n);
        if (r == 0)
            break;
        if (r != -EPERM)
            log_errno(LOG_LEVEL_WARNING, r, "Failed to hand over to a new launcher, waiting for the next");
    }
    for (size_t i = 0; i < n; i++)
        fd_close(children[i].pidfd);
    return r;
}
