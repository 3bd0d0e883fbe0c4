/* SPDX-License-Identifier: Apache-2.0 */
/* Tenants and the table of them; resolves no user name and grants nothing itself. */
#include "conf/tenant.h"

#include "base/parse.h"
#include "conf/fault.h"
#include "conf/folder.h"
#include "conf/table.h"
#include "conf/types.h"
#include "streamkeeper/names.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

#define MEMBERS_MAX 1024
#define RUN_AS_MAX  256
#define CLASSES_MAX 64

/* "payments", "1001" or "20000-20099". Never root: a tenant's right must not lead to a root shell. */
static int parse_run_as(const char *word, struct tenant_run_as *ret, struct reason *why) {
    struct tenant_run_as one = {0};
    char shown[CONF_SHOWN_SIZE], first[16] = "";
    const char *dash = strchr(word, '-');
    if (word[0] >= '0' && word[0] <= '9') {
        size_t n = dash ? (size_t)(dash - word) : strlen(word);
        memcpy(first, word, MIN(n, sizeof(first) - 1));
        if (n >= sizeof(first) || parse_u32(first, &one.uid_first) < 0 ||
            parse_u32(dash ? dash + 1 : first, &one.uid_last) < 0 || one.uid_first > one.uid_last ||
            one.uid_last == UINT32_MAX)
            return reason_set(
                why, -EINVAL,
                "\"%s\" is not valid; right would be a user's name or number, or a range such as "
                "20000-20099",
                conf_shown(word, shown));
    } else if (!conf_is_user(word)) {
        return reason_set(why, -EINVAL, "\"%s\" is no user's name", conf_shown(word, shown));
    } else {
        memcpy(one.name, word, strlen(word) + 1);
    }
    if (strcmp(one.name, "root") == 0 || (one.name[0] == '\0' && one.uid_first == 0))
        return reason_set(why, -EINVAL, "a tenant's apps cannot run as root; name another user");
    *ret = one;
    return 0;
}

static int parse_run_as_list(const struct conf_row *row, const char *text, void *object, struct reason *why) {
    struct tenant_conf *t = object;
    CLEANUP(cleanup_text_list) char **words = NULL;
    int r = conf_split_words(text, row->max, &words, why);
    if (r < 0)
        return r;
    uint32_t n = (uint32_t)text_list_len(words);
    AUTO_FREE struct tenant_run_as *list = calloc(n, sizeof(*list));
    if (!list)
        return -ENOMEM;
    for (uint32_t i = 0; i < n; i++) {
        r = parse_run_as(words[i], &list[i], why);
        if (r < 0)
            return r;
    }
    t->run_as = TAKE_PTR(list);
    t->n_run_as = n;
    return 0;
}

static void print_run_as(const struct conf_row *row ATTR_UNUSED, const void *object, struct text_buf *b) {
    const struct tenant_conf *t = object;
    for (uint32_t i = 0; i < t->n_run_as; i++) {
        const struct tenant_run_as *one = &t->run_as[i];
        text_buf_add(b, i ? " " : "");
        if (one->name[0] != '\0')
            text_buf_add(b, one->name);
        else if (one->uid_first == one->uid_last)
            text_buf_addf(b, "%" PRIu32, one->uid_first);
        else
            text_buf_addf(b, "%" PRIu32 "-%" PRIu32, one->uid_first, one->uid_last);
    }
}

static void release_run_as(const struct conf_row *row ATTR_UNUSED, void *object) {
    struct tenant_conf *t = object;
    free(t->run_as);
    t->run_as = NULL;
    t->n_run_as = 0;
}

static const struct conf_type type_run_as = {.parse = parse_run_as_list,
                                             .print = print_run_as,
                                             .release = release_run_as,
                                             .size = sizeof(struct tenant_run_as *)};

static bool is_class_or_star(const char *text) {
    return strcmp(text, "*") == 0 || text_is_name(text);
}

#define AT(member) offsetof(struct tenant_conf, member)

/* clang-format off */
static const struct conf_row rows[] = {
    {"tenant", "members", &conf_type_list, AT(members), .valid = conf_is_user, .max = MEMBERS_MAX,
     .right = "names or numbers of users, with blanks between them"},
    {"tenant", "groups", &conf_type_list, AT(member_groups), .valid = conf_is_user, .max = MEMBERS_MAX,
     .right = "names or numbers of groups, with blanks between them"},
    {"tenant", "run-as", &type_run_as, AT(run_as), .max = RUN_AS_MAX, .flags = CONF_REQUIRED,
     .right = "names or numbers of users, or a range such as 20000-20099, with blanks between them"},
    {"tenant", "classes", &conf_type_list, AT(classes), .valid = is_class_or_star, .max = CLASSES_MAX,
     .right = "names of classes with blanks between them, or * for every class"},
    {"tenant", "apps-max", &conf_type_u32, AT(apps_max), "100", .max = 1000000,
     .right = "a number of apps from 0 to 1000000"},
    {"tenant", "instances-max", &conf_type_u32, AT(instances_max), "1000", .max = 1000000,
     .right = "a number of instances from 0 to 1000000"},
};
/* clang-format on */

static const struct conf_table tenant_key_table = {
    .rows = rows, .n = ARRAY_LEN(rows), .size = sizeof(struct tenant_conf)};

int tenant_parse(const char *file, const char *name, const char *text, size_t len, struct tenant_conf *ret,
                 struct reason *why) {
    struct conf_place place = {.file = file};
    if (!text_is_name(name))
        return conf_fault(why, -EINVAL, &place, "the tenant's name must be 1 to %d of a-z, 0-9, '-' and '_'",
                          NAME_LEN_MAX);
    struct tenant_conf t = {0};
    int r = conf_table_parse(&tenant_key_table, file, text, len, &t, why);
    if (r < 0)
        return r;
    memcpy(t.name, name, strlen(name) + 1);
    *ret = t;
    return 0;
}

void tenant_free(struct tenant_conf *t) {
    if (t)
        conf_table_release(&tenant_key_table, t);
}

int tenant_print(const struct tenant_conf *t, char **ret_text) {
    return conf_table_print(&tenant_key_table, t, ret_text);
}

bool tenant_may_use_class(const struct tenant_conf *t, const char *class) {
    if (!t->classes)
        return strcmp(class, "critical") != 0;
    return text_list_contains(t->classes, "*") || text_list_contains(t->classes, class);
}

void tenant_table_free(struct tenant_table *t) {
    if (!t)
        return;
    for (uint32_t i = 0; i < t->n; i++)
        tenant_free(&t->tenants[i]);
    free(t->tenants);
    *t = (struct tenant_table){0};
}

/* Takes over what `one` owns, on success. */
static int add_tenant(struct tenant_table *t, const struct tenant_conf *one) {
    struct tenant_conf *grown = reallocarray(t->tenants, t->n + 1, sizeof(*grown));
    if (!grown)
        return -ENOMEM;
    t->tenants = grown;
    t->tenants[t->n++] = *one;
    return 0;
}

static int add_file(const char *file, const char *name, const char *text, size_t len, void *userdata,
                    struct reason *why) {
    struct tenant_conf one;
    int r = tenant_parse(file, name, text, len, &one, why);
    if (r < 0)
        return r;
    r = add_tenant(userdata, &one);
    if (r < 0) {
        tenant_free(&one);
        return reason_set(why, r, "out of memory");
    }
    return 0;
}

int tenant_table_load(const char *etc, struct tenant_table *ret, struct reason *why) {
    struct tenant_table t = {0};
    int r = conf_folder_read(etc, "tenants.d", add_file, &t, why);
    if (r < 0) {
        tenant_table_free(&t);
        return r;
    }
    *ret = t;
    return 0;
}

int tenant_table_set_default(struct tenant_table *t, uint32_t owner_uid) {
    struct tenant_conf one = {
        .name = SK_DEFAULT_TENANT, .apps_max = 1000000, .instances_max = 1000000, .n_run_as = 1};
    char uid[16];
    (void)text_format(uid, sizeof(uid), "%" PRIu32, owner_uid);
    one.run_as = calloc(1, sizeof(*one.run_as));
    int r = one.run_as ? text_list_add(&one.members, uid) : -ENOMEM;
    if (r >= 0)
        r = text_list_add(&one.classes, "*");
    if (r >= 0) {
        one.run_as[0] = (struct tenant_run_as){.uid_first = owner_uid, .uid_last = owner_uid};
        r = add_tenant(t, &one);
    }
    if (r < 0)
        tenant_free(&one);
    return r;
}

const struct tenant_conf *tenant_find(const struct tenant_table *t, const char *name) {
    for (uint32_t i = 0; i < t->n; i++)
        if (strcmp(t->tenants[i].name, name) == 0)
            return &t->tenants[i];
    return NULL;
}
