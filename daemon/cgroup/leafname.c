/* SPDX-License-Identifier: Apache-2.0 */
/* Text only. */
#include "cgroup/leafname.h"

#include "base/parse.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

int leafname_format(const char *app, uint32_t number, char ret[LEAF_NAME_SIZE]) {
    if (!text_is_name(app))
        return -EINVAL;
    snprintf(ret, LEAF_NAME_SIZE, "%s.%u", app, number);
    return 0;
}

int leafname_parse(const char *name, char *ret_app, uint32_t *ret_number) {
    const char *dot = strrchr(name, '.');
    char app[NAME_LEN_MAX + 1];
    uint32_t number;
    if (!dot || (size_t)(dot - name) > NAME_LEN_MAX || (dot[1] == '0' && dot[2] != '\0'))
        return -EINVAL;
    memcpy(app, name, (size_t)(dot - name));
    app[dot - name] = '\0';
    if (!text_is_name(app) || parse_u32(dot + 1, &number) < 0)
        return -EINVAL;
    memcpy(ret_app, app, sizeof(app));
    *ret_number = number;
    return 0;
}
