/* SPDX-License-Identifier: Apache-2.0 */
/* streamkeeper-cgsetup: a one-shot that prepares the cgroup tree. Composition root. */
#include "base/log.h"
#include "base/parse.h"
#include "base/paths.h"
#include "cgsetup/keeper.h"
#include "cgsetup/prepare.h"
#include "streamkeeper/exit.h"

#include <errno.h>
#include <getopt.h>
#include <pwd.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static const char *arg_root;
static const char *arg_user;

static const char help_text[] =
    "streamkeeper-cgsetup keeper\n"
    "streamkeeper-cgsetup prepare [--root DIR] [--user NAME|UID]\n"
    "streamkeeper-cgsetup remove --root DIR\n"
    "\n"
    "  keeper    leaves a waiting process in the group keeper/ below the own group and notes the own\n"
    "            group in the run folder; for streamkeeper-apps.service\n"
    "  prepare   makes the class groups, enables controllers, gives them to the user, and writes what\n"
    "            came of it to the file `cgroup` in the run folder; may be repeated at any time\n"
    "  remove    removes the empty groups of a --root service\n"
    "\n"
    "Exit codes: 0 done, 1 failed, 2 wrong command line.\n";

/* Returns 0 or -ENOENT. A bare number is its own group too when /etc/passwd does not have it. */
static int find_user(const char *name, uid_t *ret_uid, gid_t *ret_gid) {
    uint32_t number;
    const struct passwd *p;
    if (!name) {
        *ret_uid = geteuid();
        *ret_gid = getegid();
        return 0;
    }
    if (parse_u32(name, &number) == 0) {
        p = getpwuid(number);
        *ret_uid = number;
        *ret_gid = p ? p->pw_gid : number;
        return 0;
    }
    p = getpwnam(name);
    if (!p)
        return -ENOENT;
    *ret_uid = p->pw_uid;
    *ret_gid = p->pw_gid;
    return 0;
}

/* Returns -1 to go on, else an exit code. */
static int parse_options(int argc, char **argv) {
    static const struct option options[] = {{"root", required_argument, NULL, 'r'},
                                            {"user", required_argument, NULL, 'u'},
                                            {"help", no_argument, NULL, 'h'},
                                            {"version", no_argument, NULL, 'v'},
                                            {0}};
    int option;
    while ((option = getopt_long(argc, argv, "h", options, NULL)) >= 0) {
        if (option == 'h') {
            fputs(help_text, stdout);
            return SK_EXIT_OK;
        } else if (option == 'v') {
            puts("streamkeeper-cgsetup " SK_VERSION);
            return SK_EXIT_OK;
        } else if (option == 'r')
            arg_root = optarg;
        else if (option == 'u')
            arg_user = optarg;
        else
            return SK_EXIT_USAGE;
    }
    if (optind + 1 != argc) {
        fputs(help_text, stderr);
        return SK_EXIT_USAGE;
    }
    return -1;
}

int main(int argc, char **argv) {
    struct paths paths;
    struct reason reason = {0};
    uid_t uid;
    gid_t gid;
    log_open("streamkeeper-cgsetup");
    int code = parse_options(argc, argv);
    if (code >= 0)
        return code;
    const char *verb = argv[optind];
    int r = paths_init(&paths, arg_root);
    if (r < 0) {
        log_errno(LOG_LEVEL_ERROR, r, "--root %s", arg_root);
        return SK_EXIT_USAGE;
    }
    if (find_user(arg_user, &uid, &gid) < 0) {
        log_error("--user %s: no such user", arg_user);
        return SK_EXIT_USAGE;
    }
    if (strcmp(verb, "keeper") == 0)
        r = keeper_start(paths.run, &reason);
    else if (strcmp(verb, "prepare") == 0)
        r = prepare_tree(&paths, uid, gid, &reason);
    else if (strcmp(verb, "remove") == 0)
        r = prepare_remove(&paths, &reason);
    else {
        log_error("%s: unknown; keeper, prepare or remove would be right", verb);
        return SK_EXIT_USAGE;
    }
    if (r < 0)
        log_error("%s", reason.text);
    return r < 0 ? SK_EXIT_FAILURE : SK_EXIT_OK;
}
