/* SPDX-License-Identifier: Apache-2.0 */
/* streamctl: from the command line to a verb and its exit code. */
#include "ctl/options.h"

#include <locale.h>
#include <signal.h>

int main(int argc, char **argv) {
    struct ctl c = {0};
    const struct verb *verb = NULL;
    int n = 0;
    char **args = NULL;
    setlocale(LC_TIME, "");
    signal(SIGPIPE, SIG_DFL); /* `streamctl … | head` ends silently */
    int code = options_parse(&c, argc, argv, &verb, &n, &args) < 0 ? ctl_fail(&c) : verb->run(&c, n, args);
    call_close(c.call);
    return code;
}
