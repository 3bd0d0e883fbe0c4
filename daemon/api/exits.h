/* SPDX-License-Identifier: Apache-2.0 */
/* How a run ended, as entries of a dictionary. */
#ifndef API_EXITS_H
#define API_EXITS_H

#include "supervise/restart.h"

typedef struct sd_bus_message sd_bus_message;

void exit_entries(sd_bus_message *m, const struct run_exit *e);
const char *run_end_name(enum run_end end); /* "code", "signal", "unknown", "failed-start" */

#endif
