/* SPDX-License-Identifier: Apache-2.0 */
/* Pidfds from an orphaned daemon to the next launcher; neither connects nor checks the peer. */
#include "wire/handover.h"

#include "base/fd.h"
#include "wire/chan.h"
#include "wire/msg.h"

#include <errno.h>
#include <poll.h>
#include <stdint.h>

int handover_send(int socket, const struct handover_child *children, size_t n) {
    uint8_t buf[64];
    for (size_t i = 0; i < n; i++) {
        const struct msg_child m = {
            .start_id = children[i].start_id, .pid = children[i].pid, .start_ticks = children[i].start_ticks};
        int len = msg_encode_child(SK_REPORT_CHILD, &m, buf, sizeof(buf));
        if (len < 0)
            return len;
        int r = chan_send(socket, buf, (size_t)len, &children[i].pidfd, 1);
        if (r < 0)
            return r;
    }
    int len = msg_encode_plain(SK_REPORT_REPLAYED, buf, sizeof(buf));
    return len < 0 ? len : chan_send(socket, buf, (size_t)len, NULL, 0);
}

static int wait_readable(int socket, int timeout_msec) {
    struct pollfd p = {.fd = socket, .events = POLLIN};
    int n;
    do
        n = poll(&p, 1, timeout_msec);
    while (n < 0 && errno == EINTR);
    if (n < 0)
        return -errno;
    return n == 0 ? -ETIMEDOUT : 0;
}

/* One datagram. Returns 1 and a child, 0 at the end, or -errno. */
static int receive_one(int socket, int timeout_msec, struct handover_child *ret) {
    uint8_t buf[64];
    int fds[SK_WIRE_FDS_MAX];
    size_t n_fds = 0;
    int r = wait_readable(socket, timeout_msec);
    if (r < 0)
        return r;
    ssize_t len = chan_receive(socket, buf, sizeof(buf), fds, &n_fds);
    if (len <= 0)
        return (int)len;

    struct msg_child m;
    bool end = msg_verb(buf, (size_t)len) == SK_REPORT_REPLAYED && n_fds == 0;
    if (end)
        return msg_decode_plain(buf, (size_t)len);
    if (n_fds == 1 && msg_verb(buf, (size_t)len) == SK_REPORT_CHILD &&
        msg_decode_child(buf, (size_t)len, &m) == 0) {
        *ret = (struct handover_child){
            .start_id = m.start_id, .pid = m.pid, .start_ticks = m.start_ticks, .pidfd = fds[0]};
        return 1;
    }
    for (size_t i = 0; i < n_fds; i++)
        fd_close(fds[i]);
    return -EBADMSG;
}

int handover_receive(int socket, struct handover_child *ret, size_t max, int timeout_msec) {
    size_t n = 0;
    for (;;) {
        struct handover_child child;
        int r = receive_one(socket, timeout_msec, &child);
        if (r == 0)
            return (int)n;
        if (r < 0) {
            while (n > 0)
                fd_close(ret[--n].pidfd);
            return r;
        }
        if (n < max)
            ret[n++] = child;
        else
            fd_close(child.pidfd);
    }
}
