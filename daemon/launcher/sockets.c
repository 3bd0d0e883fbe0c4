/* SPDX-License-Identifier: Apache-2.0 */
/* Unix sockets by folder and name; speaks no protocol. */
#include "launcher/sockets.h"

#include "base/fd.h"
#include "base/text.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#define BACKLOG 1024 /* clients that arrive while the daemon is started again */

/* The address of a name in an open folder: through /proc, since sun_path holds 107 bytes and paths are
 * longer. */
static int make_address(int folder_fd, const char *name, struct sockaddr_un *ret) {
    *ret = (struct sockaddr_un){.sun_family = AF_UNIX};
    return text_format(ret->sun_path, sizeof(ret->sun_path), "/proc/self/fd/%d/%s", folder_fd, name);
}

static int open_folder(const char *folder) {
    int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    return fd < 0 ? -errno : fd;
}

int socket_listen(const char *folder, const char *name, int type, mode_t mode) {
    AUTO_FD int folder_fd = open_folder(folder);
    if (folder_fd < 0)
        return folder_fd;
    struct sockaddr_un address;
    int r = make_address(folder_fd, name, &address);
    if (r < 0)
        return r;
    AUTO_FD int fd = socket(AF_UNIX, type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0)
        return -errno;
    if (unlinkat(folder_fd, name, 0) < 0 && errno != ENOENT)
        return -errno;
    if (bind(fd, (const struct sockaddr *)&address, sizeof(address)) < 0)
        return -errno;
    if (fchmodat(folder_fd, name, mode, 0) < 0)
        return -errno;
    if (listen(fd, BACKLOG) < 0)
        return -errno;
    return TAKE_FD(fd);
}

int socket_connect(const char *folder, const char *name, int type) {
    AUTO_FD int folder_fd = open_folder(folder);
    if (folder_fd < 0)
        return folder_fd;
    struct sockaddr_un address;
    int r = make_address(folder_fd, name, &address);
    if (r < 0)
        return r;
    AUTO_FD int fd = socket(AF_UNIX, type | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return -errno;
    if (connect(fd, (const struct sockaddr *)&address, sizeof(address)) < 0)
        return -errno;
    return TAKE_FD(fd);
}

void socket_remove(const char *folder, const char *name) {
    AUTO_FD int folder_fd = open_folder(folder);
    if (folder_fd >= 0)
        (void)unlinkat(folder_fd, name, 0);
}
