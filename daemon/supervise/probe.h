/* SPDX-License-Identifier: Apache-2.0 */
/* Readiness by connecting: tries 127.0.0.1:port, then [::1]:port, every interval without ever blocking, until
 * one connect succeeds. Whether it waits long enough is the owner's business. */
#ifndef SUPERVISE_PROBE_H
#define SUPERVISE_PROBE_H

#include <stdint.h>

typedef struct sd_event sd_event;
struct probe;

/* It answered. The probe is over and may be freed in the callback. */
typedef void (*probe_fn)(void *userdata);

/* The first try comes in the next turn of the loop. A try that hangs is given up when the next is due. An
 * interval below 10 ms is taken as 10 ms. Returns 0 or -errno. */
int probe_tcp_new(sd_event *loop, uint16_t port, uint64_t interval_usec, probe_fn fn, void *userdata,
                  struct probe **ret);

/* NULL is fine. */
void probe_free(struct probe *p);

#endif
