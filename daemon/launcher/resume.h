/* SPDX-License-Identifier: Apache-2.0 */
/* Executing ourselves again: same pid, same children, perhaps a new binary.
 *
 * The child table and the numbers of the descriptors that must stay open go into a memory file, which the new
 * program finds by --resume. What it cannot understand (a version from the future) costs the records, not the
 * processes: they stay our children, and the daemon finds them in their groups. */
#ifndef LAUNCHER_RESUME_H
#define LAUNCHER_RESUME_H

struct launcher;

/* Writes the table and executes. Returns -errno only; everything is as before then. */
int resume_exec(struct launcher *l);

/* Reads the table: lock, sockets, limits and records. Consumes the descriptor. Returns the number of records,
 * or -EPROTO for a table of another version (the descriptors in its head are taken over all the same), or
 * another -errno. */
int resume_load(struct launcher *l, int fd);

/* The table as a memory file, for resume_exec and tests. Returns a descriptor (owned by the caller) or
 * -errno. */
int resume_save(struct launcher *l);

#endif
