/* SPDX-License-Identifier: Apache-2.0 */
/* What a new process does to itself between clone and exec. */
#ifndef LAUNCHER_STEPS_H
#define LAUNCHER_STEPS_H

#include "streamkeeper/wire.h"
#include "wire/msg.h"

#include <stdbool.h>
#include <stdint.h>
#include <sys/resource.h>

/* What all starts share. */
struct spawn_host {
    bool is_root;
    int null_fd;            /* /dev/null, read and write; owned by the launcher */
    int state_fd;           /* the folder of the state directories; owned by the launcher */
    const char *state_tool; /* path of streamkeeper-state */
    struct rlimit nofile;   /* what we were given, before we raised our own */
};

struct spawn_failure {
    uint32_t stage; /* enum sk_stage */
    uint32_t error; /* positive errno */
    char detail[256];
};

/* Never returns: execs, or writes a struct spawn_failure to report_fd and exits. The descriptors are -EBADF
 * where there is none. */
void steps_run(const struct spawn_host *host, const struct msg_spawn *m, int log_fd, int state_dir_fd,
               int report_fd) __attribute__((noreturn));

/* Pieces shared with the start of the daemon; for the calling process. All return 0 or -errno. */

/* A session of its own, no signal blocked. Dispositions are at their defaults already: the launcher never
 * changes one. */
int steps_new_session(void);

/* 0, 1 and 2. */
int steps_set_stdio(int in_fd, int out_fd, int err_fd);

/* Closes everything above 2 but keep_a and keep_b (either may be -EBADF). */
int steps_close_others(int keep_a, int keep_b);

int steps_set_oom_score(int value);

#endif
