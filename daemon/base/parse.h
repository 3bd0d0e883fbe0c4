/* SPDX-License-Identifier: Apache-2.0 */
/* Strict text to number. Every function takes the whole text or refuses it: no leading or trailing blanks, no
 * sign where none makes sense, no silent wrap. All return 0, -EINVAL (not of the form) or -ERANGE (too
 * large); outputs are untouched then. */
#ifndef BASE_PARSE_H
#define BASE_PARSE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

int parse_u64(const char *text, uint64_t *ret);
int parse_u32(const char *text, uint32_t *ret);
int parse_i32(const char *text, int32_t *ret);

/* "yes|no|true|false|on|off|1|0". */
int parse_bool(const char *text, bool *ret);

/* Bytes: "1024", "4K", "20M", "1.5G", "2T"; powers of 1024. */
int parse_size(const char *text, uint64_t *ret_bytes);

/* Microseconds: "500ms", "1s", "5m", "2h", "1d", "1m30s"; a bare number means seconds; "infinity" is
 * UINT64_MAX. */
int parse_duration(const char *text, uint64_t *ret_usec);

/* Thousandths: "1.5" is 1500; up to three decimals. For CPU counts. */
int parse_milli(const char *text, uint32_t *ret_milli);

/* A signal by name with or without SIG, or by number 1..64. */
int parse_signal(const char *text, int *ret_signo);

/* "SIGTERM" for 15; "SIG45" style names never appear: unknown ones are "signal N" in a buffer of the
 * caller's. */
const char *signal_name(int signo, char *buf, size_t size);

#endif
