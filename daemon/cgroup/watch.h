/* SPDX-License-Identifier: Apache-2.0 */
/* Tells when groups become empty or lose a process to the out-of-memory killer: one inotify descriptor for
 * all groups, on cgroup.events and memory.events. Costs nothing while nothing happens. */
#ifndef CGROUP_WATCH_H
#define CGROUP_WATCH_H

#include <stdint.h>

struct cgwatch;

enum cgwatch_what { CGWATCH_EMPTY, CGWATCH_OOM };

/* `key` is what cgwatch_add was given. Events may come late or twice: look at the group. A group that was
 * removed is empty. The callback may add and remove watches; it must not free the cgwatch. */
typedef void (*cgwatch_fn)(void *userdata, uint64_t key, enum cgwatch_what what);

int cgwatch_new(cgwatch_fn fn, void *userdata, struct cgwatch **ret);
void cgwatch_free(struct cgwatch *w);
int cgwatch_fd(const struct cgwatch *w); /* readable: call cgwatch_dispatch; borrowed */
void cgwatch_dispatch(struct cgwatch *w);

/* Watches a leaf until cgwatch_remove. memory.events is watched where it exists. dirfd is borrowed for the
 * call only (the watch keeps a descriptor of its own). If the group is already empty, the callback comes with
 * the next dispatch (the fd becomes readable). Returns 0, -EEXIST for a key or a group in use, -ENOSPC
 * (fs.inotify.max_user_watches), -ENOENT when the group is gone, or -errno. */
int cgwatch_add(struct cgwatch *w, uint64_t key, int dirfd);
void cgwatch_remove(struct cgwatch *w, uint64_t key); /* unknown keys are fine */

#endif
