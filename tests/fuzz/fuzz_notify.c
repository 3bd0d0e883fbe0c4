/* SPDX-License-Identifier: Apache-2.0 */
/* Notification messages of any bytes: the status stays text that can be shown, and lines do not depend on
 * each other. */
#include "base/utf8.h"
#include "supervise/notify.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(bool holds) {
    if (!holds)
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct notify_message m;
    memset(&m, 0xaa, sizeof(m));
    notify_parse((const char *)data, size, &m);
    size_t len = strnlen(m.status, sizeof(m.status));
    check(len < sizeof(m.status));
    check(utf8_is_valid(m.status, len));
    for (size_t i = 0; i < len; i++)
        check((unsigned char)m.status[i] >= 0x20 && m.status[i] != 0x7f);
    /* What a message says is what its lines say: a READY in front changes nothing else. */
    static const char ready[] = "READY=1\n";
    char *more = malloc(sizeof(ready) - 1 + size);
    if (!more)
        abort();
    memcpy(more, ready, sizeof(ready) - 1);
    if (size)
        memcpy(more + sizeof(ready) - 1, data, size);
    struct notify_message with;
    notify_parse(more, sizeof(ready) - 1 + size, &with);
    free(more);
    check(with.ready);
    check(with.stopping == m.stopping && with.watchdog == m.watchdog);
    check(with.extend_usec == m.extend_usec && with.watchdog_usec == m.watchdog_usec);
    check(strcmp(with.status, m.status) == 0);
    return 0;
}
