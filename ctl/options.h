/* SPDX-License-Identifier: Apache-2.0 */
/* The command line: global options, the options of verbs, and the help made of the tables. */
#ifndef CTL_OPTIONS_H
#define CTL_OPTIONS_H

#include "ctl/verbs.h"

/* Fills c->options, c->paths and c->look, finds the verb and its arguments (in argv). Returns 0, or -1 with
 * c->failure. --help makes `help` the verb. */
int options_parse(struct ctl *c, int argc, char **argv, const struct verb **ret_verb, int *ret_n,
                  char ***ret_args);

/* The general help, or that of a verb. */
void options_help(const struct look *look, const struct verb *verb, struct text_buf *b);

#endif
