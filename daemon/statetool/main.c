/* SPDX-License-Identifier: Apache-2.0 */
/* streamkeeper-state: works on one state directory, as its owner and in it. Composition root. */
#include "base/fd.h"
#include "base/log.h"
#include "statetool/delete.h"
#include "streamkeeper/exit.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static const char help_text[] =
    "streamkeeper-state delete DIRECTORY\n"
    "\n"
    "Deletes everything in DIRECTORY (\".\" for the working directory), not the directory itself.\n"
    "Follows no link, enters no other file system, and refuses while a process holds a lock\n"
    "(.lock, LOCK) in it. Runs as the owner, never as root.\n"
    "\n"
    "Exit codes: 0 done, 1 failed, 2 wrong command line, 6 in use.\n";

static int run_delete(const char *path) {
    struct reason reason = {0};
    AUTO_FD int fd = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0) {
        log_errno(LOG_LEVEL_ERROR, -errno, "%s", path);
        return SK_EXIT_FAILURE;
    }
    int r = delete_contents(fd, &reason);
    if (r < 0)
        log_error("Failed to delete what is in %s: %s", path, reason.text[0] ? reason.text : strerror(-r));
    return r == -EBUSY ? SK_EXIT_REFUSED : r < 0 ? SK_EXIT_FAILURE : SK_EXIT_OK;
}

int main(int argc, char **argv) {
    log_open("streamkeeper-state");
    if (argc == 2 && strcmp(argv[1], "--help") == 0) {
        fputs(help_text, stdout);
        return SK_EXIT_OK;
    }
    if (argc == 2 && strcmp(argv[1], "--version") == 0) {
        puts("streamkeeper-state " SK_VERSION);
        return SK_EXIT_OK;
    }
    if (argc != 3 || strcmp(argv[1], "delete") != 0) {
        fputs(help_text, stderr);
        return SK_EXIT_USAGE;
    }
    return run_delete(argv[2]);
}
