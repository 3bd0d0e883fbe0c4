/* SPDX-License-Identifier: Apache-2.0 */
/* The stream protocol of journald's stdout socket; does not write log lines. */
#include "launcher/journal.h"

#include "base/fd.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#define JOURNAL_SOCKET "/run/systemd/journal/stdout"
#define SEND_BUFFER    (1024 * 1024) /* bytes that wait for a slow journal before the app does */

bool journal_is_there(void) {
    return access(JOURNAL_SOCKET, F_OK) == 0;
}

int journal_header(const char *identifier, char *buf, unsigned size) {
    if (strchr(identifier, '\n'))
        return -EINVAL;
    /* identifier, unit (the journal finds it by the cgroup), priority "info", 1: lines may have a prefix, and
     * no forwarding to syslog, kernel log and console. */
    int n = snprintf(buf, size, "%s\n\n6\n1\n0\n0\n0\n", identifier);
    return n < 0 || (unsigned)n >= size ? -ENAMETOOLONG : n;
}

int journal_connect(const char *identifier) {
    char header[512];
    int len = journal_header(identifier, header, sizeof(header));
    if (len < 0)
        return len;
    AUTO_FD int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return -errno;
    struct sockaddr_un address = {.sun_family = AF_UNIX, .sun_path = JOURNAL_SOCKET};
    if (connect(fd, (const struct sockaddr *)&address, sizeof(address)) < 0)
        return -errno;
    if (shutdown(fd, SHUT_RD) < 0)
        return -errno;
    int size = SEND_BUFFER;
    (void)setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &size, sizeof(size));
    if (send(fd, header, (size_t)len, MSG_NOSIGNAL) != len)
        return errno ? -errno : -EIO;
    return TAKE_FD(fd);
}
