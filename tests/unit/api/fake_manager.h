/* SPDX-License-Identifier: Apache-2.0 */
/* A manager made of paper: it has as many apps as the test says, remembers what it was asked, and answers as
 * told. It implements the functions of manager/manager.h that the API uses. */
#ifndef FAKE_MANAGER_H
#define FAKE_MANAGER_H

#include "manager/manager.h"
#include "manager/view.h"

typedef struct sd_event_source sd_event_source;

enum fake_answer {
    FAKE_LATER,  /* in the next turn of the loop */
    FAKE_REFUSE, /* at once, with `error` and `text` */
    FAKE_FAIL,   /* in the next turn, with `error` and `text` */
    FAKE_HOLD,   /* when fake_release is called */
};

struct manager {
    sd_event *loop; /* borrowed */
    enum fake_answer answer;
    int error;
    const char *text;
    uint32_t n_apps, n_instances;
    const char *why; /* of the instances */
    bool not_serving;
    bool crowd; /* a tenant's view: every app has the state of a sick one */

    char asked[256];      /* the last verb and its arguments */
    unsigned n_asked;     /* calls of verbs and views */
    struct caller caller; /* the last one; groups are not kept */
    size_t n_groups;
    struct fake_held {
        verb_done_fn verb;
        exits_fn exits;
        events_fn events;
        log_lines_fn logs;
        void *userdata;
    } held[128];
    size_t n_held;
    sd_event_source *later; /* owned */
};

int fake_init(struct manager *m, sd_event *loop);
void fake_release(struct manager *m); /* answers all that is held */
void fake_close(struct manager *m);

#endif
