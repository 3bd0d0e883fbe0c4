/* SPDX-License-Identifier: Apache-2.0 */
/* The one place that names the fields of an exit. */
#include "api/exits.h"

#include "api/dict.h"
#include "base/parse.h"

const char *run_end_name(enum run_end end) {
    switch (end) {
    case RUN_END_CODE:
        return "code";
    case RUN_END_SIGNAL:
        return "signal";
    case RUN_END_FAILED_START:
        return "failed-start";
    case RUN_END_UNKNOWN:
    case RUN_END_MAX:
        break;
    }
    return "unknown";
}

void exit_entries(sd_bus_message *m, const struct run_exit *e) {
    char text[256], signal[32];
    dict_text(m, "text", run_exit_text(e, text, sizeof(text)));
    dict_text(m, "how", run_end_name(e->end));
    if (e->end == RUN_END_CODE)
        dict_u32(m, "code", e->code);
    if (e->end == RUN_END_SIGNAL)
        dict_text(m, "signal", signal_name((int)e->code, signal, sizeof(signal)));
    if (e->end == RUN_END_FAILED_START)
        dict_u32(m, "errno", e->code);
    dict_bool(m, "oom_killed", e->oom_killed);
    dict_bool(m, "core_dumped", e->dumped);
    dict_some(m, "at_usec", e->at_usec);
    dict_u64(m, "run_usec", e->run_usec);
    dict_some(m, "cpu_usec", e->cpu_usec);
    dict_some(m, "memory_peak_bytes", e->memory_peak_bytes);
}
