/* SPDX-License-Identifier: Apache-2.0 */
/* The program every benchmark starts: appends the time of its first instruction (CLOCK_MONOTONIC,
 * nanoseconds) and its pid to a file, then waits. */
#include <fcntl.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

int main(int argc, char **argv) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    if (argc != 2)
        return 2;
    char line[64];
    int n = snprintf(line, sizeof(line), "%lld%09ld %d\n", (long long)now.tv_sec, now.tv_nsec, (int)getpid());
    int fd = open(argv[1], O_WRONLY | O_CREAT | O_APPEND, 0666);
    if (fd < 0 || write(fd, line, (size_t)n) != n)
        return 1;
    close(fd);
    for (;;)
        pause();
}
