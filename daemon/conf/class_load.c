/* SPDX-License-Identifier: Apache-2.0 */
/* The classes of a host as one table: the shipped ones and the operator's. */
#include "conf/class.h"

#include "conf/class_table.h"
#include "conf/fault.h"
#include "conf/folder.h"
#include "conf/shipped_classes.h"

#include <errno.h>
#include <string.h>

int class_parse(const char *file, const char *name, const char *text, size_t len, struct class_conf *ret,
                struct reason *why) {
    struct class_conf c = {0};
    struct conf_place place = {.file = file};
    if (!text_is_name(name))
        return conf_fault(why, -EINVAL, &place, "the class's name must be 1 to %d of a-z, 0-9, '-' and '_'",
                          NAME_LEN_MAX);
    int r = conf_table_parse(&class_key_table, file, text, len, &c, why);
    if (r < 0)
        return r;
    memcpy(c.name, name, strlen(name) + 1);
    *ret = c;
    return 0;
}

int class_print(const struct class_conf *c, char **ret_text) {
    return conf_table_print(&class_key_table, c, ret_text);
}

const struct class_conf *class_find(const struct class_table *t, const char *name) {
    for (uint32_t i = 0; i < t->n; i++)
        if (strcmp(t->classes[i].name, name) == 0)
            return &t->classes[i];
    return NULL;
}

static void swap(struct class_conf *a, struct class_conf *b) {
    struct class_conf c = *a;
    *a = *b;
    *b = c;
}

/* Puts a class in, in place of the one of its name, and moves it to where its rank belongs. */
static int insert(struct class_table *t, const struct class_conf *c) {
    struct class_conf *a = t->classes;
    uint32_t i = 0;
    while (i < t->n && strcmp(a[i].name, c->name) != 0)
        i++;
    if (i == CLASS_MAX)
        return -E2BIG;
    t->n = MAX(t->n, i + 1);
    a[i] = *c;
    for (; i > 0 && a[i - 1].rank < a[i].rank; i--)
        swap(&a[i - 1], &a[i]);
    for (; i + 1 < t->n && a[i + 1].rank > a[i].rank; i++)
        swap(&a[i + 1], &a[i]);
    return 0;
}

void class_table_shipped(struct class_table *ret) {
    struct class_table t = {0};
    for (size_t i = 0; i < ARRAY_LEN(shipped_classes); i++) {
        struct class_conf c;
        int r = class_parse("shipped", shipped_classes[i].name, shipped_classes[i].text,
                            strlen(shipped_classes[i].text), &c, NULL);
        if (r == 0)
            r = insert(&t, &c);
        if (r < 0) /* out of memory at the start, or a build from files that no test has seen */
            abort();
    }
    *ret = t;
}

static int add_file(const char *file, const char *name, const char *text, size_t len, void *userdata,
                    struct reason *why) {
    struct class_conf c;
    int r = class_parse(file, name, text, len, &c, why);
    if (r < 0)
        return r;
    struct conf_place place = {.file = file};
    if (insert(userdata, &c) < 0)
        return conf_fault(why, -E2BIG, &place, "more than %d classes; remove one", CLASS_MAX);
    return 0;
}

/* Ranks decide who goes first, so no two may be the same. */
static int check_ranks(const char *etc, const struct class_table *t, struct reason *why) {
    char file[600];
    struct conf_place place = {file, 0, "class", "rank"};
    (void)text_format(file, sizeof(file), "%s/classes.d", etc);
    for (uint32_t i = 1; i < t->n; i++)
        if (t->classes[i].rank == t->classes[i - 1].rank)
            return conf_fault(why, -EINVAL, &place,
                              "%s and %s have the same rank %u; give each class a rank of its own",
                              t->classes[i - 1].name, t->classes[i].name, t->classes[i].rank);
    return 0;
}

int class_table_load(const char *etc, struct class_table *ret, struct reason *why) {
    struct class_table t;
    class_table_shipped(&t);
    int r = conf_folder_read(etc, "classes.d", add_file, &t, why);
    if (r < 0)
        return r;
    r = check_ranks(etc, &t, why);
    if (r < 0)
        return r;
    *ret = t;
    return 0;
}
