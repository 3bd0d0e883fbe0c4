/* SPDX-License-Identifier: Apache-2.0 */
/* A recorded trace: the samples that the governor was given, as text, so that its decisions can be replayed,
 * with its own settings or with others.
 *
 * The form, version 1. A line is at most TRACE_LINE_MAX bytes, words are separated by one blank, lines that
 * begin with '#' and empty ones are skipped. Numbers are decimal; what is not given is unknown
 * (READING_NONE). FIELDS are words `name=number`.
 *
 *   streamkeeper-trace 1           the first line
 *   class NAME [idle]              one per class, the highest rank first; idle: its group has cpu.idle
 *   limits [cpu] [io] [memory]     the controllers that can limit; no such line: all three
 *   leaves N                       room for instances (default 1024)
 *
 *   leaf KEY CLASS NAME FIELDS [member]
 *                                  an instance that is there from now on; CLASS counts from 0, NAME is
 *                                  tenant/app/N; fields: started declared
 *   gone KEY                       and is not any more
 *   device SLOT MAJOR:MINOR        the disk of a slot from now on
 *
 *   sample USEC FIELDS             begins one; cpus total available swap-total swap-free
 *   c CLASS FIELDS                 some-cpu some-io some-memory full-cpu full-io full-memory
 *                                  own-cpu own-io own-memory cpu memory protected refaults low high
 *                                  slack reports
 *   d CLASS SLOT FIELDS            rbytes wbytes rops wops
 *   l KEY FIELDS                   fresh numbers: cpu io-bytes io-ops memory full high own-high
 *   end                            of the sample
 *
 * Fields are those of reading.h, in its units. Fields and lines are added only under another number in the
 * first line.
 *
 * The reader trusts nothing: a trace may come from anybody. It takes a line at a time, so that a trace of any
 * length needs the same room. */
#ifndef ISOLATE_TRACE_H
#define ISOLATE_TRACE_H

#include "base/reason.h"
#include "isolate/governor.h"

#define TRACE_VERSION  1
#define TRACE_LINE_MAX 1024

struct trace_reader;

/* NULL: no memory. */
struct trace_reader *trace_reader_new(void);
void trace_reader_free(struct trace_reader *t);

static inline void cleanup_trace_reader(struct trace_reader **t) {
    trace_reader_free(*t);
}

enum { TRACE_MORE = 0, TRACE_SAMPLE = 1 };

/* Takes the next line, without its newline; it need not end in a NUL. Returns TRACE_MORE, TRACE_SAMPLE when a
 * sample is complete, -EINVAL with a reason ("line 7: …") for a line that is wrong, or -ENOMEM. After a
 * failure only trace_reader_free is left. */
int trace_read(struct trace_reader *t, const char *line, size_t len, struct reason *why);

/* 0, or -EINVAL when the trace ends in the middle of a sample or before its head is complete. */
int trace_read_end(struct trace_reader *t, struct reason *why);

/* Valid from the first sample on; all borrowed until the next trace_read. */
const struct governor_setup *trace_setup(const struct trace_reader *t);
const struct sample *trace_sample(const struct trace_reader *t);
const char *trace_leaf_name(const struct trace_reader *t, uint64_t key); /* "?" for one that is not known */

/* The head, for the beginning of a file. Appends to b. */
void trace_write_head(const struct governor_setup *setup, struct text_buf *b);

/* Remembers which instances and disks were told. */
struct trace_writer;

struct trace_writer *trace_writer_new(uint32_t leaves_max); /* NULL: no memory */
void trace_writer_free(struct trace_writer *w);

/* Appends one sample with the lines it needs before it. Instances beyond leaves_max are left out. */
void trace_write(struct trace_writer *w, const struct sample *s, struct text_buf *b);

#endif
