/* SPDX-License-Identifier: Apache-2.0 */
/* The wrapped timer functions of timers.h. */
#include "fake/timers.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdlib.h>
#include <systemd/sd-event.h>

#define TIMERS_MAX 16384
#define FAR_AWAY   (UINT64_MAX - 1) /* beyond any clock; UINT64_MAX itself would disarm the source */

static struct {
    bool on;
    uint64_t now_usec;
    struct timer {
        sd_event_source *source; /* borrowed */
        uint64_t due_usec;
    } list[TIMERS_MAX];
    size_t n;
} timers;

int __real_sd_event_add_time(sd_event *e, sd_event_source **s, clockid_t clock, uint64_t usec,
                             uint64_t accuracy, sd_event_time_handler_t fn, void *userdata);
int __real_sd_event_source_set_time(sd_event_source *s, uint64_t usec);
sd_event_source *__real_sd_event_source_disable_unref(sd_event_source *s);
int __wrap_sd_event_add_time(sd_event *e, sd_event_source **s, clockid_t clock, uint64_t usec,
                             uint64_t accuracy, sd_event_time_handler_t fn, void *userdata);
int __wrap_sd_event_source_set_time(sd_event_source *s, uint64_t usec);
sd_event_source *__wrap_sd_event_source_disable_unref(sd_event_source *s);

static struct timer *find(const sd_event_source *s) {
    for (size_t i = 0; i < timers.n; i++)
        if (timers.list[i].source == s)
            return &timers.list[i];
    return NULL;
}

static uint64_t real_time(uint64_t due_usec) {
    return due_usec <= timers.now_usec ? 0 : FAR_AWAY;
}

void timers_begin(uint64_t now_usec) {
    timers.on = true;
    timers.now_usec = now_usec;
    timers.n = 0;
}

void timers_advance(uint64_t now_usec) {
    timers.now_usec = now_usec;
    for (size_t i = 0; i < timers.n; i++)
        __real_sd_event_source_set_time(timers.list[i].source, real_time(timers.list[i].due_usec));
}

void timers_end(void) {
    timers.on = false;
    timers.n = 0;
}

int __wrap_sd_event_add_time(sd_event *e, sd_event_source **s, clockid_t clock, uint64_t usec,
                             uint64_t accuracy, sd_event_time_handler_t fn, void *userdata) {
    if (!timers.on)
        return __real_sd_event_add_time(e, s, clock, usec, accuracy, fn, userdata);
    if (timers.n == TIMERS_MAX || !s)
        abort();
    int r = __real_sd_event_add_time(e, s, clock, real_time(usec), 1, fn, userdata);
    if (r >= 0)
        timers.list[timers.n++] = (struct timer){*s, usec};
    return r;
}

int __wrap_sd_event_source_set_time(sd_event_source *s, uint64_t usec) {
    struct timer *t = timers.on ? find(s) : NULL;
    if (t)
        t->due_usec = usec;
    return __real_sd_event_source_set_time(s, t ? real_time(usec) : usec);
}

sd_event_source *__wrap_sd_event_source_disable_unref(sd_event_source *s) {
    struct timer *t = timers.on && s ? find(s) : NULL;
    if (t)
        *t = timers.list[--timers.n];
    return __real_sd_event_source_disable_unref(s);
}
