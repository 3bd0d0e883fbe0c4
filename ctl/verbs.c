/* SPDX-License-Identifier: Apache-2.0 */
/* Every verb in one place. A verb whose name begins with "_" is for scripts and not shown. */
#include "ctl/verbs.h"

#include <string.h>

const struct verb verbs[] = {
    {"register", "FILE…", "register apps, or new generations of them, and start them",
     "FILE is a spec (streamkeeper.spec(5)), - is standard input. Instances that the change touches are "
     "restarted\n"
     "one after another.",
     "swt", 1, -1, verb_register},
    {"unregister", "APP…", "stop an app and forget it",
     "Its state directories stay, unless --purge removes them for good. --purge asks first on a terminal.",
     "pywt", 1, -1, verb_unregister},
    {"start", "APP…", "start apps", "A start by hand gives an app that was held a new restart budget.", "wt",
     1, -1, verb_start},
    {"stop", "APP…", "stop apps; they stay stopped over reboots", "", "wt", 1, -1, verb_stop},
    {"restart", "APP[/N]…", "restart apps, one instance after another, or one instance only", "", "wt", 1, -1,
     verb_restart},
    {"scale", "APP N", "set the number of instances", "", "wt", 2, 2, verb_scale},
    {"list", "", "list apps", "", "", 0, 0, verb_list},
    {"status", "[APP…]", "show apps in detail: instances, usage, last exits and why",
     "Without APP: a line for the service, and usage of all apps.", "", 0, -1, verb_status},
    {"show", "APP", "print the registered spec", "", "", 1, 1, verb_show},
    {"history", "APP", "show how its runs ended, newest first", "", "n", 1, 1, verb_history},
    {"events", "[APP]", "show what happened and why", "", "fn", 0, 1, verb_events},
    {"logs", "APP[/N]", "show the output of an app", "", "fn", 1, 1, verb_logs},
    {"validate", "FILE…", "check specs without registering them", "", "", 1, -1, verb_validate},
    {"classes", "", "show the priority classes", "", "", 0, 0, verb_classes},
    {"tenants", "", "show the tenants", "", "", 0, 0, verb_tenants},
    {"doctor", "", "show which guarantees hold on this host, and what to do about the others",
     "Exit code 10 when something is degraded or absent.", "", 0, 0, verb_doctor},
    {"simulate", "TRACE", "show what the governor would have done in a recorded trace",
     "TRACE is a file that the service recorded, - is standard input. The trace does not react to what is\n"
     "decided: what the governor would have changed stays as it was recorded.",
     "oa", 1, 1, verb_simulate},
    {"version", "", "show the versions, and that the daemon answers", "", "", 0, 0, verb_version},
    {"help", "[VERB]", "show this, or the help of a verb", "", "", 0, 1, verb_help},
    {"__names", "", "", "", "", 0, 1, verb_names},
    {0},
};

const struct verb *verb_find(const char *name) {
    for (const struct verb *v = verbs; v->name; v++)
        if (strcmp(v->name, name) == 0)
            return v;
    return NULL;
}

const char *verb_nearest(const char *name) {
    const char *best = NULL;
    size_t least = 3; /* edits that are still a slip of the fingers */
    for (const struct verb *v = verbs; v->name; v++) {
        size_t d = v->name[0] == '_' ? SIZE_MAX : text_distance(name, v->name);
        if (d < least && d < strlen(v->name)) {
            least = d;
            best = v->name;
        }
    }
    return best;
}
