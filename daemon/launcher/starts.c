/* SPDX-License-Identifier: Apache-2.0 */
/* The turns in a record's life that are not exits; tells nobody. */
#include "launcher/starts.h"

#include "base/fd.h"
#include "launcher/launcher.h"

#include <errno.h>
#include <sys/epoll.h>

void starts_forget(struct launcher *l, struct child *c) {
    if (l->under_systemd)
        (void)notify_unstore(&l->notify, c->start_id);
    queue_remove(&l->outbox.queue, c);
    children_remove(&l->children, c);
}

int starts_settle(struct launcher *l, struct child *c, struct spawn_failure *ret_failure) {
    struct spawn_failure failure;
    int r = spawn_result(c->pipe, &failure);
    if (r == -EAGAIN)
        return r;
    if (r > 0) {
        if (ret_failure)
            *ret_failure = failure;
        starts_forget(l, c);
        return 1;
    }
    (void)epoll_ctl(l->epoll_fd, EPOLL_CTL_DEL, c->pipe, NULL);
    c->pipe = fd_close(c->pipe);
    if (c->own)
        c->pidfd = fd_close(c->pidfd);
    c->state = c->has_exited ? CHILD_EXITED : CHILD_RUNNING;
    return 0;
}
