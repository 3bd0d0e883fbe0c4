/* SPDX-License-Identifier: Apache-2.0 */
/* The launcher's state over an exec; does not decide when. */
#include "launcher/resume.h"

#include "base/cursor.h"
#include "base/fd.h"
#include "launcher/launcher.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#define RESUME_MAGIC   0x534b5231 /* "SKR1" */
#define RESUME_VERSION 1
#define RECORD_SIZE    320
#define ARGS_MAX       64

/* The head never changes its form, so that even another version finds the descriptors. */
static int pack_head(const struct launcher *l, void *buf, size_t size) {
    struct packer p;
    packer_init(&p, buf, size);
    packer_u32(&p, RESUME_MAGIC);
    packer_u32(&p, (uint32_t)l->lock_fd);
    packer_u32(&p, (uint32_t)l->control_fd);
    packer_u32(&p, (uint32_t)l->handover_fd);
    packer_u64(&p, l->host.nofile.rlim_cur);
    packer_u64(&p, l->host.nofile.rlim_max);
    packer_u32(&p, RESUME_VERSION);
    packer_u32(&p, l->children.count);
    return packer_end(&p);
}

static int pack_record(const struct child *c, void *buf, size_t size) {
    struct packer p;
    packer_init(&p, buf, size);
    packer_u64(&p, c->start_id);
    packer_u64(&p, c->start_ticks);
    packer_u32(&p, (uint32_t)c->pid);
    packer_u32(&p, c->uid);
    packer_u32(&p, (uint32_t)c->pidfd);
    packer_u32(&p, (uint32_t)c->pipe);
    packer_u8(&p, c->state);
    packer_u8(&p, (uint8_t)(c->own | c->has_cgroup << 1 | c->has_exited << 2));
    packer_u32(&p, c->exit.pid);
    packer_u32(&p, c->exit.how);
    packer_u32(&p, c->exit.code);
    packer_u64(&p, c->exit.at_usec);
    packer_u64(&p, c->exit.at_monotonic_usec);
    packer_u64(&p, c->exit.user_usec);
    packer_u64(&p, c->exit.system_usec);
    packer_u64(&p, c->exit.max_rss_bytes);
    packer_text(&p, c->tenant);
    packer_text(&p, c->app);
    packer_u32(&p, c->number);
    return packer_end(&p);
}

static int write_part(int fd, const void *data, int len) {
    if (len < 0)
        return len;
    ssize_t n = write(fd, data, (size_t)len);
    if (n < 0)
        return -errno;
    return n == len ? 0 : -EIO;
}

int resume_save(struct launcher *l) {
    uint8_t buf[RECORD_SIZE];
    AUTO_FD int fd = memfd_create("streamkeeper-launcher", MFD_CLOEXEC);
    if (fd < 0)
        return -errno;
    int r = write_part(fd, buf, pack_head(l, buf, sizeof(buf)));
    unsigned i = 0;
    for (struct child *c; r == 0 && (c = children_next(&l->children, &i));)
        r = write_part(fd, buf, pack_record(c, buf, sizeof(buf)));
    return r < 0 ? r : TAKE_FD(fd);
}

/* Close-on-exec for everything that the next program needs. */
static void set_kept(struct launcher *l, int table_fd, bool cloexec) {
    const int fds[] = {table_fd, l->lock_fd, l->control_fd, l->handover_fd};
    for (size_t i = 0; i < ARRAY_LEN(fds); i++)
        if (fds[i] >= 0)
            (void)fd_set_cloexec(fds[i], cloexec);
    unsigned i = 0;
    for (struct child *c; (c = children_next(&l->children, &i));) {
        if (c->pidfd >= 0)
            (void)fd_set_cloexec(c->pidfd, cloexec);
        if (c->pipe >= 0)
            (void)fd_set_cloexec(c->pipe, cloexec);
    }
}

int resume_exec(struct launcher *l) {
    AUTO_FD int fd = resume_save(l);
    if (fd < 0)
        return fd;
    char number[16];
    char *args[ARGS_MAX + 3];
    size_t n = 0;
    for (char **a = l->argv; *a; a++) {
        if (strcmp(*a, "--resume") == 0 && a[1]) {
            a++;
            continue;
        }
        if (n == ARGS_MAX)
            return -E2BIG;
        args[n++] = *a;
    }
    char option[] = "--resume";
    snprintf(number, sizeof(number), "%d", fd);
    args[n++] = option;
    args[n++] = number;
    args[n] = NULL;
    set_kept(l, fd, false);
    execv(l->program, args);
    int r = -errno;
    set_kept(l, fd, true);
    return r;
}

static void take_exit(struct cursor *c, struct msg_exited *e) {
    e->pid = cursor_u32(c);
    e->how = cursor_u32(c);
    e->code = cursor_u32(c);
    e->at_usec = cursor_u64(c);
    e->at_monotonic_usec = cursor_u64(c);
    e->user_usec = cursor_u64(c);
    e->system_usec = cursor_u64(c);
    e->max_rss_bytes = cursor_u64(c);
}

static int watch_record(struct launcher *l, struct child *c) {
    int fd = c->state == CHILD_STARTING ? c->pipe : c->own || c->has_exited ? -EBADF : c->pidfd;
    if (fd < 0)
        return 0;
    enum source source = c->state == CHILD_STARTING ? SOURCE_PIPE : SOURCE_PIDFD;
    struct epoll_event event = {.events = EPOLLIN,
                                .data.u64 = source_tag(source, children_index(&l->children, c))};
    return epoll_ctl(l->epoll_fd, EPOLL_CTL_ADD, fd, &event) < 0 ? -errno : 0;
}

static int take_record(struct launcher *l, struct cursor *p) {
    struct child *c;
    uint64_t id = cursor_u64(p);
    uint64_t ticks = cursor_u64(p);
    pid_t pid = (pid_t)cursor_u32(p);
    uint32_t uid = cursor_u32(p);
    int pidfd = (int)cursor_u32(p), pipe = (int)cursor_u32(p);
    uint8_t state = cursor_u8(p), flags = cursor_u8(p);
    struct msg_exited e = {.start_id = id};
    take_exit(p, &e);
    const char *tenant = cursor_text(p), *app = cursor_text(p);
    uint32_t number = cursor_u32(p);
    if (p->bad || id == 0 || state == CHILD_FREE || state > CHILD_EXITED)
        return -EBADMSG;
    int r = children_add(&l->children, id, &c);
    if (r < 0)
        return r;
    c->start_ticks = ticks;
    c->uid = uid;
    c->pidfd = pidfd;
    c->pipe = pipe;
    c->state = state;
    c->own = flags & 1;
    c->has_cgroup = flags & 2;
    c->has_exited = flags & 4;
    c->exit = e;
    children_set_instance(c, tenant, app, number);
    children_set_pid(&l->children, c, c->has_exited ? 0 : pid);
    if (pidfd >= 0)
        (void)fd_set_cloexec(pidfd, true);
    if (pipe >= 0)
        (void)fd_set_cloexec(pipe, true);
    return watch_record(l, c);
}

static int load(struct launcher *l, struct cursor *p) {
    if (cursor_u32(p) != RESUME_MAGIC)
        return -EBADMSG;
    int lock = (int)cursor_u32(p), control = (int)cursor_u32(p), handover = (int)cursor_u32(p);
    struct rlimit nofile;
    nofile.rlim_cur = cursor_u64(p);
    nofile.rlim_max = cursor_u64(p);
    uint32_t version = cursor_u32(p), count = cursor_u32(p);
    if (p->bad)
        return -EBADMSG;
    const int fds[] = {lock, control, handover};
    for (size_t i = 0; i < ARRAY_LEN(fds); i++) {
        int r = fd_set_cloexec(fds[i], true);
        if (r < 0)
            return r;
    }
    l->lock_fd = lock;
    l->control_fd = control;
    l->handover_fd = handover;
    l->host.nofile = nofile;
    if (version != RESUME_VERSION)
        return -EPROTO;
    for (uint32_t i = 0; i < count; i++) {
        int r = take_record(l, p);
        if (r < 0)
            return r;
    }
    return cursor_end(p) < 0 ? -EBADMSG : (int)count;
}

int resume_load(struct launcher *l, int fd) {
    AUTO_FD int owned = fd;
    struct stat st;
    if (fstat(owned, &st) < 0)
        return -errno;
    if (st.st_size <= 0)
        return -EBADMSG;
    void *map = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, owned, 0);
    if (map == MAP_FAILED)
        return -errno;
    struct cursor p;
    cursor_init(&p, map, (size_t)st.st_size);
    int r = load(l, &p);
    munmap(map, (size_t)st.st_size);
    return r;
}
