/* SPDX-License-Identifier: Apache-2.0 */
/* The least that starting programs in groups of their own can cost: a loop of mkdir, clone3 into the group,
 * exec; no user, no log, no record. The rate a supervisor is measured against. */
#include <errno.h>
#include <fcntl.h>
#include <linux/sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

static pid_t start(const char *group, char **argv) {
    if (mkdir(group, 0755) < 0 && errno != EEXIST)
        return -1;
    int fd = open(group, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return -1;
    struct clone_args args = {.flags = CLONE_INTO_CGROUP, .exit_signal = SIGCHLD, .cgroup = (__u64)fd};
    pid_t pid = (pid_t)syscall(SYS_clone3, &args, sizeof(args));
    if (pid == 0) {
        execv(argv[0], argv);
        _exit(127);
    }
    close(fd);
    return pid;
}

/* bareloop ROOT COUNT PROGRAM [ARG…]: starts, prints a line, waits for the end of its input, ends and removes
 * everything. */
int main(int argc, char **argv) {
    if (argc < 4) {
        fprintf(stderr, "usage: bareloop ROOT COUNT PROGRAM [ARG…]\n");
        return 2;
    }
    long count = strtol(argv[2], NULL, 10);
    char group[512], byte;
    pid_t *pids = calloc((size_t)count, sizeof(*pids));
    if (!pids || (mkdir(argv[1], 0755) < 0 && errno != EEXIST)) {
        perror(argv[1]);
        return 1;
    }
    for (long i = 0; i < count; i++) {
        snprintf(group, sizeof(group), "%s/%ld", argv[1], i);
        pids[i] = start(group, argv + 3);
        if (pids[i] < 0) {
            perror(group);
            return 1;
        }
    }
    puts("started");
    fflush(stdout);
    while (read(STDIN_FILENO, &byte, 1) > 0)
        ;
    for (long i = 0; i < count; i++)
        kill(pids[i], SIGKILL);
    for (long i = 0; i < count; i++) {
        waitpid(pids[i], NULL, 0);
        snprintf(group, sizeof(group), "%s/%ld", argv[1], i);
        rmdir(group);
    }
    free(pids);
    return rmdir(argv[1]) < 0;
}
