/* SPDX-License-Identifier: Apache-2.0 */
/* Users and groups, through the C library's databases. A directory service behind them (LDAP, …) can make a
 * look-up slow; its cache daemon is what keeps it fast. */
#include "adapters/adapters.h"
#include "base/attr.h"
#include "base/clock.h"
#include "base/parse.h"
#include "base/text.h"

#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <string.h>

static void fill_groups(struct account *a) {
    int n = ARRAY_LEN(a->groups);
    gid_t groups[ARRAY_LEN(a->groups)];
    if (!a->name[0] || getgrouplist(a->name, a->gid, groups, &n) < 0)
        return; /* more groups than fit: none rather than some */
    for (int i = 0; i < n; i++)
        a->groups[a->n_groups++] = groups[i];
}

static int look_up(const char *name, struct account *ret) {
    char buf[4096];
    struct passwd entry, *found = NULL;
    uint32_t uid;
    bool by_number = parse_u32(name, &uid) == 0;
    int r = by_number ? getpwuid_r(uid, &entry, buf, sizeof(buf), &found)
                      : getpwnam_r(name, &entry, buf, sizeof(buf), &found);
    if (!found && by_number) {
        *ret = (struct account){.uid = uid, .gid = uid};
        return 0;
    }
    if (!found)
        return r > 0 && r != ENOENT && r != ESRCH ? -r : -ENOENT;
    struct account a = {.uid = found->pw_uid, .gid = found->pw_gid};
    text_format(a.name, sizeof(a.name), "%s", found->pw_name);
    text_format(a.home, sizeof(a.home), "%s", found->pw_dir);
    fill_groups(&a);
    *ret = a;
    return 0;
}

/* A start looks its user up, and a boot starts a thousand: an answer holds for a few seconds. */
#define HOLDS_USEC (5 * USEC_PER_SEC)

static struct {
    char name[64];
    uint64_t until_usec;
    struct account account;
} cache[16];

static int user(void *ctx ATTR_UNUSED, const char *name, struct account *ret) {
    uint64_t now = clock_monotonic_usec();
    size_t oldest = 0;
    for (size_t i = 0; i < ARRAY_LEN(cache); i++) {
        if (cache[i].until_usec > now && strcmp(cache[i].name, name) == 0) {
            *ret = cache[i].account;
            return 0;
        }
        if (cache[i].until_usec < cache[oldest].until_usec)
            oldest = i;
    }
    int r = look_up(name, ret);
    if (r < 0 || text_format(cache[oldest].name, sizeof(cache[oldest].name), "%s", name) < 0) {
        cache[oldest].until_usec = 0;
        return MIN(r, 0);
    }
    cache[oldest].account = *ret;
    cache[oldest].until_usec = now + HOLDS_USEC;
    return 0;
}

static int group(void *ctx ATTR_UNUSED, const char *name, uint32_t *ret_gid) {
    char buf[16384];
    struct group entry, *found = NULL;
    if (parse_u32(name, ret_gid) == 0)
        return 0;
    int r = getgrnam_r(name, &entry, buf, sizeof(buf), &found);
    if (!found)
        return r > 0 && r != ENOENT && r != ESRCH ? -r : -ENOENT;
    *ret_gid = found->gr_gid;
    return 0;
}

void account_adapter_init(struct account_port *ret) {
    *ret = (struct account_port){NULL, user, group};
}
