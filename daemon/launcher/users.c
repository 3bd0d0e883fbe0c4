/* SPDX-License-Identifier: Apache-2.0 */
/* Reads the two files; checks no permission. */
#include "launcher/users.h"

#include "base/attr.h"
#include "base/parse.h"
#include "base/text.h"

#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

static void close_file(FILE **f) {
    if (*f)
        fclose(*f);
}

static int find_entry(const char *name, struct user *u) {
    uint32_t number;
    bool by_number = parse_u32(name, &number) == 0;
    CLEANUP(close_file) FILE *f = fopen("/etc/passwd", "re");
    struct passwd *p;
    while (f && (p = fgetpwent(f))) {
        bool same = by_number ? p->pw_uid == number : strcmp(p->pw_name, name) == 0;
        if (!same)
            continue;
        u->uid = p->pw_uid;
        u->gid = p->pw_gid;
        return text_format(u->name, sizeof(u->name), "%s", p->pw_name);
    }
    if (!by_number)
        return -ENOENT;
    u->uid = u->gid = number;
    return 0;
}

static bool lists_member(char *const *members, const char *name) {
    for (; *members; members++)
        if (strcmp(*members, name) == 0)
            return true;
    return false;
}

static int find_groups(struct user *u) {
    u->groups[0] = u->gid;
    u->n_groups = 1;
    CLEANUP(close_file) FILE *f = u->name[0] ? fopen("/etc/group", "re") : NULL;
    struct group *g;
    while (f && (g = fgetgrent(f))) {
        if (g->gr_gid == u->gid || !lists_member(g->gr_mem, u->name))
            continue;
        if (u->n_groups == SK_WIRE_GROUPS_MAX)
            return -E2BIG;
        u->groups[u->n_groups++] = g->gr_gid;
    }
    return 0;
}

int user_find(const char *name, struct user *ret) {
    struct user u = {.name = ""};
    int r = find_entry(name, &u);
    if (r < 0)
        return r;
    r = find_groups(&u);
    if (r < 0)
        return r;
    *ret = u;
    return 0;
}
