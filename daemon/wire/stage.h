/* SPDX-License-Identifier: Apache-2.0 */
/* The words for the stages of a failed start. */
#ifndef WIRE_STAGE_H
#define WIRE_STAGE_H

#include "streamkeeper/wire.h"

/* "exec", "state directory", …; "unknown stage" for a number that is none. Static. */
const char *stage_name(unsigned stage);

#endif
