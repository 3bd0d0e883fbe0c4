/* SPDX-License-Identifier: Apache-2.0 */
/* Counts and reports a hog's work; does none itself. */
#include "meter.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <time.h>

#include "lifecycle.h"

#define REPORT_USEC 1000000

struct meter *meter_new(const char *unit, double seconds, const char *rate_file, bool print) {
    struct meter *meter =
        mmap(NULL, sizeof(*meter), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

    if (meter == MAP_FAILED) {
        perror("skhog: no memory for the meter");
        exit(EXIT_FAILURE);
    }
    meter->unit = unit;
    meter->rate_file = rate_file;
    meter->print = print;
    meter->start_usec = life_now_usec();
    meter->deadline_usec = seconds > 0 ? meter->start_usec + (uint64_t)(seconds * 1e6) : 0;
    meter->report_usec = meter->start_usec + REPORT_USEC;
    return meter;
}

static void meter_report(struct meter *meter, uint64_t now) {
    char text[256];
    uint64_t done = meter->done, refused = meter->refused;
    double rate = (double)(done - meter->reported) * 1e6 / (double)(now - (meter->report_usec - REPORT_USEC));

    snprintf(text, sizeof(text), "unit=%s\nper_second=%.1f\ntotal=%llu\nrefused=%llu\n", meter->unit, rate,
             (unsigned long long)done, (unsigned long long)refused);
    if (meter->rate_file)
        life_write_file(meter->rate_file, text);
    if (meter->print) {
        printf("%.1f %s/s, total %llu, refused %llu\n", rate, meter->unit, (unsigned long long)done,
               (unsigned long long)refused);
        fflush(stdout);
    }
    meter->reported = done;
    meter->report_usec = now + REPORT_USEC;
}

bool meter_tick(struct meter *meter, uint64_t done) {
    uint64_t now = life_now_usec();

    meter->done += done;
    if (now >= meter->report_usec)
        meter_report(meter, now);
    return !meter->deadline_usec || now < meter->deadline_usec;
}

bool meter_wait(struct meter *meter) {
    uint64_t until = meter->report_usec;

    if (meter->deadline_usec && meter->deadline_usec < until)
        until = meter->deadline_usec;
    struct timespec time = {.tv_sec = (time_t)(until / 1000000), .tv_nsec = (long)(until % 1000000) * 1000};
    while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &time, NULL) == EINTR)
        ;
    return meter_tick(meter, 0);
}

bool meter_over(const struct meter *meter) {
    return meter->deadline_usec && life_now_usec() >= meter->deadline_usec;
}
