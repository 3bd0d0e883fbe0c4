/* SPDX-License-Identifier: Apache-2.0 */
/* Builds answers of the daemon by hand, and compares output with golden files. */
#ifndef TEST_TREE_H
#define TEST_TREE_H

#include "ctl/term.h"
#include "ctl/value.h"

struct value *tree_list(struct arena *a, struct value *parent, const char *key);
struct value *tree_dict(struct arena *a, struct value *parent, const char *key);

/* An app as in the answers of List and Status, without instances. */
struct value *tree_app(struct arena *a, struct value *apps, const char *name, const char *class,
                       unsigned rank, const char *state, bool wanted);
/* An instance of it; pid 0: none. */
struct value *tree_instance(struct arena *a, struct value *app, unsigned number, const char *state,
                            unsigned pid, unsigned restarts);

/* A moment so many seconds before look.now_usec of tree_look. */
uint64_t tree_ago(unsigned seconds);
struct look tree_look(bool colour, unsigned width);

/* Fails the test unless the text is that of tests/golden/ctl/NAME, and unless no line ends in blanks. With
 * STREAMKEEPER_GOLDEN=write the file is written instead. Frees the text. */
void tree_expect_golden(const char *name, struct text_buf *text);

#endif
