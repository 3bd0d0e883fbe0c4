/* SPDX-License-Identifier: Apache-2.0 */
/* A temporary folder, and waiting for a registry's answers with a deadline. */
#ifndef GROUND_H
#define GROUND_H

#include "registry/registry.h"

#define DEADLINE_MSEC 30000

/* A new folder in /tmp (or $TMPDIR); fails the test otherwise. Freed by ground_remove. */
char *ground_make(void);
void ground_remove(char *path);

/* Opens the registry in it; fails the test with the reason when it cannot. */
struct registry *ground_open(const char *path);

/* Dispatches until *n has reached `wanted`; fails the test at the deadline. */
void ground_wait(struct registry *r, const unsigned *n, unsigned wanted);

/* Commits and waits. Returns what the callback was given. */
int ground_commit(struct registry *r, struct registry_batch *b, bool sync);

/* The same for one record. */
int ground_put(struct registry *r, const char *key, const char *value, bool sync);

/* Scans and waits. Returns "key=value " of all that was found, in order, in a buffer of its own. */
const char *ground_scan(struct registry *r, const struct registry_scan *what, int *ret_error);

/* The same of everything, read as at start-up. */
const char *ground_load(struct registry *r, const char *prefix);

/* Waits until the registry in this process rests: it has closed its database's lock file. */
void ground_wait_rest(const char *path);
bool ground_rests(const char *path);

/* The path of the only file in `path` whose name ends so; fails the test when there is none. */
const char *ground_file(const char *path, const char *ending);

#endif
