/* SPDX-License-Identifier: Apache-2.0 */
/* The texts of control files as numbers: pure, and forgiving towards what a newer kernel adds. */
#ifndef CGROUP_COUNTERS_H
#define CGROUP_COUNTERS_H

#include <stdbool.h>
#include <stdint.h>

/* "key value" lines (cpu.stat, memory.events, cgroup.events). UINT64_MAX when the key is not there or its
 * value is not a number below that. */
uint64_t counter_keyed(const char *text, const char *key);

/* A file of one number. UINT64_MAX for "max" and for anything else. */
uint64_t counter_single(const char *text);

/* io.stat: "8:0 rbytes=1 wbytes=2 ..." per device; the sum over all devices, UINT64_MAX when no device tells
 * the field, which happens before the first transfer too. */
uint64_t counter_io_sum(const char *text, const char *field);

/* A list of words separated by blanks (cgroup.controllers): is the word in it? */
bool counter_has_word(const char *text, const char *word);

#endif
