/* SPDX-License-Identifier: Apache-2.0 */
/* sd-bus over the control socket. */
#include "ctl/call.h"

#include "base/clock.h"
#include "base/fd.h"
#include "base/text.h"
#include "streamkeeper/exit.h"
#include "streamkeeper/names.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <systemd/sd-bus.h>
#include <time.h>
#include <unistd.h>

#define CONNECT_SECONDS 10
#define READY_USEC      (20 * USEC_PER_SEC) /* a start with all its apps takes less */
#define ANSWER_USEC     (60 * USEC_PER_SEC)
#define BUSY_USEC       (15 * USEC_PER_SEC)
#define BUSY_STEP_MSEC  50

struct call {
    sd_bus *bus; /* owned */
    char socket[700];
};

int failure_set(struct failure *f, int exit_code, const char *format, ...) {
    va_list ap;
    va_start(ap, format);
    vsnprintf(f->text, sizeof(f->text), format, ap);
    va_end(ap);
    f->exit_code = exit_code;
    return -1;
}

const char *failure_word(int exit_code) {
    static const char *const words[] = {
        [SK_EXIT_OK] = "ok",           [SK_EXIT_FAILURE] = "failed",          [SK_EXIT_USAGE] = "usage",
        [SK_EXIT_INVALID] = "invalid", [SK_EXIT_UNKNOWN] = "unknown",         [SK_EXIT_DENIED] = "denied",
        [SK_EXIT_REFUSED] = "refused", [SK_EXIT_UNREACHABLE] = "unreachable", [SK_EXIT_TIMEOUT] = "timeout",
        [SK_EXIT_STORAGE] = "storage", [SK_EXIT_DEGRADED] = "degraded"};
    return exit_code >= 0 && (size_t)exit_code < ARRAY_LEN(words) ? words[exit_code] : "failed";
}

/* A path that is too long for a socket address is reached through its folder. */
static int connect_path(int fd, const char *path) {
    struct sockaddr_un sa = {.sun_family = AF_UNIX};
    AUTO_FD int folder = -EBADF;
    if (text_format(sa.sun_path, sizeof(sa.sun_path), "%s", path) < 0) {
        const char *name = strrchr(path, '/');
        AUTO_FREE char *dir = name ? strndup(path, (size_t)(name - path)) : NULL;
        if (!dir)
            return -ENAMETOOLONG;
        folder = open(dir, O_PATH | O_DIRECTORY | O_CLOEXEC);
        if (folder < 0)
            return -errno;
        if (text_format(sa.sun_path, sizeof(sa.sun_path), "/proc/self/fd/%d%s", folder, name) < 0)
            return -ENAMETOOLONG;
    }
    return connect(fd, (const struct sockaddr *)&sa, sizeof(sa)) < 0 ? -errno : 0;
}

static int unreachable(const char *socket, int error, struct failure *f) {
    const char *hint = "";
    if (error == -ENOENT || error == -ECONNREFUSED)
        hint = "\nThe service does not seem to run. Start it with `systemctl start streamkeeper`, or, for a "
               "folder of your own, `streamkeeper-launcher --root DIR`, and give streamctl the same --root.";
    else if (error == -EACCES || error == -EPERM)
        hint = "\nYou may not open it: check the rights of its folder.";
    else if (error == -EAGAIN)
        hint = "\nThe daemon takes no new connections: it is starting, cannot start (see its log), or is "
               "overloaded.";
    else if (error == -ECONNRESET || error == -EPIPE || error == -ENOTCONN || error == -ESTALE)
        hint = "\nIt closed the connection: it is restarting, or has too many of them.";
    return failure_set(f, SK_EXIT_UNREACHABLE, "cannot reach the daemon at %s: %s%s", socket,
                       error == -EAGAIN ? "no answer in time" : strerror(-error), hint);
}

/* The daemon has taken the connection, and sd-bus has finished the handshake. Alone sd-bus would wait for 90
 * s, which is too long for somebody who wants to know why his daemon does not come up. Returns 0 or -errno.
 */
static int await_ready(sd_bus *bus) {
    uint64_t give_up = clock_monotonic_usec() + READY_USEC;
    for (;;) {
        int r = sd_bus_is_ready(bus);
        if (r != 0)
            return MIN(r, 0);
        r = sd_bus_process(bus, NULL);
        if (r > 0)
            continue;
        uint64_t now = clock_monotonic_usec();
        if (r >= 0 && now >= give_up)
            r = -EAGAIN;
        if (r >= 0)
            r = sd_bus_wait(bus, give_up - now);
        if (r < 0 && r != -EINTR)
            return r;
    }
}

int call_open(const char *socket_path, struct call **ret, struct failure *f) {
    AUTO_FD int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return unreachable(socket_path, -errno, f);
    const struct timeval limit = {.tv_sec = CONNECT_SECONDS};
    setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof(limit)); /* how long connect waits for a place */
    int r = connect_path(fd, socket_path);
    if (r < 0)
        return unreachable(socket_path, r, f);
    struct call *c = calloc(1, sizeof(*c));
    if (!c)
        return failure_set(f, SK_EXIT_FAILURE, "out of memory");
    snprintf(c->socket, sizeof(c->socket), "%s", socket_path);
    r = sd_bus_new(&c->bus);
    if (r >= 0)
        r = sd_bus_set_fd(c->bus, fd, fd);
    if (r >= 0) {
        fd = -EBADF;
        r = sd_bus_start(c->bus);
    }
    if (r >= 0)
        r = await_ready(c->bus);
    if (r < 0) {
        call_close(c);
        return unreachable(socket_path, r, f);
    }
    *ret = c;
    return 0;
}

void call_close(struct call *c) {
    if (!c)
        return;
    sd_bus_close_unref(c->bus);
    free(c);
}

static int append(sd_bus_message *m, const struct call_arg *a) {
    uint32_t u32 = (uint32_t)a->number;
    int on = a->number != 0;
    switch (a->type) {
    case 's':
        return sd_bus_message_append_basic(m, 's', a->text);
    case 'y':
        return sd_bus_message_append_array(m, 'y', a->text, a->len);
    case 'b':
        return sd_bus_message_append_basic(m, 'b', &on);
    case 't':
        return sd_bus_message_append_basic(m, 't', &a->number);
    default:
        return sd_bus_message_append_basic(m, 'u', &u32);
    }
}

static int exit_of(const char *name) {
    static const struct {
        const char *name;
        int exit_code;
    } exits[] = {{SK_ERROR_INVALID, SK_EXIT_INVALID},
                 {SK_ERROR_UNKNOWN, SK_EXIT_UNKNOWN},
                 {SK_ERROR_DENIED, SK_EXIT_DENIED},
                 {SK_ERROR_REFUSED, SK_EXIT_REFUSED},
                 {SK_ERROR_STORAGE, SK_EXIT_STORAGE},
                 {SK_ERROR_TIMEOUT, SK_EXIT_TIMEOUT},
                 {SK_ERROR_BUSY, SK_EXIT_REFUSED},
                 {SD_BUS_ERROR_ACCESS_DENIED, SK_EXIT_DENIED},
                 {SD_BUS_ERROR_NO_REPLY, SK_EXIT_UNREACHABLE}};
    for (size_t i = 0; i < ARRAY_LEN(exits); i++)
        if (strcmp(exits[i].name, name) == 0)
            return exits[i].exit_code;
    return SK_EXIT_FAILURE;
}

static int failed(const struct call *c, int r, const sd_bus_error *e, struct failure *f) {
    /* sd-bus's own words for a connection that ended, or an answer that did not come. */
    if (sd_bus_error_has_name(e, SD_BUS_ERROR_NO_REPLY) ||
        sd_bus_error_has_name(e, SD_BUS_ERROR_DISCONNECTED)) {
        r = -ECONNRESET;
    } else if (sd_bus_error_has_name(e, SD_BUS_ERROR_TIMEOUT)) {
        r = -ETIMEDOUT;
    } else if (sd_bus_error_is_set(e) && strncmp(e->name, "System.Error.", 13) != 0) {
        if (strcmp(e->name, SD_BUS_ERROR_UNKNOWN_METHOD) == 0)
            return failure_set(f, SK_EXIT_FAILURE,
                               "the daemon does not know this request: is it older than streamctl?");
        return failure_set(f, exit_of(e->name), "%s", e->message ? e->message : e->name);
    }
    if (r == -ECONNRESET || r == -EPIPE || r == -ENOTCONN || r == -ESTALE)
        return failure_set(
            f, SK_EXIT_UNREACHABLE,
            "the daemon at %s closed the connection: it is restarting, or has too many of them", c->socket);
    if (r == -ETIMEDOUT)
        return failure_set(f, SK_EXIT_UNREACHABLE, "the daemon at %s did not answer in time", c->socket);
    if (r == -EINTR)
        return failure_set(f, SK_EXIT_TIMEOUT, "interrupted");
    return failure_set(f, SK_EXIT_FAILURE, "cannot talk to the daemon at %s: %s", c->socket, strerror(-r));
}

static struct value *read_value(sd_bus_message *m, struct arena *a, const char *key);

static struct value *read_text(sd_bus_message *m, struct arena *a, const char *key, char type) {
    const char *text = "";
    if (sd_bus_message_read_basic(m, type, &text) < 0)
        return NULL;
    struct value *v = value_new(a, VALUE_TEXT, key);
    if (v) {
        v->text.data = text;
        v->text.len = strlen(text);
    }
    return v;
}

static struct value *read_bytes(sd_bus_message *m, struct arena *a, const char *key) {
    const void *data = NULL;
    size_t len = 0;
    if (sd_bus_message_read_array(m, 'y', &data, &len) < 0)
        return NULL;
    char *copy = arena_copy(a, data, len);
    struct value *v = copy ? value_new(a, VALUE_TEXT, key) : NULL;
    if (v) {
        v->text.data = copy;
        v->text.len = len;
    }
    return v;
}

static struct value *read_dict(sd_bus_message *m, struct arena *a, const char *key) {
    struct value *dict = value_new(a, VALUE_DICT, key);
    if (!dict || sd_bus_message_enter_container(m, 'a', "{sv}") < 0)
        return NULL;
    int r;
    while ((r = sd_bus_message_enter_container(m, 'e', "sv")) > 0) {
        const char *name;
        if (sd_bus_message_read_basic(m, 's', &name) < 0)
            return NULL;
        struct value *v = read_value(m, a, name);
        if (!v || sd_bus_message_exit_container(m) < 0)
            return NULL;
        value_append(dict, v);
    }
    return r < 0 || sd_bus_message_exit_container(m) < 0 ? NULL : dict;
}

static struct value *read_list(sd_bus_message *m, struct arena *a, const char *key, char type,
                               const char *contents) {
    struct value *list = value_new(a, VALUE_LIST, key);
    if (!list || sd_bus_message_enter_container(m, type, contents) < 0)
        return NULL;
    while (sd_bus_message_at_end(m, 0) == 0) {
        struct value *v = read_value(m, a, NULL);
        if (!v)
            return NULL;
        value_append(list, v);
    }
    return sd_bus_message_exit_container(m) < 0 ? NULL : list;
}

static struct value *read_number(sd_bus_message *m, struct arena *a, const char *key, char type) {
    union {
        int b;
        uint8_t y;
        int16_t n;
        uint16_t q;
        int32_t i;
        uint32_t u;
        int64_t x;
        uint64_t t;
        double d;
    } raw = {0};
    struct value *v = value_new(a, VALUE_UINT, key);
    if (!v || sd_bus_message_read_basic(m, type, &raw) < 0)
        return NULL;
    switch (type) {
    case 'b':
        v->kind = VALUE_BOOL;
        v->boolean = raw.b;
        break;
    case 'd':
        v->kind = VALUE_DOUBLE;
        v->real = raw.d;
        break;
    case 'n':
    case 'i':
    case 'x':
        v->kind = VALUE_INT;
        v->integer = type == 'n' ? raw.n : type == 'i' ? raw.i : raw.x;
        break;
    default:
        v->number = type == 'y' ? raw.y : type == 'q' ? raw.q : type == 'u' ? raw.u : raw.t;
    }
    return v;
}

/* NULL: no memory, or a type that this program does not know. */
static struct value *read_value(sd_bus_message *m, struct arena *a, const char *key) {
    char type;
    const char *contents;
    if (sd_bus_message_peek_type(m, &type, &contents) <= 0)
        return NULL;
    switch (type) {
    case 'v': {
        if (sd_bus_message_enter_container(m, 'v', contents) < 0)
            return NULL;
        struct value *v = read_value(m, a, key);
        return v && sd_bus_message_exit_container(m) >= 0 ? v : NULL;
    }
    case 'a':
        if (strcmp(contents, "y") == 0)
            return read_bytes(m, a, key);
        if (strcmp(contents, "{sv}") == 0)
            return read_dict(m, a, key);
        return read_list(m, a, key, 'a', contents);
    case 'r':
        return read_list(m, a, key, 'r', contents);
    case 's':
    case 'o':
    case 'g':
        return read_text(m, a, key, type);
    case 'b':
    case 'y':
    case 'n':
    case 'q':
    case 'i':
    case 'u':
    case 'x':
    case 't':
    case 'd':
        return read_number(m, a, key, type);
    default:
        return NULL;
    }
}

static int read_reply(sd_bus_message *m, struct reply *ret) {
    struct arena arena = {0};
    struct value *all = value_new(&arena, VALUE_LIST, NULL);
    while (all && sd_bus_message_at_end(m, 1) == 0) {
        struct value *v = read_value(m, &arena, NULL);
        if (!v) {
            arena_free(&arena);
            return -EBADMSG;
        }
        value_append(all, v);
    }
    if (!all)
        return -ENOMEM;
    *ret = (struct reply){.value = all->list.n == 1 ? all->list.first : all, .arena = arena, .message = m};
    return 0;
}

static int ask(struct call *c, const char *method, const struct call_arg *args, size_t n, sd_bus_error *e,
               sd_bus_message **ret) {
    sd_bus_message *m = NULL;
    int r = sd_bus_message_new_method_call(c->bus, &m, NULL, SK_BUS_PATH, SK_BUS_INTERFACE, method);
    for (size_t i = 0; i < n && r >= 0; i++)
        r = append(m, &args[i]);
    if (r >= 0)
        r = sd_bus_call(c->bus, m, ANSWER_USEC, e, ret);
    sd_bus_message_unref(m);
    return r;
}

int call_method(struct call *c, const char *method, const struct call_arg *args, size_t n, struct reply *ret,
                struct failure *f) {
    uint64_t give_up = clock_monotonic_usec() + BUSY_USEC;
    for (;;) {
        sd_bus_error e = SD_BUS_ERROR_NULL;
        sd_bus_message *m = NULL;
        int r = ask(c, method, args, n, &e, &m);
        if (r >= 0)
            r = read_reply(m, ret);
        if (r >= 0)
            return 0;
        sd_bus_message_unref(m);
        bool again = sd_bus_error_has_name(&e, SK_ERROR_BUSY) && clock_monotonic_usec() < give_up;
        if (!again)
            failed(c, r, &e, f);
        sd_bus_error_free(&e);
        if (!again)
            return -1;
        nanosleep(&(struct timespec){.tv_nsec = BUSY_STEP_MSEC * 1000000L}, NULL);
    }
}

void reply_free(struct reply *r) {
    arena_free(&r->arena);
    sd_bus_message_unref(r->message);
    *r = (struct reply){0};
}
