/* SPDX-License-Identifier: Apache-2.0 */
/* Finds the instances of a launcher and a daemon that both died, where no cgroup tells which they are: by the
 * environment that they were started with. */
#ifndef LAUNCHER_ORPHANS_H
#define LAUNCHER_ORPHANS_H

struct launcher;

/* Takes over the main process of every start that still runs and is not known yet. Does nothing where there
 * are cgroups. Walks /proc once, so it is for the start-up only. Returns how many.
 *
 * An environment is what a process says of itself. So a process counts only if it is below our state folder
 * by its own word, if its user may run instances, and if that state directory is that user's: nobody is taken
 * for another user's instance by its directory. Of several of one start (a helper in a session of its own)
 * the oldest is the main process. */
int orphans_adopt(struct launcher *l);

#endif
