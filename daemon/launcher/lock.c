/* SPDX-License-Identifier: Apache-2.0 */
/* The lock file; does not decide what to do about another holder. */
#include "launcher/lock.h"

#include "base/fd.h"
#include "base/log.h"
#include "base/text.h"
#include "launcher/proc.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/pidfd.h>
#include <unistd.h>

#define LOCK_FILE "launcher.lock"

void lock_parse(const char *text, pid_t *ret_holder, struct lock_note *ret) {
    int holder = 0, daemon = 0;
    uint64_t ticks = 0;
    int n = sscanf(text, "launcher %d daemon %d %" SCNu64, &holder, &daemon, &ticks);
    *ret_holder = n >= 1 && holder > 0 ? holder : 0;
    *ret = (struct lock_note){0};
    if (n == 3 && daemon > 1)
        *ret = (struct lock_note){.daemon_pid = daemon, .daemon_start_ticks = ticks};
}

int lock_take(const char *run_folder, struct lock_note *ret_last, struct reason *reason) {
    char path[700], text[128] = "";
    if (text_format(path, sizeof(path), "%s/%s", run_folder, LOCK_FILE) < 0)
        return reason_set(reason, -ENAMETOOLONG, "%s: path too long", run_folder);
    AUTO_FD int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NOCTTY, 0644);
    if (fd < 0)
        return reason_set(reason, -errno, "Failed to open %s: %m", path);
    pid_t holder = 0;
    struct lock_note note = {0};
    if (fd_pread_text(fd, text, sizeof(text)) > 0)
        lock_parse(text, &holder, &note);
    if (flock(fd, LOCK_EX | LOCK_NB) < 0) {
        if (errno != EWOULDBLOCK)
            return reason_set(reason, -errno, "Failed to lock %s: %m", path);
        return reason_set(
            reason, -EBUSY,
            "Another streamkeeper-launcher (pid %d) serves %s already; stop it first, or use another --root",
            (int)holder, run_folder);
    }
    *ret_last = note;
    return TAKE_FD(fd);
}

int lock_write(int lock_fd, pid_t daemon_pid) {
    char text[128];
    struct proc_stat s = {0};
    int n = snprintf(text, sizeof(text), "launcher %d", (int)getpid());
    if (daemon_pid > 0 && proc_read_stat(daemon_pid, &s) == 0)
        n += snprintf(text + n, sizeof(text) - (size_t)n, " daemon %d %" PRIu64, (int)daemon_pid,
                      s.start_ticks);
    text[n++] = '\n';
    if (ftruncate(lock_fd, 0) < 0 || pwrite(lock_fd, text, (size_t)n, 0) < 0)
        return -errno;
    return 0;
}

void lock_end_daemon(const struct lock_note *note, int patience_msec) {
    struct proc_stat s;
    if (note->daemon_pid <= 1)
        return;
    AUTO_FD int pidfd = pidfd_open(note->daemon_pid, 0);
    if (pidfd < 0 || proc_read_stat(note->daemon_pid, &s) < 0 || s.start_ticks != note->daemon_start_ticks)
        return;
    struct pollfd p = {.fd = pidfd, .events = POLLIN};
    if (poll(&p, 1, patience_msec) > 0)
        return;
    log_warning("The daemon of the last launcher (pid %d) does not end; killing it", (int)note->daemon_pid);
    if (pidfd_send_signal(pidfd, SIGKILL, NULL, 0) == 0)
        (void)poll(&p, 1, patience_msec);
}
