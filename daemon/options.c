/* SPDX-License-Identifier: Apache-2.0 */
/* See options.h. */
#include "options.h"
#include "base/fd.h"
#include "base/log.h"
#include "base/paths.h"
#include "streamkeeper/wire.h"

#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>

static const char help[] =
    "Usage: streamkeeperd [--root DIR]\n"
    "\n"
    "The deciding half of Streamkeeper. It is started by streamkeeper-launcher, which gives\n"
    "it its sockets; started by hand it can do nothing.\n"
    "\n"
    "  --root DIR   put every path (etc, run, state, registry, log) below DIR\n"
    "  --version    print the version\n"
    "  --help       print this text\n";

static int check_sockets(void) {
    static const int fds[] = {SK_WIRE_FD, SK_CONTROL_FD, SK_HANDOVER_FD};
    for (size_t i = 0; i < ARRAY_LEN(fds); i++) {
        int type;
        socklen_t len = sizeof(type);
        if (getsockopt(fds[i], SOL_SOCKET, SO_TYPE, &type, &len) < 0) {
            log_error("Descriptor %d is not a socket: streamkeeperd is started by streamkeeper-launcher, not "
                      "by hand",
                      fds[i]);
            return -EINVAL;
        }
    }
    return 1;
}

int options_read(int argc, char **argv, struct paths *ret) {
    static const struct option options[] = {{"root", required_argument, NULL, 'r'},
                                            {"help", no_argument, NULL, 'h'},
                                            {"version", no_argument, NULL, 'V'},
                                            {0}};
    const char *root = NULL;
    for (int c; (c = getopt_long(argc, argv, "h", options, NULL)) != -1;) {
        if (c == 'r') {
            root = optarg;
        } else if (c == 'h') {
            fputs(help, stdout);
            return 0;
        } else if (c == 'V') {
            puts("streamkeeperd " SK_VERSION);
            return 0;
        } else {
            return -EINVAL;
        }
    }
    if (optind < argc) {
        log_error("Unexpected argument '%s'; see --help", argv[optind]);
        return -EINVAL;
    }
    int r = paths_init(ret, root);
    if (r < 0) {
        log_errno(LOG_LEVEL_ERROR, r, "The root folder '%s' cannot be used", root ? root : "");
        return -EINVAL;
    }
    return check_sockets();
}

void options_prepare_process(void) {
    static const int ignored[] = {SIGINT, SIGQUIT, SIGHUP, SIGPIPE};
    for (size_t i = 0; i < ARRAY_LEN(ignored); i++)
        signal(ignored[i], SIG_IGN);
    prctl(PR_SET_DUMPABLE, 0); /* nobody of the same uid reads specs and environments out of it */
    fd_set_cloexec(SK_WIRE_FD, true);
    fd_set_cloexec(SK_CONTROL_FD, true);
    fd_set_cloexec(SK_HANDOVER_FD, true);
}
