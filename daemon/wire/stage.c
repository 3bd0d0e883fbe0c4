/* SPDX-License-Identifier: Apache-2.0 */
/* The words for the stages of a failed start; decides nothing. */
#include "wire/stage.h"

#include "base/attr.h"

static const char *const stage_names[] = {
    [SK_STAGE_REQUEST] = "request",
    [SK_STAGE_TABLE] = "child table",
    [SK_STAGE_STATE_DIR] = "state directory",
    [SK_STAGE_LOG] = "log",
    [SK_STAGE_CLONE] = "clone",
    [SK_STAGE_SESSION] = "session",
    [SK_STAGE_SCHED] = "scheduling",
    [SK_STAGE_LIMITS] = "limits",
    [SK_STAGE_CREDENTIALS] = "credentials",
    [SK_STAGE_WORKDIR] = "working directory",
    [SK_STAGE_EXEC] = "exec",
};

_Static_assert(ARRAY_LEN(stage_names) == SK_STAGE_MAX, "a stage without a word");

const char *stage_name(unsigned stage) {
    return stage < SK_STAGE_MAX ? stage_names[stage] : "unknown stage";
}
