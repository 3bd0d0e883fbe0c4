/* SPDX-License-Identifier: Apache-2.0 */
/* The daemon's end of the connection to the launcher. Requests are sent at once or queued when the socket is
 * full; reports come back through the callbacks, from the event loop. The link is dead when the launcher is:
 * what it still said is delivered, `closed` is called once, and sending returns -EPIPE from then on. The
 * launcher may say nothing before WELCOME, only CHILD and EXITED until REPLAYED (PING and TERMINATE at any
 * time), and everything else after. */
#ifndef SUPERVISE_LINK_H
#define SUPERVISE_LINK_H

#include "wire/msg.h"

#include <stddef.h>

struct link;
typedef struct sd_event sd_event;

/* All are set. Pointers are borrowed for the call; a pidfd (>= 0) becomes the callee's. */
struct link_callbacks {
    void (*welcome)(void *userdata, const struct msg_welcome *m);
    void (*child)(void *userdata, const struct msg_child *m, int pidfd); /* replay */
    void (*replayed)(void *userdata);
    void (*spawned)(void *userdata, const struct msg_child *m, int pidfd);
    void (*spawn_failed)(void *userdata, const struct msg_failed *m);
    void (*exited)(void *userdata, const struct msg_exited *m);
    void (*adopted)(void *userdata, const struct msg_child *m, int pidfd);
    void (*adopt_failed)(void *userdata, const struct msg_failed *m);
    void (*state_removed)(void *userdata, const struct msg_failed *m);
    void (*terminate)(void *userdata, enum msg_terminate_why why);
    void (*closed)(void *userdata, int error); /* 0: the launcher closed; -EBADMSG: it spoke nonsense;
                                                  -EPROTONOSUPPORT: another version */
};

#define LINK_QUEUE_MAX 8192 /* requests that wait */

/* Takes the socket (also on failure), sends HELLO, attaches to the loop. PING is answered inside. `callbacks`
 * is borrowed for the life of the link. Returns 0 or -errno. */
int link_new(sd_event *loop, int socket, const struct link_callbacks *callbacks, void *userdata,
             struct link **ret);
/* Of the callbacks, only `closed` may free the link. NULL is fine. */
void link_free(struct link *l);

static inline void cleanup_link(struct link **l) {
    link_free(*l);
}

/* All return 0 or -errno (-EPIPE: no launcher; -EMSGSIZE: too large, -ENOBUFS: LINK_QUEUE_MAX wait: nothing
 * is sent). The fds stay the caller's, also while the request waits. */
int link_spawn(struct link *l, const struct msg_spawn *m, int cgroup_fd,
               int log_fd); /* fds -EBADF when unused; sets the flags for them */
int link_signal(struct link *l, uint64_t start_id, int signo);
int link_kill(struct link *l, uint64_t start_id);
int link_forget(struct link *l, uint64_t start_id);
int link_adopt(struct link *l, const struct msg_adopt *m, int cgroup_fd);
int link_state_remove(struct link *l, const struct msg_state_remove *m);
int link_ready(struct link *l);
int link_status(struct link *l, const char *text);
int link_done(struct link *l);

#endif
