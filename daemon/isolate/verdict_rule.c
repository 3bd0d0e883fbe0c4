/* SPDX-License-Identifier: Apache-2.0 */
/* The rules in words: a stable name, why it acts, and what would have avoided it. */
#include "isolate/verdict.h"

#include <string.h>

/* In `why` the protected class stands for the first %. */
static const struct rule {
    const char *name, *why, *avoid;
} rules[] = {
    [RULE_HOT_1S] =
        {"hot-1s", "% had to wait for it",
         "Run less at once in the lower class, give its apps a limit of their own, or move them to another "
         "host."},
    [RULE_HOT_10S] =
        {"hot-10s", "% had to wait for it again and again",
         "Run less at once in the lower class, give its apps a limit of their own, or move them to another "
         "host."},
    [RULE_LAG] = {"lag", "an app of % was about to miss its lag objective",
                  "Give the app more instances or a larger lag-slo, or run less beside it."},
    [RULE_COOL] = {"cool", "% did not wait any more", "Nothing to avoid: it is given back."},
    [RULE_HOG_GONE] = {"hog-gone", "the class does not want it any more",
                       "Nothing to avoid: it is given back."},
    [RULE_CEILING] = {"ceiling", "the limit had no effect any more", "Nothing to avoid: it is given back."},
    [RULE_HOLD_OVER] = {"hold-over", "nothing stays frozen for longer",
                        "Nothing to avoid: it is given back."},
    [RULE_PROTECTED_IDLE] = {"protected-idle", "% wants nothing now", "Nothing to avoid: it is given back."},
    [RULE_NOT_THE_CAUSE] =
        {"not-the-cause", "all that use it were frozen and % waited as before",
         "The cause is outside the lower class: look at the protected class itself, at other services "
         "of the host, and at the device."},
    [RULE_SELF] = {"self", "% waits for it, and no lower class uses it",
                   "Give the protected class more of the resource, fewer instances, or a larger limit where "
                   "it has one; "
                   "nothing was taken from others."},
    [RULE_BLIND] = {"blind", "pressure cannot be read: no new limits, and the old ones are given back",
                    "Switch pressure accounting on: boot with psi=1, and see streamctl doctor."},
    [RULE_FROZEN_LONG] =
        {"frozen-long", "it had to be frozen again and again for %",
         "Give the app a limit of its own (cpu-max, or less work at once), start it when the host is "
         "less busy, or register it in a higher class."},
    [RULE_STOP_TIMEOUT] = {"stop-timeout", "it did not end when it was asked to",
                           "Make the app end within the time on the stop signal of its spec."},
    [RULE_KILL_AGAIN] = {"kill-again", "it was killed and is still there",
                         "Nothing that an app could do: look for tasks in uninterruptible sleep, and at the "
                         "disk they wait for."},
    [RULE_NEW_PROCESS] = {"new-process", "another process runs under its name", "Nothing to avoid."},
    [RULE_MEMORY_SHORT] =
        {"memory-short", "the host had less free memory than is kept for %",
         "Declare less memory in all, give the lower class's apps a memory-max, or add swap for them."},
    [RULE_MEMORY_HOT] =
        {"memory-hot", "% had to wait for memory",
         "Give the lower class's apps a memory-max, and declare what the protected ones need as memory."},
    [RULE_MEMORY_THRASH] =
        {"memory-thrash", "% waited for the disk and had lost memory it should keep",
         "Declare what the protected apps need as memory, page cache included, and give the lower "
         "class's apps a memory-max."},
    [RULE_MEMORY_BACK] = {"memory-back", "enough memory is free again",
                          "Nothing to avoid: it is given back."},
    [RULE_KILL_STUCK] = {"kill-stuck", "it stood still at its memory limit",
                         "Give the app a memory-max that it fits in, or let it use less memory."},
    [RULE_KILL_LOW] =
        {"kill-low", "memory protected for % was being taken",
         "Give the lower class's apps a memory-max; declare as memory what the app itself needs."},
    [RULE_KILL_REFAULT] =
        {"kill-refault", "% read again what was taken from it",
         "Give the lower class's apps a memory-max; declare what the protected ones need as memory."},
    [RULE_KILL_FULL] =
        {"kill-full", "all of % stood still for memory",
         "Give the lower class's apps a memory-max; declare what the protected ones need as memory."},
    [RULE_KILL_SHRUNK] =
        {"kill-shrunk", "% waited for the disk and had lost memory it should keep",
         "Declare what the protected apps need as memory, page cache included, and give the lower "
         "class's apps a memory-max."},
    [RULE_KILL_AVAILABLE] =
        {"kill-available", "the host was almost out of memory",
         "Give the app a memory-max, declare what it needs as memory, or add memory or swap."},
    [RULE_KILL_SWAP] = {"kill-swap", "the host was almost out of memory and swap",
                        "Give the app a memory-max, declare what it needs as memory, or add memory or swap."},
    [RULE_NO_VICTIM] =
        {"no-victim", "memory is short, and no lower class holds any that is worth taking",
         "Declare less memory in all for the protected class, or look at other services of the host."},
    [RULE_INVERSION] = {"inversion", "% waits, and what it waits for may be held by a task that gets no CPU",
                        "Put the state of protected apps on a disk of their own."},
    [RULE_INVERSION_OVER] = {"inversion-over", "the moment is over", "Nothing to avoid: it is put back."},
    [RULE_HEADROOM] = {"headroom", "the latency profile keeps CPUs free for %",
                       "The profile work-conserving has no such limit."},
    [RULE_CLOCK] = {"clock", "the clock went backwards", "Nothing to avoid: everything is given back."},
    [RULE_RELEASE] = {"release", "the governor ends or was switched off",
                      "Nothing to avoid: everything is given back."},
    [RULE_TOO_MANY] = {"too-many", "more instances than the governor has room for: the others are left alone",
                       "Run fewer instances on this host."},
};

_Static_assert(ARRAY_LEN(rules) == VERDICT_RULES, "a rule without words");

const char *verdict_rule_name(enum verdict_rule rule) {
    return (unsigned)rule < ARRAY_LEN(rules) ? rules[rule].name : "unknown";
}

const char *verdict_avoidance(enum verdict_rule rule) {
    return (unsigned)rule < ARRAY_LEN(rules) ? rules[rule].avoid : "";
}

void verdict_reason(enum verdict_rule rule, const char *for_class, struct text_buf *b) {
    const char *why = (unsigned)rule < ARRAY_LEN(rules) ? rules[rule].why : "for an unknown reason";
    const char *gap = strchr(why, '%');
    if (!gap) {
        text_buf_add(b, why);
        return;
    }
    text_buf_add_bytes(b, why, (size_t)(gap - why));
    text_buf_add(b, for_class);
    text_buf_add(b, gap + 1);
}
