/* SPDX-License-Identifier: Apache-2.0 */
/* Setting up, running the loop, talking to the socket. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "stage.h"

#include "base/clock.h"
#include "base/log.h"
#include "streamkeeper/names.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#define PATIENCE (10 * USEC_PER_SEC)

static void no_log(enum log_level level, const char *line, void *userdata) {
    (void)level;
    (void)line;
    (void)userdata;
}

static struct sockaddr_un address(const struct stage *s) {
    struct sockaddr_un sa = {.sun_family = AF_UNIX};
    snprintf(sa.sun_path, sizeof(sa.sun_path), "%s", s->socket);
    return sa;
}

void stage_open(struct stage *s, const struct api_limits *limits) {
    struct api_limits l = limits ? *limits : (struct api_limits){0};
    *s = (struct stage){.folder = "/tmp/sk-api-XXXXXX"};
    log_set_sink(no_log, NULL);
    l.clients_max = l.clients_max ? l.clients_max : 16;
    l.clients_per_user_max = l.clients_per_user_max ? l.clients_per_user_max : 8;
    assert_non_null(mkdtemp(s->folder));
    snprintf(s->socket, sizeof(s->socket), "%s/control.sock", s->folder);
    assert_true(sd_event_new(&s->loop) >= 0);
    assert_true(fake_init(&s->manager, s->loop) >= 0);
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    struct sockaddr_un sa = address(s);
    assert_int_equal(bind(fd, (struct sockaddr *)&sa, sizeof(sa)), 0);
    assert_int_equal(listen(fd, 64), 0);
    assert_int_equal(api_new(s->loop, &s->manager, fd, &l, &s->api), 0);
    assert_int_equal(api_start(s->api), 0);
}

void stage_close(struct stage *s) {
    fake_close(&s->manager);
    api_free(s->api);
    sd_event_unref(s->loop);
    unlink(s->socket);
    rmdir(s->folder);
    log_set_sink(NULL, NULL);
}

bool stage_until(struct stage *s, stage_condition condition, void *userdata) {
    uint64_t end = clock_monotonic_usec() + PATIENCE;
    while (!condition(userdata)) {
        uint64_t now = clock_monotonic_usec();
        if (now >= end)
            return false;
        assert_true(sd_event_run(s->loop, MIN(end - now, 5 * USEC_PER_MSEC)) >= 0);
    }
    return true;
}

void stage_settle(struct stage *s) {
    while (sd_event_run(s->loop, 0) > 0)
        ;
}

int stage_connect(struct stage *s) {
    struct sockaddr_un sa = address(s);
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_true(fd >= 0);
    assert_int_equal(connect(fd, (struct sockaddr *)&sa, sizeof(sa)), 0);
    assert_int_equal(fcntl(fd, F_SETFL, O_NONBLOCK), 0);
    return fd;
}

static bool has_line(void *userdata) {
    int fd = *(int *)userdata;
    char buf[256];
    ssize_t n = recv(fd, buf, sizeof(buf), MSG_PEEK);
    if (n <= 0 || !memchr(buf, '\n', (size_t)n))
        return false;
    n = recv(fd, buf, sizeof(buf), 0);
    return n > 2 && memcmp(buf, "OK", 2) == 0;
}

int stage_connect_authenticated(struct stage *s) {
    static const char hello[] = "\0AUTH EXTERNAL 30\r\nBEGIN\r\n";
    int fd = stage_connect(s);
    assert_int_equal(write(fd, hello, sizeof(hello) - 1), sizeof(hello) - 1);
    assert_true(stage_until(s, has_line, &fd));
    return fd;
}

bool stage_is_closed(int fd) {
    char buf[4096];
    ssize_t n;
    while ((n = recv(fd, buf, sizeof(buf), MSG_DONTWAIT)) > 0)
        ;
    return n == 0 || (errno != EAGAIN && errno != EINTR);
}

static bool is_closed(void *userdata) {
    return stage_is_closed(*(int *)userdata);
}

bool stage_until_closed(struct stage *s, int fd) {
    return stage_until(s, is_closed, &fd);
}

sd_bus *stage_client(struct stage *s) {
    sd_bus *bus = NULL;
    int fd = stage_connect(s);
    assert_true(sd_bus_new(&bus) >= 0);
    assert_true(sd_bus_set_fd(bus, fd, fd) >= 0);
    assert_true(sd_bus_start(bus) >= 0);
    assert_true(sd_bus_attach_event(bus, s->loop, 0) >= 0);
    return bus;
}

struct waiting {
    sd_bus_message *reply;
    bool over;
};

static int on_reply(sd_bus_message *m, void *userdata, sd_bus_error *error) {
    struct waiting *w = userdata;
    (void)error;
    w->reply = sd_bus_message_ref(m);
    w->over = true;
    return 0;
}

static bool is_over(void *userdata) {
    return ((struct waiting *)userdata)->over;
}

sd_bus_message *stage_call(struct stage *s, sd_bus *bus, const char *method, const char *types, ...) {
    sd_bus_message *m = NULL;
    sd_bus_slot *slot = NULL;
    struct waiting w = {0};
    assert_true(sd_bus_message_new_method_call(bus, &m, NULL, SK_BUS_PATH, SK_BUS_INTERFACE, method) >= 0);
    va_list ap;
    va_start(ap, types);
    if (types && *types)
        assert_true(sd_bus_message_appendv(m, types, ap) >= 0);
    va_end(ap);
    assert_true(sd_bus_call_async(bus, &slot, m, on_reply, &w, PATIENCE) >= 0);
    stage_until(s, is_over, &w);
    sd_bus_slot_unref(slot);
    sd_bus_message_unref(m);
    return w.reply;
}

static void put_u32(uint8_t *p, uint32_t v) {
    p[0] = (uint8_t)v;
    p[1] = (uint8_t)(v >> 8);
    p[2] = (uint8_t)(v >> 16);
    p[3] = (uint8_t)(v >> 24);
}

/* One header field: code, its signature, a string. */
static size_t put_field(uint8_t *p, size_t at, uint8_t code, char type, const char *text) {
    while (at % 8)
        p[at++] = 0;
    p[at++] = code;
    p[at++] = 1;
    p[at++] = (uint8_t)type;
    p[at++] = 0;
    put_u32(p + at, (uint32_t)strlen(text));
    at += 4;
    memcpy(p + at, text, strlen(text) + 1);
    return at + strlen(text) + 1;
}

size_t stage_wire_call(const char *member, uint32_t serial, uint8_t *buf, size_t size) {
    assert_true(size >= 512);
    memcpy(buf, "l\1\0\1", 4);
    put_u32(buf + 4, 0);
    put_u32(buf + 8, serial);
    size_t at = put_field(buf, 16, 1, 'o', SK_BUS_PATH);
    at = put_field(buf, at, 2, 's', SK_BUS_INTERFACE);
    at = put_field(buf, at, 3, 's', member);
    put_u32(buf + 12, (uint32_t)(at - 16));
    while (at % 8)
        buf[at++] = 0;
    return at;
}
