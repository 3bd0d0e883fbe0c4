/* SPDX-License-Identifier: Apache-2.0 */
/* The only file that includes inih. Knows lines and entries, not what any key means. */
#include "conf/ini.h"

#include "base/text.h"
#include "conf/fault.h"
#include "conf/line.h"

#include <errno.h>
#include <ini.h>
#include <stdbool.h>
#include <string.h>

/* A line must fit inih's buffer whole, else it would be cut: so the buffer is as long as the file, with room
 * for the ends that a line in its plain form may have more than in the file. */
#define LINE_ROOM 16

#define SECTIONS_MAX 32

struct reading {
    const char *file;
    const char *at, *end; /* what is not yet read */
    unsigned next_line;   /* number of the line at `at` */
    unsigned line;        /* number of the line handed to inih last */
    const char *section;  /* in store, NULL before the first */
    struct ini_text out;
    size_t n_allocated, stored;
    struct reason *why;
    int error;
};

void ini_text_free(struct ini_text *t) {
    free(t->entries);
    free(t->store);
    *t = (struct ini_text){0};
}

static void fail(struct reading *r, const char *section, const char *key, const char *what) {
    struct conf_place place = {r->file, r->line, section, key};
    r->error = conf_fault(r->why, -EINVAL, &place, "%s", what);
}

/* The store has a byte for each byte of the file, and a line is always longer than the texts taken from it.
 */
static const char *store(struct reading *r, const char *text) {
    size_t n = strlen(text) + 1;
    char *copy = r->out.store + r->stored;
    memcpy(copy, text, n);
    r->stored += n;
    return copy;
}

static int add_entry(struct reading *r, const char *key, const char *value) {
    if (r->out.n == r->n_allocated) {
        size_t n = r->n_allocated ? 2 * r->n_allocated : 64;
        struct ini_entry *grown = realloc(r->out.entries, n * sizeof(*grown));
        if (!grown)
            return reason_set(r->why, -ENOMEM, "out of memory");
        r->out.entries = grown;
        r->n_allocated = n;
    }
    r->out.entries[r->out.n++] = (struct ini_entry){r->section, key, value, r->line};
    return 0;
}

/* Appends the next physical line to buf at *len, without its end. False at the end of the file. */
static bool take_line(struct reading *r, char *buf, size_t size, size_t *len) {
    if (r->at == r->end)
        return false;
    const char *newline = memchr(r->at, '\n', (size_t)(r->end - r->at));
    size_t n = (size_t)((newline ? newline : r->end) - r->at);
    size_t kept = n > 0 && newline && r->at[n - 1] == '\r' ? n - 1 : n;
    if (kept >= size - *len) /* cannot be: the buffer holds a whole file */
        return false;
    memcpy(buf + *len, r->at, kept);
    *len += kept;
    buf[*len] = '\0';
    r->at += newline ? n + 1 : n;
    r->next_line++;
    return true;
}

/* Reads a line and those that continue it; comment lines between them are skipped. */
static bool take_logical_line(struct reading *r, char *buf, size_t size, bool *ret_joined) {
    size_t len = 0;
    r->line = r->next_line;
    *ret_joined = false;
    if (!take_line(r, buf, size, &len))
        return false;
    while (line_kind_of(buf) == LINE_KEY && line_goes_on(buf, len)) {
        size_t before = len;
        *ret_joined = true;
        buf[len - 1] = ' ';
        do {
            len = before;
            if (!take_line(r, buf, size, &len)) {
                fail(r, r->section, NULL,
                     "the last line ends in a backslash, but there is none for it to go on in");
                return false;
            }
        } while (buf[before + strspn(buf + before, " \t")] && line_kind_of(buf + before) == LINE_NOTHING);
    }
    return true;
}

static void take_section(struct reading *r, char *buf, size_t size) {
    const char *wrong = line_take_section(buf);
    if (wrong) {
        fail(r, buf, NULL, wrong);
        return;
    }
    struct conf_place place = {r->file, r->line, buf, NULL};
    unsigned n = 0;
    for (size_t i = 0; i < r->out.n; i++) {
        const struct ini_entry *e = &r->out.entries[i];
        if (e->key)
            continue;
        if (strcmp(e->section, buf) == 0) {
            r->error = conf_fault(r->why, -EINVAL, &place, "this section stood already in line %u; keep one",
                                  e->line);
            return;
        }
        if (++n == SECTIONS_MAX) {
            r->error = conf_fault(r->why, -EINVAL, &place,
                                  "more than %u sections, which no spec or configuration file has", n);
            return;
        }
    }
    r->section = store(r, buf);
    r->error = add_entry(r, NULL, NULL);
    (void)text_format(buf, size, "[%s]\n", r->section);
}

static void take_key(struct reading *r, char *buf, bool joined) {
    char *key = NULL, *value = NULL;
    const char *wrong = line_take_key(buf, joined, &key, &value);
    if (!wrong && !r->section)
        wrong = "the key stands before any [section]; put it below one";
    if (wrong) {
        fail(r, r->section, key, wrong);
        return;
    }
    size_t n = strlen(key), m = strlen(value);
    memmove(buf, key, n);
    buf[n] = '=';
    memmove(buf + n + 1, value, m);
    memcpy(buf + n + 1 + m, "\n", 2);
}

/* inih's reader, in the manner of fgets: hands it lines in their one plain form. */
static char *read_line(char *buf, int size, void *stream) {
    struct reading *r = stream;
    bool joined;
    if (r->error < 0 || !take_logical_line(r, buf, (size_t)size - 2, &joined))
        return NULL;
    switch (line_kind_of(buf)) {
    case LINE_NOTHING:
        memcpy(buf, "\n", 2);
        break;
    case LINE_SECTION:
        take_section(r, buf, (size_t)size);
        break;
    case LINE_KEY:
        take_key(r, buf, joined);
        break;
    }
    return r->error < 0 ? NULL : buf;
}

/* inih's handler. Returns its "true" or "false". */
static int take_entry(void *user, const char *section, const char *key, const char *value) {
    struct reading *r = user;
    if (!r->section || strcmp(section, r->section) != 0) {
        fail(r, section, key, "the line cannot be read");
        return 0;
    }
    const char *k = store(r, key), *v = store(r, value);
    r->error = add_entry(r, k, v);
    return r->error == 0;
}

/* The library's defaults (a 200-byte line, cut; continuation by indentation; comments inside quotes) are
 * switched off. They are variables of the library, so this is done before every use. */
static void set_inih_options(size_t file_len) {
    ini_use_stack = false;
    ini_initial_alloc = (int)file_len + LINE_ROOM;
    ini_max_line = ini_initial_alloc;
    ini_allow_realloc = false;
    ini_allow_multiline = false;
    ini_allow_bom = false;
    ini_allow_inline_comments = false;
    ini_allow_no_value = false;
    ini_stop_on_first_error = true;
}

static int check_text(const char *file, const char *text, size_t len, struct reason *why) {
    struct conf_place place = {file, 0, NULL, NULL};
    if (len > INI_TEXT_MAX)
        return conf_fault(why, -EFBIG, &place,
                          "larger than %d KiB, which no spec or configuration file may be",
                          INI_TEXT_MAX / 1024);
    const char *what;
    place.line = line_find_bad_byte(text, len, &what);
    if (place.line > 0)
        return conf_fault(why, -EINVAL, &place, "the line has %s; only plain UTF-8 text may stand here",
                          what);
    return 0;
}

int ini_text_read(const char *file, const char *text, size_t len, struct ini_text *ret, struct reason *why) {
    static const char bom[] = "\xef\xbb\xbf";
    int r = check_text(file, text, len, why);
    if (r < 0)
        return r;
    size_t skip = len >= 3 && memcmp(text, bom, 3) == 0 ? 3 : 0;
    struct reading reading = {.file = file, .at = text + skip, .end = text + len, .next_line = 1, .why = why};
    reading.out.store = malloc(len + 2);
    if (!reading.out.store)
        return reason_set(why, -ENOMEM, "out of memory");
    set_inih_options(len);
    r = ini_parse_stream(read_line, &reading, take_entry, &reading);
    if (reading.error == 0 && r == -2)
        reading.error = reason_set(why, -ENOMEM, "out of memory");
    else if (reading.error == 0 && (r != 0 || reading.at != reading.end))
        fail(&reading, reading.section, NULL, "the line cannot be read");
    if (reading.error < 0) {
        ini_text_free(&reading.out);
        return reading.error;
    }
    *ret = reading.out;
    return 0;
}
