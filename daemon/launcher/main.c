/* SPDX-License-Identifier: Apache-2.0 */
/* streamkeeper-launcher: the composition root. A list of steps; each is explained where it is declared. */
#include "base/fd.h"
#include "base/log.h"
#include "launcher/daemon.h"
#include "launcher/launcher.h"
#include "launcher/loop.h"
#include "launcher/resume.h"
#include "launcher/setup.h"
#include "launcher/watchdog.h"
#include "streamkeeper/exit.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

/* Static, not allocated: 4 MiB of address space, of which only the used pages exist. */
static struct launcher arg_launcher;

static int parse_arguments(struct launcher *l, int argc, char **argv) {
    struct reason reason = {0};
    int verdict = options_parse(argc, argv, &l->options, &reason);
    if (verdict == OPTIONS_HELP) {
        fputs(options_help(), stdout);
        return SK_EXIT_OK;
    }
    if (verdict == OPTIONS_VERSION) {
        puts("streamkeeper-launcher " SK_VERSION);
        return SK_EXIT_OK;
    }
    if (verdict < 0) {
        log_error("%s", reason.text);
        return SK_EXIT_USAGE;
    }
    l->argv = argv;
    if (l->options.debug)
        log_set_level(LOG_LEVEL_DEBUG);
    int r = paths_init(&l->paths, l->options.root);
    if (r < 0) {
        log_errno(LOG_LEVEL_ERROR, r, "--root %s", l->options.root);
        return SK_EXIT_USAGE;
    }
    return -1;
}

static int take_old_table(struct launcher *l) {
    int r = resume_load(l, l->options.resume_fd);
    l->options.resume_fd = -EBADF;
    if (r >= 0)
        log_notice("Executed again as version %s with %d instances kept", SK_VERSION, r);
    else if (r == -EPROTO)
        log_warning("The table of the other version cannot be read; instances are found by their groups");
    else
        return log_errno(LOG_LEVEL_ERROR, r, "Failed to read the table of the program before");
    return 0;
}

static int start(struct launcher *l) {
    bool is_resumed = l->options.resume_fd >= 0;
    l->daemon.has_served = is_resumed;
    children_keep_from_forks(&l->children);
    int r = setup_identity(l);
    if (r == 0)
        r = loop_open(l);
    if (r == 0 && is_resumed)
        r = take_old_table(l);
    if (r == 0)
        r = setup_limits(l, is_resumed);
    if (r == 0)
        r = setup_folders(l);
    if (r == 0 && !is_resumed)
        r = setup_lock(l);
    if (r == 0)
        r = setup_cgroups(l);
    if (r == 0 && !is_resumed)
        r = setup_takeover(l);
    return r;
}

int main(int argc, char **argv) {
    struct launcher *l = &arg_launcher;
    log_open("streamkeeper-launcher");
    l->epoll_fd = l->signal_fd = l->control_fd = l->handover_fd = l->lock_fd = -EBADF;
    l->host.null_fd = l->host.state_fd = l->notify.socket = l->outbox.socket = -EBADF;
    int code = parse_arguments(l, argc, argv);
    if (code >= 0)
        return code;
    if (start(l) < 0)
        return SK_EXIT_FAILURE;
    watchdog_start(l);
    daemon_start(l);
    code = loop_run(l);
    setup_undo(l);
    log_notice("Ended");
    return code;
}
