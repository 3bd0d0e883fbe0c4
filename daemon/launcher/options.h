/* SPDX-License-Identifier: Apache-2.0 */
/* The launcher's command line: its whole configuration, so that a root process parses no file. */
#ifndef LAUNCHER_OPTIONS_H
#define LAUNCHER_OPTIONS_H

#include "base/reason.h"

#include <stdbool.h>
#include <stdint.h>

/* Permitted by default: everything but root, the statically allocated system accounts below 100, and the two
 * numbers that mean "no id". */
#define OPTIONS_UID_MIN 100
#define OPTIONS_UID_MAX 4294967293

struct options {
    const char *root;   /* borrowed from argv, as all texts here; NULL: the system's folders */
    const char *user;   /* of the daemon; NULL: the default user if there is one */
    const char *daemon; /* another program for streamkeeperd, for tests; NULL: the one beside us */
    uint32_t uid_min, uid_max;
    int ready_fd;  /* -EBADF: nobody asks */
    int resume_fd; /* table of a launcher that has executed itself again; -EBADF: a fresh start */
    bool journal;  /* output of instances may go to the journal although --root is given */
    bool debug;
};

enum options_verdict { OPTIONS_RUN, OPTIONS_HELP, OPTIONS_VERSION };

/* Returns what to do, or -EINVAL with words in *reason. */
int options_parse(int argc, char **argv, struct options *ret, struct reason *reason);

/* Pure: "1000-59999". Returns 0 or -EINVAL. */
int options_parse_range(const char *text, uint32_t *ret_min, uint32_t *ret_max);

/* The text of --help. */
const char *options_help(void);

#endif
