/* SPDX-License-Identifier: Apache-2.0 */
/* Answers of the daemon as text for people. Pure: tree in, text out. */
#ifndef CTL_RENDER_H
#define CTL_RENDER_H

#include "ctl/term.h"
#include "ctl/value.h"

/* Sorts apps by class (highest rank first), then name. Takes the list of List or Status. */
void render_sort_apps(struct value *apps);

void render_list(const struct look *l, const struct value *apps, struct text_buf *b);
void render_usage(const struct look *l, const struct value *version, const struct value *apps,
                  struct text_buf *b);
void render_app(const struct look *l, const struct value *app, struct text_buf *b);
void render_history(const struct look *l, const struct value *exits, struct text_buf *b);
void render_event(const struct look *l, const struct value *event, struct text_buf *b); /* a line */
void render_log_line(const struct look *l, const char *prefix, uint64_t at_usec, const struct value *text,
                     struct text_buf *b);
void render_classes(const struct look *l, const struct value *classes, struct text_buf *b);
void render_tenants(const struct look *l, const struct value *tenants, struct text_buf *b);
void render_doctor(const struct look *l, const struct value *checks, struct text_buf *b);
void render_simulation(const struct look *l, const struct value *root, struct text_buf *b);
void render_version(const struct look *l, const char *own, const struct value *version, struct text_buf *b);

/* "3m12s" since then; "" for 0. Returns buf. */
const char *render_age(const struct look *l, uint64_t then_usec, char *buf, size_t size);
/* "1.2G" and the like, for people: three digits. Returns buf. */
const char *render_size(uint64_t bytes, char *buf, size_t size);
/* "2026-01-31 23:59:59" of the local time. Returns buf. */
const char *render_time(uint64_t usec, char *buf, size_t size);

#endif
