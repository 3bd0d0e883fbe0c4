/* SPDX-License-Identifier: Apache-2.0 */
/* A temporary folder and a loop for each test, and waiting for what the loop brings. */
#ifndef ADAPTERS_GROUND_H
#define ADAPTERS_GROUND_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdbool.h>

typedef struct sd_event sd_event;

struct ground {
    char dir[64];
    int dirfd;
    sd_event *loop;
};

int ground_setup(void **state);
int ground_teardown(void **state);

/* Runs the loop until *flag reaches `want`; fails the test after 20 s. */
void ground_wait(struct ground *g, const unsigned *flag, unsigned want);
/* Runs the loop as long as there is something to do at once. */
void ground_turn(struct ground *g);

/* Writes (or appends) a file of the folder; its size (-1: none); its text, to be freed. */
void ground_write(struct ground *g, const char *name, const char *text, size_t len, bool append);
long ground_size(struct ground *g, const char *name);
char *ground_read(struct ground *g, const char *name);

#define ground_test(fn) cmocka_unit_test_setup_teardown(fn, ground_setup, ground_teardown)

#endif
