/* SPDX-License-Identifier: Apache-2.0 */
/* Datagrams with descriptors; does not look into them. */
#include "wire/chan.h"

#include "base/fd.h"

#include <errno.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>

union control {
    struct cmsghdr align;
    char bytes[CMSG_SPACE(sizeof(int) * SK_WIRE_FDS_MAX)];
};

int chan_send(int socket, const void *data, size_t len, const int *fds, size_t n_fds) {
    if (n_fds > SK_WIRE_FDS_MAX)
        return -EINVAL;
    union control control = {0};
    /* The socket only reads the data: the cast is for the type of iov_base. */
    struct iovec iov = {.iov_base = (void *)(uintptr_t)data, .iov_len = len};
    struct msghdr msg = {.msg_iov = &iov, .msg_iovlen = 1};
    if (n_fds > 0) {
        msg.msg_control = control.bytes;
        msg.msg_controllen = CMSG_SPACE(sizeof(int) * n_fds);
        struct cmsghdr *c = CMSG_FIRSTHDR(&msg);
        c->cmsg_level = SOL_SOCKET;
        c->cmsg_type = SCM_RIGHTS;
        c->cmsg_len = CMSG_LEN(sizeof(int) * n_fds);
        memcpy(CMSG_DATA(c), fds, sizeof(int) * n_fds);
    }
    ssize_t n;
    do
        n = sendmsg(socket, &msg, MSG_NOSIGNAL);
    while (n < 0 && errno == EINTR);
    if (n < 0)
        return errno == ECONNRESET ? -EPIPE : -errno;
    return (size_t)n == len ? 0 : -EIO;
}

/* Takes all descriptors out of the control part; those beyond the maximum are closed. Returns how many there
 * were. */
static size_t take_fds(struct msghdr *msg, int fds[SK_WIRE_FDS_MAX]) {
    size_t n = 0;
    for (struct cmsghdr *c = CMSG_FIRSTHDR(msg); c; c = CMSG_NXTHDR(msg, c)) {
        if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS)
            continue;
        size_t count = (c->cmsg_len - CMSG_LEN(0)) / sizeof(int);
        for (size_t i = 0; i < count; i++, n++) {
            int fd;
            memcpy(&fd, CMSG_DATA(c) + i * sizeof(int), sizeof(fd));
            if (n < SK_WIRE_FDS_MAX)
                fds[n] = fd;
            else
                fd_close(fd);
        }
    }
    return n;
}

ssize_t chan_receive(int socket, void *buf, size_t size, int fds[SK_WIRE_FDS_MAX], size_t *ret_n_fds) {
    union control control;
    struct iovec iov = {.iov_base = buf, .iov_len = size};
    struct msghdr msg = {
        .msg_iov = &iov, .msg_iovlen = 1, .msg_control = control.bytes, .msg_controllen = sizeof(control)};
    ssize_t len;
    do
        len = recvmsg(socket, &msg, MSG_CMSG_CLOEXEC);
    while (len < 0 && errno == EINTR);
    if (len < 0)
        return errno == ECONNRESET ? 0 : -errno;

    int taken[SK_WIRE_FDS_MAX];
    size_t n = take_fds(&msg, taken);
    /* An empty datagram is no message: its reader could not tell it from the end. */
    bool cut = n > SK_WIRE_FDS_MAX || (msg.msg_flags & (MSG_TRUNC | MSG_CTRUNC)) || (len == 0 && n > 0);
    if (cut) {
        for (size_t i = 0; i < MIN(n, (size_t)SK_WIRE_FDS_MAX); i++)
            fd_close(taken[i]);
        return -EMSGSIZE;
    }
    memcpy(fds, taken, n * sizeof(int));
    *ret_n_fds = n;
    return len;
}
