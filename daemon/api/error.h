/* SPDX-License-Identifier: Apache-2.0 */
/* From negative errno to the error names of include/streamkeeper/names.h: the one table. */
#ifndef API_ERROR_H
#define API_ERROR_H

#include "base/attr.h"

/* Never NULL: what is not in the table is "org.freedesktop.DBus.Error.Failed". */
const char *api_error_name(int error) ATTR_CONST;

#endif
