/* SPDX-License-Identifier: Apache-2.0 */
/* The process of streamkeeperd: started, started again when it dies, killed when it breaks the protocol or
 * falls silent. The instances never notice. */
#ifndef LAUNCHER_DAEMON_H
#define LAUNCHER_DAEMON_H

struct launcher;

/* Starts it now. Failures are logged, and it is tried again later. */
void daemon_start(struct launcher *l);

/* The next start waits no longer, and those after it begin with the shortest pause again. */
void daemon_hurry(struct launcher *l);

/* It was reaped, and its last words are heard. */
void daemon_ended(struct launcher *l);

/* Ends the connection and the process, at once; for a broken protocol. */
void daemon_kill(struct launcher *l, const char *why);

/* Acts on what is due: the next start, or the end of the patience after DONE. */
void daemon_tick(struct launcher *l);

#endif
