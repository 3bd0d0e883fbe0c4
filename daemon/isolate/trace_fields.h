/* SPDX-License-Identifier: Apache-2.0 */
/* The fields of a trace's lines: one table for reading and writing. Inside isolate only. */
#ifndef ISOLATE_TRACE_FIELDS_H
#define ISOLATE_TRACE_FIELDS_H

#include "base/text.h"
#include "isolate/reading.h"

enum field_kind { FIELD_U64, FIELD_U32, FIELD_I32 };

struct trace_field {
    const char *name; /* NULL ends the table */
    size_t offset;
    enum field_kind kind;
};

extern const struct trace_field trace_host_fields[];   /* of struct sample */
extern const struct trace_field trace_class_fields[];  /* of struct class_reading */
extern const struct trace_field trace_io_fields[];     /* of uint64_t[IO_KINDS] */
extern const struct trace_field trace_leaf_fields[];   /* of struct leaf_reading: what `leaf` tells */
extern const struct trace_field trace_number_fields[]; /* of the same: what `l` tells */

/* Appends " name=value" for each that is known. */
void trace_fields_write(const struct trace_field *fields, const void *object, struct text_buf *b);
/* Any to tell? */
bool trace_fields_known(const struct trace_field *fields, const void *object);
/* Sets one from "name=value" (which ends in a NUL). Returns 0, -ENOENT: no such field, or -EINVAL. */
int trace_field_read(const struct trace_field *fields, const char *word, void *object);

#endif
