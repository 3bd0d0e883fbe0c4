/* SPDX-License-Identifier: Apache-2.0 */
/* The sd_notify protocol without libsystemd; knows no state of the service. */
#include "launcher/notify.h"

#include "base/fd.h"

#include <errno.h>
#include <inttypes.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>

int notify_open(struct notify *ret) {
    struct notify n = {.socket = -EBADF};
    const char *path = getenv("NOTIFY_SOCKET");
    if (!path || !*path) {
        *ret = n;
        return 0;
    }
    size_t len = strlen(path);
    if ((path[0] != '/' && path[0] != '@') || len < 2)
        return -EINVAL;
    if (len >= sizeof(n.address))
        return -ENAMETOOLONG;
    memcpy(n.address, path, len);
    if (path[0] == '@')
        n.address[0] = '\0';
    n.address_len = (unsigned)len;
    n.socket = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (n.socket < 0)
        return -errno;
    *ret = n;
    return 0;
}

void notify_close(struct notify *n) {
    n->socket = fd_close(n->socket);
}

static int send_with(const struct notify *n, const char *text, int fd) {
    if (n->socket < 0)
        return 0;
    struct sockaddr_un to = {.sun_family = AF_UNIX};
    memcpy(to.sun_path, n->address, n->address_len);
    union {
        struct cmsghdr align;
        char bytes[CMSG_SPACE(sizeof(int))];
    } control = {0};
    struct iovec iov = {.iov_base = (void *)(uintptr_t)text, .iov_len = strlen(text)};
    struct msghdr msg = {.msg_name = &to,
                         .msg_namelen = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + n->address_len),
                         .msg_iov = &iov,
                         .msg_iovlen = 1};
    if (fd >= 0) {
        msg.msg_control = control.bytes;
        msg.msg_controllen = sizeof(control.bytes);
        struct cmsghdr *c = CMSG_FIRSTHDR(&msg);
        c->cmsg_level = SOL_SOCKET;
        c->cmsg_type = SCM_RIGHTS;
        c->cmsg_len = CMSG_LEN(sizeof(int));
        memcpy(CMSG_DATA(c), &fd, sizeof(fd));
    }
    return sendmsg(n->socket, &msg, MSG_NOSIGNAL | MSG_DONTWAIT) < 0 ? -errno : 0;
}

int notify_send(const struct notify *n, const char *text) {
    return send_with(n, text, -EBADF);
}

int notify_status(const struct notify *n, const char *text) {
    char line[512];
    snprintf(line, sizeof(line), "STATUS=%s", text);
    for (char *p = line; *p; p++)
        if ((unsigned char)*p < 0x20)
            *p = ' ';
    return notify_send(n, line);
}

int notify_store(const struct notify *n, uint64_t start_id, int pidfd) {
    char text[96];
    /* FDPOLL=0: a pidfd becomes readable when its process ends, which is when it is worth keeping. */
    snprintf(text, sizeof(text), "FDSTORE=1\nFDPOLL=0\nFDNAME=%" PRIu64, start_id);
    return send_with(n, text, pidfd);
}

int notify_unstore(const struct notify *n, uint64_t start_id) {
    char text[96];
    snprintf(text, sizeof(text), "FDSTOREREMOVE=1\nFDNAME=%" PRIu64, start_id);
    return send_with(n, text, -EBADF);
}
