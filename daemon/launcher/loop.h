/* SPDX-License-Identifier: Apache-2.0 */
/* The launcher's one loop. */
#ifndef LAUNCHER_LOOP_H
#define LAUNCHER_LOOP_H

struct launcher;

/* Blocks the signals and makes epoll and signalfd. Returns 0 or -errno. */
int loop_open(struct launcher *l);

/* Runs until must_exit. Without a watchdog and with a daemon that lives it wakes only for what happens.
 * Returns the exit code. */
int loop_run(struct launcher *l);

/* Acts on a signal that came through the signalfd. */
void loop_signal(struct launcher *l, int signo);

#endif
