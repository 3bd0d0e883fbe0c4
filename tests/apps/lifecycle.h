/* SPDX-License-Identifier: Apache-2.0 */
/* What the sample programs share: readiness messages, stop signals and small files replaced as a whole. */
#ifndef TESTS_APPS_LIFECYCLE_H
#define TESTS_APPS_LIFECYCLE_H

#include <stdbool.h>
#include <stdint.h>

/* Sends one notification ("READY=1", "STATUS=...") to $NOTIFY_SOCKET. Returns 1 when sent, 0 without such a
 * socket (nobody asked), negative errno on failure. */
int life_notify(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* Blocks SIGTERM and SIGINT and returns a descriptor that becomes readable when one arrives, or negative
 * errno. To be called before the first thread is made. */
int life_stop_fd(void);

/* Waits up to timeout_ms (0: only looks) for a stop signal. A signal stays visible to later calls. */
bool life_stopping(int stop_fd, int timeout_ms);

/* Replaces the file at path by text, so that a reader sees the old or the new text and nothing between.
 * Returns 0 or negative errno; on failure the old file is untouched. */
int life_write_file(const char *path, const char *text);

/* Waits until path exists and is not empty and copies its first line (without newline) into ret_line. Returns
 * 0, -ETIMEDOUT, -ECANCELED when a stop signal came first, -E2BIG, or another negative errno. */
int life_wait_line(const char *path, int timeout_ms, int stop_fd, char *ret_line, unsigned size);

/* Monotonic clock in microseconds. */
uint64_t life_now_usec(void);

/* Parses a decimal number with an optional suffix K, M or G (powers of 1024). Returns 0, -EINVAL or -ERANGE.
 */
int life_parse_size(const char *text, uint64_t *ret_value);

#endif
