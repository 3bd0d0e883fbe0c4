/* SPDX-License-Identifier: Apache-2.0 */
/* The public functions of spec.h; its keys are in spec_table.c. */
#include "conf/spec.h"

#include "conf/fault.h"
#include "conf/ini.h"
#include "conf/spec_table.h"

#include <errno.h>
#include <string.h>

_Static_assert(INI_TEXT_MAX == SPEC_TEXT_MAX, "one limit for all files");

/* Up to this length no spec can print as more than SPEC_TEXT_MAX: quoting at most doubles a text, and a
 * variable on a line of its own costs 14 bytes more. */
#define ALWAYS_PRINTABLE (SPEC_TEXT_MAX / 4)

/* The canonical text is what is kept, so it must be one that parses. */
static int check_printable(const char *file, const struct spec *s, struct reason *why) {
    AUTO_FREE char *text = NULL;
    int r = spec_print(s, &text);
    if (r < 0)
        return reason_set(why, r, "out of memory");
    struct conf_place place = {.file = file};
    if (strlen(text) > SPEC_TEXT_MAX)
        return conf_fault(
            why, -EFBIG, &place,
            "with every variable on a line of its own, and quoted, larger than %d KiB; make it shorter",
            SPEC_TEXT_MAX / 1024);
    return 0;
}

int spec_parse(const char *file, const char *text, size_t len, struct spec *ret, struct reason *why) {
    struct spec s;
    int r = conf_table_parse(&spec_table, file, text, len, &s, why);
    if (r < 0)
        return r;
    r = len > ALWAYS_PRINTABLE ? check_printable(file, &s, why) : 0;
    if (r < 0) {
        spec_free(&s);
        return r;
    }
    *ret = s;
    return 0;
}

void spec_free(struct spec *s) {
    if (s)
        conf_table_release(&spec_table, s);
}

int spec_copy(const struct spec *s, struct spec *ret) {
    return conf_table_copy(&spec_table, s, ret);
}

int spec_print(const struct spec *s, char **ret_text) {
    return conf_table_print(&spec_table, s, ret_text);
}

bool spec_equal(const struct spec *a, const struct spec *b) {
    return conf_table_equal(&spec_table, a, b, 0);
}

bool spec_keeps_instances(const struct spec *a, const struct spec *b) {
    return conf_table_equal(&spec_table, a, b, CONF_LIVE);
}

bool spec_codes_has(const struct spec_codes *codes, unsigned code) {
    return code < 256 && (codes->bits[code / 64] >> (code % 64) & 1);
}

const char *spec_restart_name(enum spec_restart v) {
    return v < SPEC_RESTART_MAX ? spec_restart_words[v] : "unknown";
}

const char *spec_ready_name(enum spec_ready v) {
    return v < SPEC_READY_MAX ? spec_ready_words[v] : "unknown";
}

const char *spec_guarantee_name(enum spec_guarantee v) {
    return v < SPEC_GUARANTEE_MAX ? spec_guarantee_words[v] : "unknown";
}
