/* SPDX-License-Identifier: Apache-2.0 */
/* The smaller ports of ports.h, and all of them together. */
#include "fake/ports.h"
#include "base/attr.h"
#include "base/text.h"
#include "fake/private.h"
#include "fake/timers.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static int user(void *ctx, const char *name, struct account *ret) {
    struct fake_ports *p = ctx;
    char *end;
    unsigned long number = strtoul(name, &end, 10);
    bool is_number = *name && !*end;
    for (const struct fake_user *u = p->users; u->name; u++)
        if (is_number ? u->uid == number : strcmp(u->name, name) == 0) {
            *ret = (struct account){.uid = u->uid, .gid = u->gid, .groups = {u->gid}, .n_groups = 1};
            snprintf(ret->name, sizeof(ret->name), "%s", u->name);
            snprintf(ret->home, sizeof(ret->home), "/home/%s", u->name);
            return 0;
        }
    if (!is_number)
        return -ENOENT;
    *ret = (struct account){.uid = (uint32_t)number, .gid = (uint32_t)number};
    return 0;
}

static int group(void *ctx, const char *name, uint32_t *ret) {
    struct fake_ports *p = ctx;
    for (const struct fake_user *g = p->unix_groups; g->name; g++)
        if (strcmp(g->name, name) == 0) {
            *ret = g->gid;
            return 0;
        }
    return -ENOENT;
}

static bool to_journal(void *ctx) {
    const struct fake_ports *p = ctx;
    return p->journal;
}

static int open_log(void *ctx, const char *tenant ATTR_UNUSED, const char *app ATTR_UNUSED,
                    uint32_t number ATTR_UNUSED) {
    const struct fake_ports *p = ctx;
    if (p->log_fail)
        return p->log_fail;
    int fd = open("/dev/null", O_WRONLY | O_CLOEXEC);
    return fd < 0 ? -errno : fd;
}

static void forget_log(void *ctx, const char *tenant, const char *app, uint32_t number) {
    struct fake_ports *p = ctx;
    size_t at = strlen(p->forgotten);
    (void)text_format(p->forgotten + at, sizeof(p->forgotten) - at, "%s/%s.%u ", tenant, app, number);
}

static int read_log(void *ctx ATTR_UNUSED, const char *tenant, const char *app, uint32_t number,
                    const char *cursor, uint32_t lines, log_lines_fn fn, void *userdata) {
    char text[200];
    snprintf(text, sizeof(text), "%s/%s.%u %s %u", tenant, app, number, cursor, lines);
    const struct log_line line = {.text = text, .len = strlen(text)};
    fn(userdata, 0, "", &line, 1, "next");
    return 0;
}

static int ask_stop_kind(void *ctx, stop_kind_fn fn, void *userdata) {
    struct fake_ports *p = ctx;
    if (p->ask_fail)
        return p->ask_fail;
    p->asked = fn;
    p->asked_userdata = userdata;
    return 0;
}

static uint64_t monotonic(void *ctx) {
    const struct fake_ports *p = ctx;
    return p->monotonic_usec;
}

static uint64_t realtime(void *ctx) {
    const struct fake_ports *p = ctx;
    return p->realtime_usec;
}

static uint64_t random_number(void *ctx) {
    const struct fake_ports *p = ctx;
    return p->random;
}

void fake_clock_pass(struct fake_ports *p, uint64_t usec) {
    p->monotonic_usec += usec;
    p->realtime_usec += usec;
    timers_advance(p->monotonic_usec);
}

void fake_ports_init(struct fake_ports *p, sd_event *loop) {
    *p = (struct fake_ports){
        .loop = loop, .monotonic_usec = UINT64_C(1000000000), .realtime_usec = UINT64_C(1700000000000000)};
    fake_store_init(p);
    fake_groups_init(p);
    p->ports.account = (struct account_port){p, user, group};
    p->ports.log = (struct log_port){p, to_journal, open_log, forget_log, read_log};
    p->ports.service = (struct service_port){p, ask_stop_kind};
    p->ports.clock = (struct clock_port){p, monotonic, realtime, random_number};
    timers_begin(p->monotonic_usec);
}

void fake_ports_free(struct fake_ports *p) {
    fake_store_free(p);
    fake_groups_free(p);
    timers_end();
}
