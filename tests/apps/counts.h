/* SPDX-License-Identifier: Apache-2.0 */
/* Word counts of a partitioned topic, kept in RocksDB together with the position up to which they are true.
 *
 * The unit is the input partition: its counts, its next offset and its totals change in one atomic write. So
 * whatever is found after a crash is an exact count of a prefix of that partition, and reading on from the
 * stored offset makes the result exact, however often and wherever the program was killed. Two state
 * directories that hold the same partition never disagree about a prefix: the one with the higher offset is
 * the newer. */
#ifndef TESTS_APPS_COUNTS_H
#define TESTS_APPS_COUNTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define COUNTS_PARTITIONS_MAX 1024
#define COUNTS_WORD_MAX       255 /* bytes; a longer word counts as its first 255 */
#define COUNTS_LINE_MAX       65536

struct counts;

struct counts_progress {
    uint64_t next_offset; /* of the first record that is not counted yet */
    uint64_t lines;
    uint64_t words;
};

typedef int (*counts_word_fn)(const char *word, size_t length, uint32_t partition, uint64_t count,
                              void *opaque);

/* Opens the state in dir; creates it unless read_only. Returns 0 and an owned object, or negative errno with
 * the reason on stderr. */
int counts_open(const char *dir, bool read_only, struct counts **ret_counts);

/* Closes; what was added since the last counts_write() is not kept. Takes NULL. */
struct counts *counts_close(struct counts *counts);

/* What is counted of a partition, including what is not written yet; all zero for an unknown one. Borrowed.
 */
const struct counts_progress *counts_progress(struct counts *counts, uint32_t partition);

/* Adds the words of one record and moves the partition's next offset behind it. A word is a run of ASCII
 * letters, digits and bytes from 0x80; letters count as lower case. Returns 0; -EMSGSIZE for a line longer
 * than COUNTS_LINE_MAX and -ENOBUFS while counts_full(), both without effect; -EIO, after which only closing
 * helps. */
int counts_add_line(struct counts *counts, uint32_t partition, uint64_t offset, const char *line,
                    size_t length);

/* Moves the next offset behind a record that has no words and is no line. */
void counts_skip(struct counts *counts, uint32_t partition, uint64_t offset);

/* Writes everything added since the last call as one atomic batch. Returns 0 or negative errno. */
int counts_write(struct counts *counts);

/* Calls fn for each word that changed since the last call and forgets that it changed. To be called after
 * counts_write(). Returns 0 or the first value of fn that is not 0. */
int counts_changed(struct counts *counts, counts_word_fn fn, void *opaque);

/* True when the memory of changed words is filled so far that counts_write() and counts_changed() are due. */
bool counts_full(const struct counts *counts);

/* Drops what was added and not written, so that the partitions stand again where the last write left them. */
void counts_rewind(struct counts *counts);

/* Calls fn for each written word of a partition. Returns 0, the first value of fn that is not 0, or -EIO. */
int counts_each(struct counts *counts, uint32_t partition, counts_word_fn fn, void *opaque);

#endif
