/* SPDX-License-Identifier: Apache-2.0 */
/* Walks /proc for the processes of one start; a last resort, and never used where cgroups are. */
#include "launcher/killall.h"

#include "base/fd.h"
#include "base/parse.h"
#include "launcher/proc.h"
#include "streamkeeper/names.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#define PASSES_MAX 64 /* a fork bomb may win against us; the daemon then asks again */

struct kernel_dirent {
    uint64_t ino;
    int64_t off;
    uint16_t reclen;
    uint8_t type;
    char name[];
};

struct target {
    char entry[64];
    uint32_t uid;
    pid_t session;
};

static bool belongs(const struct target *t, pid_t pid) {
    struct proc_stat s;
    uint32_t uid;
    if (pid <= 1 || pid == getpid())
        return false;
    if (proc_read_stat(pid, &s) < 0 || s.state == 'Z' || s.state == 'X')
        return false;
    /* A set-uid program of the instance shows as another user; it is found by its session all the same. */
    if (t->session > 0 && s.session == t->session)
        return true;
    return proc_read_uid(pid, &uid) == 0 && uid == t->uid && proc_environ_has(pid, t->entry);
}

/* Kills those among one block of directory entries. Returns how many. */
static int kill_block(const struct target *t, const char *block, long len) {
    int n = 0;
    for (long at = 0; at < len;) {
        const struct kernel_dirent *d = (const void *)(block + at);
        uint32_t pid;
        if (parse_u32(d->name, &pid) == 0 && belongs(t, (pid_t)pid) && kill((pid_t)pid, SIGKILL) == 0)
            n++;
        at += d->reclen;
    }
    return n;
}

static int kill_pass(const struct target *t) {
    _Alignas(8) char block[8192];
    AUTO_FD int fd = open("/proc", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return -errno;
    int n = 0;
    for (;;) {
        long len = syscall(SYS_getdents64, fd, block, sizeof(block));
        if (len < 0)
            return -errno;
        if (len == 0)
            return n;
        n += kill_block(t, block, len);
    }
}

int killall_start(uint64_t start_id, uint32_t uid, pid_t session) {
    struct target t = {.uid = uid, .session = session};
    snprintf(t.entry, sizeof(t.entry), "%s=%" PRIu64, SK_ENV_START_ID, start_id);
    int total = 0;
    for (int pass = 0; pass < PASSES_MAX; pass++) {
        int n = kill_pass(&t);
        if (n < 0)
            return n;
        if (n == 0)
            return total;
        total += n;
    }
    return -EBUSY;
}
