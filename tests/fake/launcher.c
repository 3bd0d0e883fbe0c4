/* SPDX-License-Identifier: Apache-2.0 */
/* The launcher of launcher.h. */
#include "fake/launcher.h"
#include "base/attr.h"
#include "base/fd.h"
#include "base/text.h"
#include "streamkeeper/names.h"
#include "wire/chan.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <systemd/sd-event.h>
#include <unistd.h>

static uint8_t out[SK_WIRE_MESSAGE_MAX];

void fake_launcher_send(struct fake_launcher *l, const void *data, int len, int fd) {
    if (l->socket >= 0 && chan_send(l->socket, data, (size_t)len, &fd, fd >= 0) < 0)
        snprintf(l->said, sizeof(l->said), "the manager does not read");
    fd_close(fd);
}

static int own_pidfd(void) {
    return (int)syscall(SYS_pidfd_open, getpid(), 0);
}

static void say_child(struct fake_launcher *l, uint8_t verb, const struct fake_child *c) {
    const struct msg_child m = {.start_id = c->start_id,
                                .pid = c->pid,
                                .start_ticks = c->ticks,
                                .tenant = l->no_names ? "" : c->tenant,
                                .app = l->no_names ? "" : c->app,
                                .number = c->number};
    fake_launcher_send(l, out, msg_encode_child(verb, &m, out, sizeof(out)), own_pidfd());
}

static void say_exited(struct fake_launcher *l, const struct fake_child *c) {
    struct msg_exited m = c->exit;
    m.tenant = l->no_names ? "" : c->tenant;
    m.app = l->no_names ? "" : c->app;
    m.number = c->number;
    fake_launcher_send(l, out, msg_encode_exited(&m, out, sizeof(out)), -EBADF);
}

static void say_failed(struct fake_launcher *l, uint8_t verb, uint64_t id, uint32_t stage, uint32_t error,
                       const char *detail) {
    const struct msg_failed m = {.start_id = id, .stage = stage, .error = error, .detail = detail};
    fake_launcher_send(l, out, msg_encode_failed(verb, &m, out, sizeof(out)), -EBADF);
}

/* One process may be known twice: as an earlier launcher's child, and adopted. */
static void die(struct fake_launcher *l, struct fake_child *gone, enum msg_exit_how how, uint32_t code) {
    for (size_t i = 0; i < l->n; i++) {
        struct fake_child *c = l->children[i];
        if (c->pid != gone->pid || c->has_exited)
            continue;
        c->has_exited = true;
        c->exit = (struct msg_exited){.start_id = c->start_id,
                                      .pid = c->pid,
                                      .how = how,
                                      .code = code,
                                      .at_usec = l->ports->realtime_usec,
                                      .at_monotonic_usec = l->ports->monotonic_usec,
                                      .user_usec = 1000,
                                      .system_usec = 2000,
                                      .max_rss_bytes = 4096};
        if (!c->forgotten)
            say_exited(l, c);
    }
}

struct fake_program *fake_launcher_program(struct fake_launcher *l, const char *path) {
    struct fake_program *p = l->programs;
    for (; p->path; p++)
        if (strcmp(p->path, path) == 0)
            return p;
    p->path = path;
    return p;
}

static const struct fake_program *program_of(const struct fake_launcher *l, const char *path) {
    static const struct fake_program ordinary;
    for (const struct fake_program *p = l->programs; p->path; p++)
        if (strcmp(p->path, path) == 0)
            return p;
    return &ordinary;
}

void fake_launcher_exit(struct fake_launcher *l, struct fake_child *c, enum msg_exit_how how, uint32_t code) {
    if (c->has_exited)
        return;
    if (c->leaf)
        fake_leaf_add(c->leaf, program_of(l, c->program)->leaves_behind - 1);
    die(l, c, how, code);
}

/* Everything in the leaf was killed. */
static void leaf_killed(void *userdata, struct fake_leaf *leaf) {
    struct fake_launcher *l = userdata;
    for (size_t i = 0; i < l->n; i++)
        if (l->children[i]->leaf == leaf)
            die(l, l->children[i], MSG_EXIT_SIGNAL, SIGKILL);
}

static struct fake_child *by_id(struct fake_launcher *l, uint64_t id) {
    for (size_t i = l->n; i > 0; i--)
        if (l->children[i - 1]->start_id == id && !l->children[i - 1]->forgotten)
            return l->children[i - 1];
    return NULL;
}

static struct fake_child *add(struct fake_launcher *l, uint64_t id, const char *tenant, const char *app,
                              uint32_t number) {
    if (l->n == FAKE_CHILDREN)
        abort();
    struct fake_child *c = calloc(1, sizeof(*c));
    c->start_id = id;
    c->number = number;
    snprintf(c->tenant, sizeof(c->tenant), "%s", tenant ? tenant : "");
    snprintf(c->app, sizeof(c->app), "%s", app ? app : "");
    l->children[l->n++] = c;
    return c;
}

static const char *env_of(const struct msg_spawn *m, const char *name) {
    size_t len = strlen(name);
    for (size_t i = 0; i < m->n_env; i++)
        if (strncmp(m->env[i], name, len) == 0 && m->env[i][len] == '=')
            return m->env[i] + len + 1;
    return "";
}

static void note_words(char *to, size_t size, const char *const *words, size_t n) {
    for (size_t i = 0; i < n; i++) {
        size_t at = strlen(to);
        (void)text_format(to + at, size - at, "%s\n", words[i]);
    }
}

static void on_spawn(struct fake_launcher *l, const void *data, size_t len, const int *fds, size_t n_fds) {
    static struct msg_spawn m;
    l->n_spawn++;
    if (msg_decode_spawn(data, len, &m) < 0 || m.start_id == 0 || by_id(l, m.start_id) ||
        n_fds != (size_t)(!!(m.flags & MSG_SPAWN_CGROUP) + !!(m.flags & MSG_SPAWN_LOG))) {
        snprintf(l->said, sizeof(l->said), "a SPAWN that is none: %d, id %d, %zu fds",
                 msg_decode_spawn(data, len, &m), by_id(l, m.start_id) != NULL, n_fds);
        return;
    }
    const char *program = m.flags & MSG_SPAWN_STATE_TOOL ? "state-tool" : m.argv[0];
    const struct fake_program *p = program_of(l, program);
    if (p->error) {
        say_failed(l, SK_REPORT_SPAWN_FAILED, m.start_id, p->stage, p->error, program);
        return;
    }
    struct fake_child *c = add(l, m.start_id, m.tenant, m.app, m.number);
    c->flags = m.flags;
    c->pid = ++l->last_pid;
    c->ticks = c->pid * 100;
    c->nice = m.nice;
    c->uid = m.uid;
    c->gid = m.gid;
    c->umask = m.umask;
    c->helper = m.flags & MSG_SPAWN_STATE_TOOL || strstr(program, "probe");
    snprintf(c->program, sizeof(c->program), "%s", program);
    snprintf(c->class, sizeof(c->class), "%s", env_of(&m, SK_ENV_CLASS));
    snprintf(c->workdir, sizeof(c->workdir), "%s", m.working_directory);
    note_words(c->env, sizeof(c->env), m.env, m.n_env);
    note_words(c->argv, sizeof(c->argv), m.argv, m.n_argv);
    if (m.flags & MSG_SPAWN_CGROUP) {
        c->leaf = fake_leaf_of(l->ports, fds[0]);
        if (!c->leaf || !c->leaf->exists || strcmp(c->leaf->app, m.app) != 0 || c->leaf->number != m.number) {
            snprintf(l->said, sizeof(l->said), "a SPAWN of %s/%s/%u into no leaf", m.tenant, m.app, m.number);
            return;
        }
        fake_leaf_add(c->leaf, 1);
        if (!c->helper) {
            c->leaf->main_pid = (pid_t)c->pid;
            c->leaf->main_ticks = c->ticks;
        }
    }
    if (p->silent)
        return;
    say_child(l, SK_REPORT_SPAWNED, c);
    if (p->ends)
        fake_launcher_exit(l, c, MSG_EXIT_CODE, p->code);
}

static void on_signal(struct fake_launcher *l, const void *data, size_t len) {
    struct msg_signal m;
    if (msg_decode_signal(data, len, &m) < 0)
        return;
    struct fake_child *c = by_id(l, m.start_id);
    if (!c || c->has_exited)
        return;
    c->signals++;
    c->last_signal = (int)m.signo;
    if (!program_of(l, c->program)->ignores_stop || m.signo == SIGKILL)
        fake_launcher_exit(l, c, MSG_EXIT_SIGNAL, m.signo);
}

static void on_start_ref(struct fake_launcher *l, int verb, const void *data, size_t len) {
    struct msg_start_ref m;
    if (msg_decode_start_ref(data, len, &m) < 0)
        return;
    struct fake_child *c = by_id(l, m.start_id);
    if (verb == SK_REQUEST_FORGET) {
        l->n_forget++;
        if (c && c->has_exited)
            c->forgotten = true;
    } else if (c && !c->leaf) {
        die(l, c, MSG_EXIT_SIGNAL, SIGKILL);
    }
}

static void on_adopt(struct fake_launcher *l, const void *data, size_t len, int fd) {
    struct msg_adopt m;
    if (msg_decode_adopt(data, len, &m) < 0 || fd < 0 || by_id(l, m.start_id)) {
        snprintf(l->said, sizeof(l->said), "an ADOPT that is none");
        return;
    }
    l->n_adopt++;
    l->last_adopt = m;
    l->last_adopt.tenant = l->last_adopt.app = NULL;
    if (l->adopt_silent)
        return;
    if (l->adopt_error) {
        say_failed(l, SK_REPORT_ADOPT_FAILED, m.start_id, SK_STAGE_REQUEST, (uint32_t)l->adopt_error, "");
        return;
    }
    const char *program = "";
    bool lives = false;
    for (size_t i = 0; i < l->n; i++)
        if (l->children[i]->pid == m.pid) {
            program = l->children[i]->program;
            lives = !l->children[i]->has_exited;
        }
    if (!lives) {
        say_failed(l, SK_REPORT_ADOPT_FAILED, m.start_id, SK_STAGE_REQUEST, ESRCH, "");
        return;
    }
    struct fake_child *c = add(l, m.start_id, m.tenant, m.app, m.number);
    snprintf(c->program, sizeof(c->program), "%s", program);
    c->pid = m.pid;
    c->ticks = m.start_ticks;
    for (size_t i = 0; i < l->ports->groups.n; i++) {
        struct fake_leaf *leaf = &l->ports->groups.leaves[i];
        if (leaf->exists && leaf->processes > 0 && leaf->main_pid == (pid_t)c->pid)
            c->leaf = leaf;
    }
    say_child(l, SK_REPORT_ADOPTED, c);
}

static void on_state_remove(struct fake_launcher *l, const void *data, size_t len) {
    struct msg_state_remove m;
    size_t at = strlen(l->removed);
    if (msg_decode_state_remove(data, len, &m) < 0)
        return;
    (void)text_format(l->removed + at, sizeof(l->removed) - at, "%s/%s/%u ", m.tenant, m.app, m.number);
    say_failed(l, SK_REPORT_STATE_REMOVED, 0, SK_STAGE_STATE_DIR, 0, "");
}

static void replay_some(struct fake_launcher *l, bool exited) {
    for (size_t i = 0; i < l->n; i++) {
        const struct fake_child *c = l->children[i];
        if (c->forgotten || c->has_exited != exited)
            continue;
        if (!exited)
            say_child(l, SK_REPORT_CHILD, c);
        for (int k = 0; exited && k < 1 + l->twice; k++)
            say_exited(l, c);
    }
}

void fake_launcher_replay(struct fake_launcher *l) {
    replay_some(l, l->exits_first);
    replay_some(l, !l->exits_first);
    fake_launcher_send(l, out, msg_encode_plain(SK_REPORT_REPLAYED, out, sizeof(out)), -EBADF);
}

static void on_hello(struct fake_launcher *l) {
    l->n_hello++;
    fake_launcher_send(l, out, msg_encode_welcome(&l->welcome, out, sizeof(out)), -EBADF);
    if (!l->hold_replay)
        fake_launcher_replay(l);
}

static void serve(struct fake_launcher *l, const void *data, size_t len, const int *fds, size_t n_fds) {
    struct msg_status status;
    int verb = msg_verb(data, len);
    switch (verb) {
    case SK_REQUEST_HELLO:
        on_hello(l);
        break;
    case SK_REQUEST_SPAWN:
        on_spawn(l, data, len, fds, n_fds);
        break;
    case SK_REQUEST_SIGNAL:
        on_signal(l, data, len);
        break;
    case SK_REQUEST_KILL:
    case SK_REQUEST_FORGET:
        on_start_ref(l, verb, data, len);
        break;
    case SK_REQUEST_ADOPT:
        on_adopt(l, data, len, n_fds ? fds[0] : -EBADF);
        break;
    case SK_REQUEST_STATE_REMOVE:
        on_state_remove(l, data, len);
        break;
    case SK_REQUEST_STATUS:
        if (msg_decode_status(data, len, &status) == 0)
            snprintf(l->status, sizeof(l->status), "%s", status.text);
        break;
    default:
        l->n_ready += verb == SK_REQUEST_READY;
        l->n_done += verb == SK_REQUEST_DONE;
        l->n_pong += verb == SK_REQUEST_PONG;
        break;
    }
}

static int on_io(sd_event_source *source ATTR_UNUSED, int fd, uint32_t events ATTR_UNUSED, void *userdata) {
    static uint8_t in[SK_WIRE_MESSAGE_MAX];
    struct fake_launcher *l = userdata;
    int fds[SK_WIRE_FDS_MAX];
    size_t n_fds = 0;
    ssize_t len = chan_receive(fd, in, sizeof(in), fds, &n_fds);
    if (len == -EAGAIN)
        return 0;
    if (len <= 0) {
        fake_launcher_drop(l);
        return 0;
    }
    serve(l, in, (size_t)len, fds, n_fds);
    for (size_t i = 0; i < n_fds; i++)
        fd_close(fds[i]);
    return 0;
}

void fake_launcher_init(struct fake_launcher *l, struct fake_ports *ports) {
    *l = (struct fake_launcher){.ports = ports, .socket = -EBADF, .last_pid = 100};
    l->welcome = (struct msg_welcome){.version = SK_WIRE_VERSION,
                                      .launcher_pid = 1,
                                      .can_change_uid = true,
                                      .uid_min = 1000,
                                      .uid_max = 60000};
    ports->groups.on_kill = leaf_killed;
    ports->groups.on_kill_userdata = l;
}

int fake_launcher_connect(struct fake_launcher *l) {
    int pair[2];
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, pair) < 0)
        abort();
    int size = 4 << 20;
    setsockopt(pair[0], SOL_SOCKET, SO_SNDBUFFORCE, &size, sizeof(size));
    l->socket = pair[0];
    if (sd_event_add_io(l->ports->loop, &l->source, l->socket, EPOLLIN, on_io, l) < 0)
        abort();
    return pair[1];
}

void fake_launcher_drop(struct fake_launcher *l) {
    l->source = sd_event_source_disable_unref(l->source);
    l->socket = fd_close(l->socket);
}

void fake_launcher_die(struct fake_launcher *l) {
    fake_launcher_drop(l);
    for (size_t i = 0; i < l->n; i++)
        l->children[i]->forgotten = true;
}

void fake_launcher_free(struct fake_launcher *l) {
    fake_launcher_drop(l);
    for (size_t i = 0; i < l->n; i++)
        free(l->children[i]);
}

static bool is_of(const struct fake_child *c, const char *name, uint32_t number) {
    char full[200];
    snprintf(full, sizeof(full), "%s/%s", c->tenant, c->app);
    return strcmp(full, name) == 0 && c->number == number && !c->helper;
}

struct fake_child *fake_launcher_child(struct fake_launcher *l, const char *name, uint32_t number) {
    for (size_t i = l->n; i > 0; i--)
        if (is_of(l->children[i - 1], name, number))
            return l->children[i - 1];
    return NULL;
}

unsigned fake_launcher_starts(struct fake_launcher *l, const char *name, uint32_t number) {
    unsigned n = 0;
    for (size_t i = 0; i < l->n; i++)
        n += is_of(l->children[i], name, number);
    return n;
}

unsigned fake_launcher_running(struct fake_launcher *l, const char *name) {
    unsigned n = 0;
    for (size_t i = 0; i < l->n; i++)
        n += is_of(l->children[i], name, l->children[i]->number) && !l->children[i]->has_exited;
    return n;
}

struct fake_child *fake_launcher_helper(struct fake_launcher *l) {
    for (size_t i = l->n; i > 0; i--)
        if (l->children[i - 1]->helper)
            return l->children[i - 1];
    return NULL;
}

void fake_launcher_terminate(struct fake_launcher *l, enum msg_terminate_why why) {
    const struct msg_terminate m = {.why = why};
    fake_launcher_send(l, out, msg_encode_terminate(&m, out, sizeof(out)), -EBADF);
}
