/* SPDX-License-Identifier: Apache-2.0 */
/* Trees and golden files. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tree.h"

#include "base/fd.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>

static const uint64_t NOW = UINT64_C(1700000000000000);

struct value *tree_list(struct arena *a, struct value *parent, const char *key) {
    struct value *v = value_new(a, VALUE_LIST, key);
    if (parent)
        value_append(parent, v);
    return v;
}

struct value *tree_dict(struct arena *a, struct value *parent, const char *key) {
    struct value *v = value_new(a, VALUE_DICT, key);
    if (parent)
        value_append(parent, v);
    return v;
}

struct value *tree_app(struct arena *a, struct value *apps, const char *name, const char *class,
                       unsigned rank, const char *state, bool wanted) {
    struct value *app = tree_dict(a, apps, NULL);
    value_add_text(a, app, "name", name);
    value_add_text(a, app, "class", class);
    value_add_uint(a, app, "rank", rank);
    value_add_text(a, app, "state", state);
    value_add_bool(a, app, "wanted", wanted);
    value_add_uint(a, app, "generation", 3);
    tree_list(a, app, "instances");
    return app;
}

struct value *tree_instance(struct arena *a, struct value *app, unsigned number, const char *state,
                            unsigned pid, unsigned restarts) {
    struct value *instances = (struct value *)(uintptr_t)value_get(app, "instances");
    struct value *i = tree_dict(a, instances, NULL);
    value_add_uint(a, i, "number", number);
    value_add_text(a, i, "state", state);
    value_add_uint(a, i, "pid", pid);
    value_add_uint(a, i, "restarts", restarts);
    value_add_uint(a, i, "since_usec", tree_ago(192));
    return i;
}

uint64_t tree_ago(unsigned seconds) {
    return NOW - seconds * UINT64_C(1000000);
}

struct look tree_look(bool colour, unsigned width) {
    return (struct look){.colour = colour, .width = width, .now_usec = NOW};
}

void tree_expect_golden(const char *name, struct text_buf *text) {
    char path[512];
    AUTO_FREE char *expected = NULL;
    snprintf(path, sizeof(path), "%s/%s", GOLDEN_DIR, name);
    assert_false(text->failed);
    assert_non_null(text->data);
    assert_null(strstr(text->data, " \n"));
    if (getenv("STREAMKEEPER_GOLDEN"))
        assert_int_equal(fd_replace_file_at(AT_FDCWD, path, text->data, 0644), 0);
    assert_int_equal(fd_read_file_at(AT_FDCWD, path, 65536, &expected, NULL), 0);
    assert_string_equal(text->data, expected);
    text_buf_free(text);
}
