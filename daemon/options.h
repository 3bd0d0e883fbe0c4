/* SPDX-License-Identifier: Apache-2.0 */
/* The command line of streamkeeperd, and the state of its process. */
#ifndef OPTIONS_H
#define OPTIONS_H

struct paths;

/* Reads the command line. Returns 1 to go on, 0 when --help, --version or --check was answered, -EBADMSG
 * (already told) when
 * --check found a mistake, -EINVAL (already told)
 * when it is wrong or the sockets of the launcher are not there. */
int options_read(int argc, char **argv, struct paths *ret);

/* Signals of the terminal are the launcher's business; SIGPIPE is an error code. The inherited sockets become
 * close-on-exec. */
void options_prepare_process(void);

#endif
