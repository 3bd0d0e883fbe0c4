/* SPDX-License-Identifier: Apache-2.0 */
/* What connections need of the whole. */
#include "api/private.h"

#include "base/clock.h"
#include "base/log.h"

#define COMPLAINTS_A_MINUTE 10

void api_complain(struct api *a, const struct caller *who, const char *why) {
    uint64_t now = clock_monotonic_usec();
    if (usec_sub(now, a->complaints_usec) > USEC_PER_MIN || a->complaints_usec == 0) {
        a->complaints_usec = now;
        a->complaints = 0;
    }
    if (a->complaints++ < COMPLAINTS_A_MINUTE)
        log_notice("closed a control connection of uid %u (pid %d): %s", who->uid, (int)who->pid, why);
}

void api_note_deadline(struct api *a, uint64_t deadline_usec) {
    uint64_t armed = USEC_NEVER;
    int enabled = SD_EVENT_OFF;
    sd_event_source_get_enabled(a->deadline_timer, &enabled);
    sd_event_source_get_time(a->deadline_timer, &armed);
    if (enabled != SD_EVENT_OFF && armed <= deadline_usec)
        return;
    sd_event_source_set_time(a->deadline_timer, deadline_usec);
    sd_event_source_set_enabled(a->deadline_timer, SD_EVENT_ONESHOT);
}
