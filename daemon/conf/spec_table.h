/* SPDX-License-Identifier: Apache-2.0 */
/* The keys of a spec, and the value types that only a spec has. Inside conf only. */
#ifndef CONF_SPEC_TABLE_H
#define CONF_SPEC_TABLE_H

#include "conf/table.h"

extern const struct conf_table spec_table;

/* NULL-terminated, indexed by the enums of spec.h. */
extern const char *const spec_restart_words[], *const spec_ready_words[], *const spec_guarantee_words[];

extern const struct conf_type spec_type_name;        /* at spec.tenant */
extern const struct conf_type spec_type_environment; /* at spec.environment */
extern const struct conf_type spec_type_budget;      /* at spec.budget_starts */
extern const struct conf_type spec_type_codes;       /* struct spec_codes */
extern const struct conf_type spec_type_stop_signal; /* at spec.stop_signal */
extern const struct conf_type spec_type_probe;       /* at spec.ready_command */

#endif
