/* SPDX-License-Identifier: Apache-2.0 */
/* Command line to values; opens nothing. */
#include "launcher/options.h"

#include "base/parse.h"

#include <errno.h>
#include <getopt.h>
#include <string.h>

static const char help_text[] =
    "streamkeeper-launcher [OPTIONS]\n"
    "\n"
    "Starts the service: the launcher (this program, which starts and reaps the instances) and\n"
    "streamkeeperd (which decides). Stays in the foreground.\n"
    "\n"
    "  --root DIR        keep everything below DIR (etc, run, state, registry, log) instead of\n"
    "                    in the system's folders; an empty or new DIR is enough\n"
    "  --user NAME|UID   user of streamkeeperd (default: streamkeeper, if there is one, else root).\n"
    "                    Found in /etc/passwd only\n"
    "  --uid-range A-B   uids and gids that instances may run as (default: 100-4294967293; never 0,\n"
    "                    never streamkeeperd's own). Other groups of a user are not given to apps\n"
    "  --ready-fd N      write \"READY\\n\" to descriptor N and close it when the service answers\n"
    "  --journal         let instances log to the journal also with --root\n"
    "  --debug           more log lines\n"
    "  --help, --version\n"
    "\n"
    "Signals: TERM and INT stop all instances in order and end; QUIT ends and leaves them running;\n"
    "HUP executes this program again in place (an upgrade), keeping them, and restarts streamkeeperd.\n"
    "\n"
    "Exit codes: 0 ended as told, 1 failed, 2 wrong command line.\n";

const char *options_help(void) {
    return help_text;
}

int options_parse_range(const char *text, uint32_t *ret_min, uint32_t *ret_max) {
    char first[16];
    uint32_t min, max;
    const char *dash = strchr(text, '-');
    if (!dash || (size_t)(dash - text) >= sizeof(first))
        return -EINVAL;
    memcpy(first, text, (size_t)(dash - text));
    first[dash - text] = '\0';
    if (parse_u32(first, &min) < 0 || parse_u32(dash + 1, &max) < 0 || min == 0 || min > max)
        return -EINVAL;
    *ret_min = min;
    *ret_max = max;
    return 0;
}

static int parse_fd(const char *text, int *ret) {
    uint32_t n;
    if (parse_u32(text, &n) < 0 || n > 1 << 20)
        return -EINVAL;
    *ret = (int)n;
    return 0;
}

enum option_number {
    OPTION_ROOT = 256,
    OPTION_USER,
    OPTION_UID_RANGE,
    OPTION_READY_FD,
    OPTION_JOURNAL,
    OPTION_DEBUG,
    OPTION_DAEMON,
    OPTION_RESUME,
    OPTION_HELP,
    OPTION_VERSION,
};

static const struct option long_options[] = {
    {"root", required_argument, NULL, OPTION_ROOT},
    {"user", required_argument, NULL, OPTION_USER},
    {"uid-range", required_argument, NULL, OPTION_UID_RANGE},
    {"ready-fd", required_argument, NULL, OPTION_READY_FD},
    {"journal", no_argument, NULL, OPTION_JOURNAL},
    {"debug", no_argument, NULL, OPTION_DEBUG},
    {"daemon", required_argument, NULL, OPTION_DAEMON},
    {"resume", required_argument, NULL, OPTION_RESUME},
    {"help", no_argument, NULL, OPTION_HELP},
    {"version", no_argument, NULL, OPTION_VERSION},
    {0},
};

/* One option. Returns 0 or -EINVAL. */
static int apply(int option, const char *value, struct options *o, struct reason *reason) {
    switch (option) {
    case OPTION_ROOT:
        if (!*value)
            return reason_set(reason, -EINVAL, "--root needs a folder");
        o->root = value;
        return 0;
    case OPTION_USER:
        o->user = value;
        return 0;
    case OPTION_UID_RANGE:
        if (options_parse_range(value, &o->uid_min, &o->uid_max) < 0)
            return reason_set(
                reason, -EINVAL,
                "--uid-range %s: not a range of uids above 0; such as 1000-59999 would be right", value);
        return 0;
    case OPTION_READY_FD:
    case OPTION_RESUME:
        if (parse_fd(value, option == OPTION_READY_FD ? &o->ready_fd : &o->resume_fd) < 0)
            return reason_set(reason, -EINVAL, "%s: not the number of a descriptor", value);
        return 0;
    case OPTION_JOURNAL:
        o->journal = true;
        return 0;
    case OPTION_DEBUG:
        o->debug = true;
        return 0;
    case OPTION_DAEMON:
        o->daemon = value;
        return 0;
    default:
        return reason_set(reason, -EINVAL, "unknown option, or one without its value; --help lists all");
    }
}

int options_parse(int argc, char **argv, struct options *ret, struct reason *reason) {
    struct options o = {
        .uid_min = OPTIONS_UID_MIN, .uid_max = OPTIONS_UID_MAX, .ready_fd = -EBADF, .resume_fd = -EBADF};
    int option;
    optind = 1;
    opterr = 0;
    while ((option = getopt_long(argc, argv, "h", long_options, NULL)) >= 0) {
        if (option == OPTION_HELP || option == 'h')
            return OPTIONS_HELP;
        if (option == OPTION_VERSION)
            return OPTIONS_VERSION;
        int r = apply(option, optarg, &o, reason);
        if (r < 0) {
            if (option == '?' && optind > 0 && optind <= argc)
                reason_prefix(reason, "%s", argv[optind - 1]);
            return r;
        }
    }
    if (optind < argc)
        return reason_set(reason, -EINVAL, "%s: unexpected argument; --help lists the options", argv[optind]);
    *ret = o;
    return OPTIONS_RUN;
}
