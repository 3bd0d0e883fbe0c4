/* SPDX-License-Identifier: Apache-2.0 */
/* Pings the daemon and feeds the service manager; without a watchdog nothing here ever runs. */
#include "launcher/watchdog.h"

#include "base/clock.h"
#include "base/parse.h"
#include "launcher/daemon.h"
#include "launcher/launcher.h"
#include "launcher/outbox.h"

#include <stdlib.h>
#include <unistd.h>

uint64_t watchdog_interval(const char *usec, const char *pid, pid_t self) {
    uint64_t limit;
    uint32_t for_pid;
    if (!usec || parse_u64(usec, &limit) < 0 || limit == USEC_NEVER)
        return 0;
    if (pid && (parse_u32(pid, &for_pid) < 0 || for_pid != (uint32_t)self))
        return 0;
    return limit / 3;
}

void watchdog_start(struct launcher *l) {
    l->watchdog.interval_usec = watchdog_interval(getenv("WATCHDOG_USEC"), getenv("WATCHDOG_PID"), getpid());
    l->watchdog.next_at =
        l->watchdog.interval_usec ? usec_add(clock_monotonic_usec(), l->watchdog.interval_usec) : USEC_NEVER;
}

void watchdog_pong(struct launcher *l) {
    l->watchdog.ping_unanswered = false;
    if (l->watchdog.interval_usec)
        (void)notify_send(&l->notify, "WATCHDOG=1");
}

void watchdog_tick(struct launcher *l) {
    struct watchdog *w = &l->watchdog;
    uint64_t now = clock_monotonic_usec();
    if (w->next_at > now)
        return;
    w->next_at = usec_add(now, w->interval_usec);
    if (l->daemon.pid == 0)
        return;
    /* The second look without a word, from its start or from its last message: it hangs. (Half an interval is
     * left for looks that come a little early or late.) The service manager hears that somebody is awake and
     * acts: the new daemon gets its time. */
    if (usec_sub(now, l->daemon.heard_at) > w->interval_usec + w->interval_usec / 2) {
        l->daemon.heard_at = now;
        daemon_kill(l, "it has not answered for two thirds of the watchdog's time");
        (void)notify_send(&l->notify, "WATCHDOG=1");
        return;
    }
    w->ping_unanswered = true;
    l->outbox.owes_ping = true;
}
