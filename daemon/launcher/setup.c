/* SPDX-License-Identifier: Apache-2.0 */
/* Brings the launcher up and down; the loop in between is not its business. */
#include "launcher/setup.h"

#include "base/fd.h"
#include "base/log.h"
#include "base/parse.h"
#include "base/text.h"
#include "launcher/adopt.h"
#include "launcher/folders.h"
#include "launcher/journal.h"
#include "launcher/launcher.h"
#include "launcher/lock.h"
#include "launcher/orphans.h"
#include "launcher/sockets.h"
#include "streamkeeper/names.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define NOFILE_WANTED      65536
#define ORPHAN_PATIENCE_MS 5000

/* Our own path as it was when we started: a new binary under the same name is then found by it. */
static int find_program(struct launcher *l) {
    ssize_t n = readlink("/proc/self/exe", l->program, sizeof(l->program) - 1);
    if (n < 0)
        return -errno;
    l->program[n] = '\0';
    char *deleted = strstr(l->program, " (deleted)");
    if (deleted)
        *deleted = '\0';
    char *slash = strrchr(l->program, '/');
    if (!slash)
        return -EINVAL;
    snprintf(l->program_folder, sizeof(l->program_folder), "%.*s", (int)(slash - l->program), l->program);
    int r = text_format(l->state_tool, sizeof(l->state_tool), "%s/streamkeeper-state", l->program_folder);
    if (r == 0)
        r = text_format(l->cgsetup, sizeof(l->cgsetup), "%s/streamkeeper-cgsetup", l->program_folder);
    if (r == 0)
        r = text_format(l->daemon.path_buf, sizeof(l->daemon.path_buf), "%s/streamkeeperd",
                        l->program_folder);
    l->daemon.path = l->options.daemon ? l->options.daemon : l->daemon.path_buf;
    l->host.state_tool = l->state_tool;
    return r;
}

/* With --root the service belongs to whoever started it, also through sudo; the system's service to root, as
 * whom no instance may run. */
static void find_owner(struct launcher *l) {
    struct policy *p = &l->policy;
    p->self_uid = geteuid();
    p->self_gid = getegid();
    p->can_change_uid = l->host.is_root = geteuid() == 0;
    p->owner_uid = getuid();
    p->owner_gid = getgid();
    p->owner_permitted = !l->host.is_root || l->paths.root[0];
    uint32_t uid, gid;
    const char *sudo_uid = getenv("SUDO_UID"), *sudo_gid = getenv("SUDO_GID");
    if (l->host.is_root && l->paths.root[0] && sudo_uid && sudo_gid && parse_u32(sudo_uid, &uid) == 0 &&
        parse_u32(sudo_gid, &gid) == 0) {
        p->owner_uid = uid;
        p->owner_gid = gid;
    }
    p->uid_min = l->host.is_root ? l->options.uid_min : p->self_uid;
    p->uid_max = l->host.is_root ? l->options.uid_max : p->self_uid;
}

static void become_root_daemon(struct launcher *l, const char *why) {
    log_warning(
        "%s: streamkeeperd runs as root. Make a user for it (a system account named %s), or give --user", why,
        SK_DEFAULT_USER);
    l->daemon_user = (struct user){.name = "root", .n_groups = 1};
}

static int find_daemon_user(struct launcher *l) {
    char obstacle[600] = "";
    if (!l->host.is_root) {
        l->daemon_user = (struct user){.uid = geteuid(), .gid = getegid()};
        if (l->options.user)
            log_warning("--user %s: without root everything runs as the calling user, ignoring",
                        l->options.user);
        return 0;
    }
    const char *name = l->options.user ? l->options.user : SK_DEFAULT_USER;
    int r = user_find(name, &l->daemon_user);
    if (r == -ENOENT && !l->options.user) {
        become_root_daemon(l, "There is no user " SK_DEFAULT_USER);
        return 0;
    }
    if (r < 0)
        return log_errno(LOG_LEVEL_ERROR, r, "--user %s: not found in /etc/passwd", name);
    if (!folders_user_can_enter(&l->daemon_user, l->paths.run, obstacle, sizeof(obstacle))) {
        if (l->options.user || !l->paths.root[0]) {
            log_error(
                "User %s may not enter %s, which is on the way to %s: choose another --root, or allow it "
                "(chmod a+x)",
                name, obstacle, l->paths.run);
            return -EACCES;
        }
        become_root_daemon(l, "User " SK_DEFAULT_USER " may not enter the folders above --root");
    }
    return 0;
}

/* Which capabilities a start needs; said once here instead of at each start. */
static void warn_of_missing_capabilities(void) {
    static const struct {
        unsigned bit;
        const char *text;
    } needed[] = {{23, "CAP_SYS_NICE (priorities above the default)"},
                  {24, "CAP_SYS_RESOURCE (oom_score_adj and limits above the default)"},
                  {8, "CAP_SETPCAP (emptying the bounding set)"}};
    char text[4096];
    AUTO_FD int fd = open("/proc/self/status", O_RDONLY | O_CLOEXEC);
    if (fd < 0 || fd_pread_text(fd, text, sizeof(text)) < 0)
        return;
    const char *line = strstr(text, "\nCapEff:");
    if (!line)
        return;
    unsigned long long caps = strtoull(line + strlen("\nCapEff:"), NULL, 16);
    for (size_t i = 0; i < ARRAY_LEN(needed); i++)
        if (!(caps >> needed[i].bit & 1))
            log_warning("This root lacks %s: instances start without", needed[i].text);
}

/* Started with 0, 1 or 2 closed, the next descriptor would become one of them, and an instance's output. */
static void fill_stdio(void) {
    int fd;
    do
        fd = open("/dev/null", O_RDWR | O_NOCTTY);
    while (fd >= 0 && fd <= STDERR_FILENO);
    fd_close(fd);
}

int setup_identity(struct launcher *l) {
    umask(022);
    fill_stdio();
    int r = find_program(l);
    if (r < 0)
        return log_errno(LOG_LEVEL_ERROR, r, "Failed to find the folder of this program");
    r = notify_open(&l->notify);
    if (r < 0)
        log_errno(LOG_LEVEL_WARNING, r, "NOTIFY_SOCKET cannot be used, ignoring");
    l->under_systemd = notify_is_on(&l->notify) && !l->paths.root[0];
    find_owner(l);
    r = find_daemon_user(l);
    if (r < 0)
        return r;
    struct policy *p = &l->policy;
    p->daemon_uid = l->daemon_user.uid;
    p->daemon_gid = l->daemon_user.gid;
    p->daemon_is_apart = l->host.is_root && p->daemon_uid != 0;
    p->has_journal = journal_is_there() && (!l->paths.root[0] || l->options.journal);
    p->cgroot = &l->cgroot;
    /* Orphans of instances become ours, so that nothing of an instance is ever lost to another parent. */
    if (prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) < 0)
        log_errno(LOG_LEVEL_WARNING, -errno, "Failed to become the reaper of orphans, ignoring");
    if (l->host.is_root)
        warn_of_missing_capabilities();
    return 0;
}

int setup_limits(struct launcher *l, int is_resumed) {
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) < 0)
        return log_errno(LOG_LEVEL_ERROR, -errno, "Failed to read the limit of open files");
    if (!is_resumed)
        l->host.nofile = limit;
    struct rlimit wanted = {.rlim_cur = MAX(limit.rlim_max, (rlim_t)NOFILE_WANTED),
                            .rlim_max = MAX(limit.rlim_max, (rlim_t)NOFILE_WANTED)};
    if (setrlimit(RLIMIT_NOFILE, &wanted) == 0)
        return 0;
    wanted.rlim_cur = wanted.rlim_max = limit.rlim_max;
    if (setrlimit(RLIMIT_NOFILE, &wanted) < 0)
        log_errno(LOG_LEVEL_WARNING, -errno, "Failed to raise the limit of open files, ignoring");
    return 0;
}

int setup_folders(struct launcher *l) {
    struct reason reason = {0};
    int r = folders_make(&l->paths, &l->daemon_user, l->host.is_root, &reason);
    if (r < 0) {
        log_error("%s", reason.text);
        return r;
    }
    l->host.null_fd = open("/dev/null", O_RDWR | O_CLOEXEC | O_NOCTTY);
    if (l->host.null_fd < 0)
        return log_errno(LOG_LEVEL_ERROR, -errno, "Failed to open /dev/null");
    l->host.state_fd = open(l->paths.state, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (l->host.state_fd < 0)
        return log_errno(LOG_LEVEL_ERROR, -errno, "Failed to open %s", l->paths.state);
    return 0;
}

int setup_lock(struct launcher *l) {
    struct reason reason = {0};
    l->lock_fd = lock_take(l->paths.run, &l->last, &reason);
    if (l->lock_fd < 0) {
        log_error("%s", reason.text);
        return l->lock_fd;
    }
    return 0;
}

/* Runs streamkeeper-cgsetup and waits. Returns 0, or -EIO when it says that it failed. */
static int run_cgsetup(struct launcher *l, const char *verb) {
    char uid[16];
    snprintf(uid, sizeof(uid), "%u", l->daemon_user.uid);
    const char *argv[7] = {"streamkeeper-cgsetup", verb, "--user", uid};
    if (l->paths.root[0]) {
        argv[4] = "--root";
        argv[5] = l->paths.root;
    }
    pid_t pid = spawn_clone(-EBADF, NULL);
    if (pid < 0)
        return (int)pid;
    if (pid == 0) {
        execv(l->cgsetup, (char **)(uintptr_t)argv);
        log_errno(LOG_LEVEL_ERROR, -errno, "Failed to run %s", l->cgsetup);
        _exit(127);
    }
    int status;
    while (waitpid(pid, &status, 0) < 0)
        if (errno != EINTR)
            return -errno;
    return WIFEXITED(status) && WEXITSTATUS(status) == 0 ? 0 : -EIO;
}

int setup_cgroups(struct launcher *l) {
    if (!l->under_systemd) {
        int r = run_cgsetup(l, "prepare");
        if (r < 0)
            return log_errno(LOG_LEVEL_ERROR, r, "Failed to prepare the cgroups; see the lines above");
    }
    int r = cgroot_load(l->paths.run, &l->cgroot);
    if (r < 0)
        return log_errno(LOG_LEVEL_ERROR, r,
                         "Failed to read %s/" SK_CGROUP_FILE
                         ", which `streamkeeper-cgsetup prepare` writes before the service starts",
                         l->paths.run);
    const struct cgroot *c = &l->cgroot;
    log_notice("cgroups: %s%s%s, controllers: %s", cgroot_mode_name(c->mode), c->path[0] ? " at " : "",
               c->path, c->controllers[0] ? c->controllers : "none");
    if (c->reason[0])
        log_warning("cgroups: %s", c->reason);
    return 0;
}

int setup_takeover(struct launcher *l) {
    /* Nobody shall wait on the socket of an orphan. */
    socket_remove(l->paths.run, SK_CONTROL_SOCKET);
    int from_manager = adopt_from_service_manager(l);
    int from_daemon = adopt_from_daemon(l);
    lock_end_daemon(&l->last, ORPHAN_PATIENCE_MS);
    int found = orphans_adopt(l);
    if (from_manager + from_daemon + found > 0)
        log_notice("Took over %d processes of the last launcher", from_manager + from_daemon + found);
    (void)lock_write(l->lock_fd, 0);
    l->control_fd = socket_listen(l->paths.run, SK_CONTROL_SOCKET, SOCK_STREAM, 0666);
    if (l->control_fd < 0)
        return log_errno(LOG_LEVEL_ERROR, l->control_fd, "Failed to listen on %s/%s", l->paths.run,
                         SK_CONTROL_SOCKET);
    l->handover_fd = socket_listen(l->paths.run, SK_HANDOVER_SOCKET, SOCK_SEQPACKET, 0600);
    if (l->handover_fd < 0)
        return log_errno(LOG_LEVEL_ERROR, l->handover_fd, "Failed to listen on %s/%s", l->paths.run,
                         SK_HANDOVER_SOCKET);
    return 0;
}

void setup_undo(struct launcher *l) {
    socket_remove(l->paths.run, SK_CONTROL_SOCKET);
    socket_remove(l->paths.run, SK_HANDOVER_SOCKET);
    (void)lock_write(l->lock_fd, 0);
    if (l->ending == ENDING_STOP && l->paths.root[0] && l->cgroot.mode != CGROOT_NONE)
        (void)run_cgsetup(l, "remove");
}
