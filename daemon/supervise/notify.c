/* SPDX-License-Identifier: Apache-2.0 */
/* The notification sockets of the instances; what a message leads to is decided by the callback's owner. */
#include "supervise/notify.h"

#include "base/clock.h"
#include "base/fd.h"
#include "base/parse.h"
#include "base/text.h"
#include "base/utf8.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <systemd/sd-event.h>
#include <unistd.h>

#define MESSAGE_MAX     4096
#define READ_PER_TURN   64
#define TURNS_PER_SEC   50 /* an app that says more waits; others do not */
#define SOCKET_NAME_MAX sizeof(((struct sockaddr_un *)0)->sun_path)

struct notify {
    int socket;
    sd_event_source *source; /* owned */
    uint32_t uid;
    notify_fn fn;
    void *userdata; /* borrowed */
    bool is_file, is_bound;
    char path[SOCKET_NAME_MAX + 1]; /* "@…" for an abstract name */
};

static bool is_one(const char *value, size_t len) {
    return len == 1 && value[0] == '1';
}

/* 0 for what is no number. */
static uint64_t take_usec(const char *value, size_t len) {
    char digits[24];
    uint64_t usec = 0;
    if (len >= sizeof(digits))
        return 0;
    memcpy(digits, value, len);
    digits[len] = '\0';
    return strlen(digits) == len && parse_u64(digits, &usec) == 0 ? usec : 0;
}

static bool is_key(const char *line, size_t len, const char *key, const char **ret_value, size_t *ret_len) {
    size_t n = strlen(key);
    if (len < n + 1 || memcmp(line, key, n) != 0 || line[n] != '=')
        return false;
    *ret_value = line + n + 1;
    *ret_len = len - n - 1;
    return true;
}

static void parse_line(const char *line, size_t len, struct notify_message *m) {
    const char *value;
    size_t n;
    if (is_key(line, len, "READY", &value, &n))
        m->ready |= is_one(value, n);
    else if (is_key(line, len, "STOPPING", &value, &n))
        m->stopping |= is_one(value, n);
    else if (is_key(line, len, "WATCHDOG", &value, &n))
        m->watchdog |= is_one(value, n);
    else if (is_key(line, len, "WATCHDOG_USEC", &value, &n))
        m->watchdog_usec = take_usec(value, n);
    else if (is_key(line, len, "EXTEND_TIMEOUT_USEC", &value, &n))
        m->extend_usec = take_usec(value, n);
    else if (is_key(line, len, "STATUS", &value, &n))
        utf8_copy_clean(value, n, m->status, sizeof(m->status));
}

void notify_parse(const char *data, size_t len, struct notify_message *ret) {
    struct notify_message m = {0};
    while (len > 0) {
        const char *end = memchr(data, '\n', len);
        size_t line = end ? (size_t)(end - data) : len;
        parse_line(data, line, &m);
        size_t skip = line + (end != NULL);
        data += skip;
        len -= skip;
    }
    *ret = m;
}

/* Returns the length of a message from somebody who may speak, 0 for one to be dropped, -EAGAIN, or -errno.
 * The control part has room for the credentials only: descriptors that come along never get in. */
static ssize_t receive(struct notify *n, char *buf, size_t size) {
    union {
        struct cmsghdr align;
        char bytes[CMSG_SPACE(sizeof(struct ucred))];
    } control;
    struct iovec iov = {.iov_base = buf, .iov_len = size};
    struct msghdr msg = {
        .msg_iov = &iov, .msg_iovlen = 1, .msg_control = control.bytes, .msg_controllen = sizeof(control)};
    ssize_t len = recvmsg(n->socket, &msg, MSG_CMSG_CLOEXEC);
    if (len < 0)
        return errno == EINTR ? 0 : -errno;
    struct cmsghdr *c = CMSG_FIRSTHDR(&msg);
    if (!c || c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_CREDENTIALS || msg.msg_flags & MSG_TRUNC)
        return 0;
    struct ucred sender;
    memcpy(&sender, CMSG_DATA(c), sizeof(sender));
    return sender.uid == n->uid || sender.uid == 0 ? len : 0;
}

static int on_io(sd_event_source *s, int fd ATTR_UNUSED, uint32_t events ATTR_UNUSED, void *userdata) {
    struct notify *n = userdata;
    /* The callback may free n: the reference to the source shows whether it did. */
    sd_event_source_ref(s);
    for (int i = 0; i < READ_PER_TURN; i++) {
        char buf[MESSAGE_MAX];
        ssize_t len = receive(n, buf, sizeof(buf));
        if (len < 0)
            break;
        if (len == 0)
            continue;
        struct notify_message m;
        notify_parse(buf, (size_t)len, &m);
        n->fn(n->userdata, &m);
        int enabled;
        if (sd_event_source_get_enabled(s, &enabled) < 0 || enabled == SD_EVENT_OFF)
            break;
    }
    sd_event_source_unref(s);
    return 0;
}

/* Where the path is too long for a socket's name, an abstract name that follows from the path, so that a
 * process finds it again after a restart of the daemon. Fills the path. */
static int choose_name(struct notify *n, const char *dir, const char *name) {
    int r = text_format(n->path, SOCKET_NAME_MAX, "%s/%s", dir, name);
    n->is_file = r == 0;
    if (r == 0)
        return 0;
    uint64_t hash = UINT64_C(14695981039346656037);
    const char *const parts[] = {dir, "/", name};
    for (size_t i = 0; i < ARRAY_LEN(parts); i++)
        for (const char *p = parts[i]; *p; p++)
            hash = (hash ^ (unsigned char)*p) * UINT64_C(1099511628211);
    return text_format(n->path, SOCKET_NAME_MAX, "@streamkeeper/notify/%016" PRIx64, hash);
}

static int open_socket(struct notify *n) {
    struct sockaddr_un sa = {.sun_family = AF_UNIX};
    size_t len = strlen(n->path);
    memcpy(sa.sun_path, n->path, len);
    if (n->is_file) {
        if (unlink(n->path) < 0 && errno != ENOENT)
            return -errno;
    } else
        sa.sun_path[0] = '\0';
    n->socket = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (n->socket < 0)
        return -errno;
    const int on = 1;
    if (setsockopt(n->socket, SOL_SOCKET, SO_PASSCRED, &on, sizeof(on)) < 0)
        return -errno;
    socklen_t size = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + len + n->is_file);
    if (bind(n->socket, (struct sockaddr *)&sa, size) < 0)
        return -errno;
    n->is_bound = true;
    if (n->is_file && chmod(n->path, 0666) < 0)
        return -errno;
    return 0;
}

int notify_new(sd_event *loop, const char *dir, const char *name, uint32_t uid, notify_fn fn, void *userdata,
               struct notify **ret) {
    CLEANUP(cleanup_notify) struct notify *n = malloc(sizeof(*n));
    if (!n)
        return -ENOMEM;
    *n = (struct notify){.socket = -EBADF, .uid = uid, .fn = fn, .userdata = userdata};
    int r = choose_name(n, dir, name);
    if (r < 0)
        return r;
    r = open_socket(n);
    if (r < 0)
        return r;
    r = sd_event_add_io(loop, &n->source, n->socket, EPOLLIN, on_io, n);
    if (r < 0)
        return r;
    (void)sd_event_source_set_description(n->source, "notify");
    r = sd_event_source_set_ratelimit(n->source, USEC_PER_SEC, TURNS_PER_SEC);
    if (r < 0)
        return r;
    *ret = TAKE_PTR(n);
    return 0;
}

const char *notify_path(const struct notify *n) {
    return n->path;
}

void notify_free(struct notify *n) {
    if (!n)
        return;
    sd_event_source_disable_unref(n->source);
    if (n->is_file && n->is_bound)
        unlink(n->path);
    fd_close(n->socket);
    free(n);
}
