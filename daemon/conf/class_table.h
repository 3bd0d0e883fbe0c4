/* SPDX-License-Identifier: Apache-2.0 */
/* The keys of a class file. Inside conf only. */
#ifndef CONF_CLASS_TABLE_H
#define CONF_CLASS_TABLE_H

#include "conf/table.h"

extern const struct conf_table class_key_table;

#endif
