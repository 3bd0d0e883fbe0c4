/* SPDX-License-Identifier: Apache-2.0 */
/* Walks the tables of fields in both directions. */
#include "isolate/trace_fields.h"

#include "base/parse.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

#define S(member) offsetof(struct sample, member)
#define C(member) offsetof(struct class_reading, member)
#define L(member) offsetof(struct leaf_reading, member)
#define U64(i)    ((i) * sizeof(uint64_t))

const struct trace_field trace_host_fields[] = {{"cpus", S(cpus), FIELD_U32},
                                                {"total", S(memory_total), FIELD_U64},
                                                {"available", S(memory_available), FIELD_U64},
                                                {"swap-total", S(swap_total), FIELD_U64},
                                                {"swap-free", S(swap_free), FIELD_U64},
                                                {NULL, 0, FIELD_U64}};

const struct trace_field trace_class_fields[] = {{"some-cpu", C(some_usec[RES_CPU]), FIELD_U64},
                                                 {"some-io", C(some_usec[RES_IO]), FIELD_U64},
                                                 {"some-memory", C(some_usec[RES_MEMORY]), FIELD_U64},
                                                 {"full-cpu", C(full_usec[RES_CPU]), FIELD_U64},
                                                 {"full-io", C(full_usec[RES_IO]), FIELD_U64},
                                                 {"full-memory", C(full_usec[RES_MEMORY]), FIELD_U64},
                                                 {"own-cpu", C(own_limit_usec[RES_CPU]), FIELD_U64},
                                                 {"own-io", C(own_limit_usec[RES_IO]), FIELD_U64},
                                                 {"own-memory", C(own_limit_usec[RES_MEMORY]), FIELD_U64},
                                                 {"cpu", C(cpu_usec), FIELD_U64},
                                                 {"memory", C(memory_bytes), FIELD_U64},
                                                 {"protected", C(protected_bytes), FIELD_U64},
                                                 {"refaults", C(refaults), FIELD_U64},
                                                 {"low", C(low_events), FIELD_U64},
                                                 {"high", C(high_events), FIELD_U64},
                                                 {"slack", C(slack_ppm), FIELD_I32},
                                                 {"reports", C(slack_reports), FIELD_U64},
                                                 {NULL, 0, FIELD_U64}};

const struct trace_field trace_io_fields[] = {{"rbytes", U64(IO_RBYTES), FIELD_U64},
                                              {"wbytes", U64(IO_WBYTES), FIELD_U64},
                                              {"rops", U64(IO_ROPS), FIELD_U64},
                                              {"wops", U64(IO_WOPS), FIELD_U64},
                                              {NULL, 0, FIELD_U64}};

const struct trace_field trace_leaf_fields[] = {{"started", L(started_usec), FIELD_U64},
                                                {"declared", L(declared_bytes), FIELD_U64},
                                                {NULL, 0, FIELD_U64}};

const struct trace_field trace_number_fields[] = {{"cpu", L(cpu_usec), FIELD_U64},
                                                  {"io-bytes", L(io_bytes), FIELD_U64},
                                                  {"io-ops", L(io_ops), FIELD_U64},
                                                  {"memory", L(memory_bytes), FIELD_U64},
                                                  {"full", L(memory_full_usec), FIELD_U64},
                                                  {"high", L(high_events), FIELD_U64},
                                                  {"own-high", L(memory_high_bytes), FIELD_U64},
                                                  {NULL, 0, FIELD_U64}};

static uint64_t get(const struct trace_field *f, const void *object, bool *ret_known) {
    const char *p = (const char *)object + f->offset;
    uint64_t wide;
    uint32_t narrow;
    if (f->kind == FIELD_U64) {
        memcpy(&wide, p, sizeof(wide));
        *ret_known = wide != READING_NONE;
        return wide;
    }
    memcpy(&narrow, p, sizeof(narrow));
    *ret_known = f->kind == FIELD_U32 || (int32_t)narrow != SLACK_NONE;
    return narrow;
}

void trace_fields_write(const struct trace_field *fields, const void *object, struct text_buf *b) {
    for (const struct trace_field *f = fields; f->name; f++) {
        bool known;
        uint64_t value = get(f, object, &known);
        if (!known)
            continue;
        if (f->kind == FIELD_I32)
            text_buf_addf(b, " %s=%" PRIi32, f->name, (int32_t)value);
        else
            text_buf_addf(b, " %s=%" PRIu64, f->name, value);
    }
}

bool trace_fields_known(const struct trace_field *fields, const void *object) {
    bool known = false;
    for (const struct trace_field *f = fields; f->name && !known; f++)
        get(f, object, &known);
    return known;
}

int trace_field_read(const struct trace_field *fields, const char *word, void *object) {
    const char *equals = strchr(word, '=');
    size_t len = equals ? (size_t)(equals - word) : 0;
    for (const struct trace_field *f = fields; f->name && len > 0; f++) {
        char *p = (char *)object + f->offset;
        uint64_t wide;
        uint32_t narrow;
        int32_t with_sign;
        if (strlen(f->name) != len || memcmp(f->name, word, len) != 0)
            continue;
        if (f->kind == FIELD_U64 && parse_u64(equals + 1, &wide) == 0)
            memcpy(p, &wide, sizeof(wide));
        else if (f->kind == FIELD_U32 && parse_u32(equals + 1, &narrow) == 0)
            memcpy(p, &narrow, sizeof(narrow));
        else if (f->kind == FIELD_I32 && parse_i32(equals + 1, &with_sign) == 0)
            memcpy(p, &with_sign, sizeof(with_sign));
        else
            return -EINVAL;
        return 0;
    }
    return -ENOENT;
}
