/* SPDX-License-Identifier: Apache-2.0 */
/* The letters behind '%' in a spec; spec.h says what they stand for. */
#ifndef CONF_SPECIFIER_H
#define CONF_SPECIFIER_H

#include "base/attr.h"
#include "base/reason.h"

#include <stdbool.h>

#define SPECIFIER_LETTERS "Snatci%"

/* The first '%' that no known letter follows, or NULL. */
const char *specifier_find_unknown(const char *text) ATTR_PURE;

/* Returns 0, or -EINVAL with the reason if the text has an unknown specifier. */
int specifier_check(const char *text, struct reason *why);

#endif
