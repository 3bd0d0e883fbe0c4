/* SPDX-License-Identifier: Apache-2.0 */
/* One log file of an instance: rotated when it is too large, read from its end or from a cursor.
 *
 * The instance writes to the file itself (append mode), so that its output costs its own group and no
 * reader's death can stop it. So rotation cannot switch files under it: it copies what is there to NAME.1 and
 * cuts the file to nothing. Output that comes between the last look and the cut is lost; the window is some
 * microseconds, and only in a rotation. */
#ifndef ADAPTERS_LOG_FILE_H
#define ADAPTERS_LOG_FILE_H

#include <stddef.h>
#include <stdint.h>

/* Rotates NAME in the folder if it is larger than max_bytes: NAME.1 gets its last max_bytes (and what comes
 * meanwhile, at most as much again), older ones move up, `keep` of them stay. Returns 1 if it did, 0 if there
 * was no need, or -errno. Blocking. */
int log_file_rotate(int dirfd, const char *name, uint64_t max_bytes, uint32_t keep);

#define LOG_READ_MAX (256 * 1024) /* bytes of lines in one answer */

struct log_text {
    char *data; /* whole lines with their newlines, owned. The last may lack one when read without a cursor; a
                   line that does not fit one answer comes in parts */
    size_t len;
    char cursor[64];
};

/* cursor "": the last `lines` lines; else what came after. A file that was rotated since is read from its
 * beginning; what came between the last look and the rotation is not told. A file that is not there gives no
 * lines. Returns 0, -EINVAL for a cursor that is none, or
 * -errno. Blocking. */
int log_file_read(int dirfd, const char *name, const char *cursor, uint32_t lines, struct log_text *ret);

#endif
