/* SPDX-License-Identifier: Apache-2.0 */
/* See options.h. */
#include "options.h"
#include "base/fd.h"
#include "base/log.h"
#include "base/paths.h"
#include "conf/class.h"
#include "conf/daemon_conf.h"
#include "conf/tenant.h"
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
    "Usage: streamkeeperd [--root DIR] [--check]\n"
    "\n"
    "The deciding half of Streamkeeper. It is started by streamkeeper-launcher, which gives\n"
    "it its sockets; started by hand it can do nothing.\n"
    "\n"
    "  --root DIR   put every path (etc, run, state, registry, log) below DIR\n"
    "  --check      read the configuration, say what is wrong with it, and end\n"
    "  --version    print the version\n"
    "  --help       print this text\n";

/* A reload asks this first, so that a mistake leaves the running daemon where it is. */
static int check_conf(const struct paths *paths) {
    struct daemon_conf conf;
    struct class_table classes;
    struct tenant_table tenants = {0};
    struct reason why = {0};
    int r = daemon_conf_load(paths->etc, &conf, &why);
    r = r < 0 ? r : class_table_load(paths->etc, &classes, &why);
    r = r < 0 ? r : tenant_table_load(paths->etc, &tenants, &why);
    if (r < 0) {
        log_error("%s", why.text);
        return -EBADMSG;
    }
    printf("%s: %u classes, %u tenants, no mistake\n", paths->etc, classes.n, tenants.n);
    tenant_table_free(&tenants);
    return 0;
}

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
                                            {"check", no_argument, NULL, 'c'},
                                            {"help", no_argument, NULL, 'h'},
                                            {"version", no_argument, NULL, 'V'},
                                            {0}};
    const char *root = NULL;
    bool check = false;
    for (int c; (c = getopt_long(argc, argv, "h", options, NULL)) != -1;) {
        if (c == 'r') {
            root = optarg;
        } else if (c == 'c') {
            check = true;
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
    return check ? check_conf(ret) : check_sockets();
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
