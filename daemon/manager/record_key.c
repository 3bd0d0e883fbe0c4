/* SPDX-License-Identifier: Apache-2.0 */
/* Keys of the registry, as record.h lists them. */
#include "manager/record.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

void record_app_key(char key[RECORD_KEY_MAX], const char *tenant, const char *app) {
    snprintf(key, RECORD_KEY_MAX, "app/%s/%s", tenant, app);
}

void record_run_key(char key[RECORD_KEY_MAX], const char *tenant, const char *app, uint32_t number) {
    snprintf(key, RECORD_KEY_MAX, "run/%s/%s/%04" PRIu32, tenant, app, number);
}

void record_exit_key(char key[RECORD_KEY_MAX], const char *tenant, const char *app, uint32_t number,
                     uint64_t seq) {
    snprintf(key, RECORD_KEY_MAX, "exit/%s/%s/%04" PRIu32 "/%016" PRIx64, tenant, app, number, seq);
}

void record_event_key(char key[RECORD_KEY_MAX], uint64_t seq) {
    snprintf(key, RECORD_KEY_MAX, "event/%016" PRIx64, seq);
}

void record_app_prefix(char key[RECORD_KEY_MAX], const char *kind, const char *tenant, const char *app) {
    snprintf(key, RECORD_KEY_MAX, "%s/%s/%s/", kind, tenant, app);
}

int record_key_seq(const char *key, uint64_t *ret) {
    const char *slash = strrchr(key, '/');
    if (!slash || strlen(slash + 1) != 16)
        return -EBADMSG;
    uint64_t value = 0;
    for (const char *p = slash + 1; *p; p++) {
        const char *digits = "0123456789abcdef", *d = strchr(digits, *p);
        if (!d)
            return -EBADMSG;
        value = value << 4 | (uint64_t)(d - digits);
    }
    *ret = value;
    return 0;
}

static int take_name(const char **p, char name[NAME_LEN_MAX + 1]) {
    size_t n = strcspn(*p, "/");
    if (n > NAME_LEN_MAX)
        return -EBADMSG;
    memcpy(name, *p, n);
    name[n] = '\0';
    *p += n;
    return text_is_name(name) ? 0 : -EBADMSG;
}

int record_key_app(const char *key, char tenant[NAME_LEN_MAX + 1], char app[NAME_LEN_MAX + 1],
                   uint32_t *number) {
    const char *p = strchr(key, '/');
    if (!p)
        return -EBADMSG;
    p++;
    int r = take_name(&p, tenant);
    if (r < 0 || *p++ != '/')
        return -EBADMSG;
    r = take_name(&p, app);
    if (r < 0)
        return r;
    if (!number)
        return *p == '\0' ? 0 : -EBADMSG;
    uint32_t n = 0;
    if (*p++ != '/' || *p == '\0')
        return -EBADMSG;
    for (; *p; p++) {
        if (*p < '0' || *p > '9' || n > 100000)
            return -EBADMSG;
        n = n * 10 + (uint32_t)(*p - '0');
    }
    *number = n;
    return 0;
}
