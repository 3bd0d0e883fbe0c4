/* SPDX-License-Identifier: Apache-2.0 */
/* Datagrams of any bytes against every decoder: at most one takes them, and what it takes encodes to the same
 * bytes, so there is one way to say a thing. */
#include "wire/msg.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static uint8_t out[SK_WIRE_MESSAGE_MAX];

static void check(bool holds) {
    if (!holds)
        abort();
}

/* One decoder and the encoder it belongs to; returns 1 when the datagram was taken. */
#define TRY(name, type, encoded)                                                \
    static unsigned try_##name(const uint8_t *data, size_t size) {              \
        struct type m;                                                          \
        memset(&m, 0xaa, sizeof(m));                                            \
        if (msg_decode_##name(data, size, &m) < 0)                              \
            return 0;                                                           \
        int len = (encoded);                                                    \
        check(len >= 0 && (size_t)len == size && memcmp(out, data, size) == 0); \
        return 1;                                                               \
    }

TRY(hello, msg_hello, msg_encode_hello(&m, out, sizeof(out)))
TRY(welcome, msg_welcome, msg_encode_welcome(&m, out, sizeof(out)))
TRY(spawn, msg_spawn, msg_encode_spawn(&m, out, sizeof(out)))
TRY(signal, msg_signal, msg_encode_signal(&m, out, sizeof(out)))
TRY(start_ref, msg_start_ref, msg_encode_start_ref(data[0], &m, out, sizeof(out)))
TRY(adopt, msg_adopt, msg_encode_adopt(&m, out, sizeof(out)))
TRY(state_remove, msg_state_remove, msg_encode_state_remove(&m, out, sizeof(out)))
TRY(status, msg_status, msg_encode_status(&m, out, sizeof(out)))
TRY(child, msg_child, msg_encode_child(data[0], &m, out, sizeof(out)))
TRY(failed, msg_failed, msg_encode_failed(data[0], &m, out, sizeof(out)))
TRY(exited, msg_exited, msg_encode_exited(&m, out, sizeof(out)))
TRY(terminate, msg_terminate, msg_encode_terminate(&m, out, sizeof(out)))

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    if (size > SK_WIRE_MESSAGE_MAX)
        return 0;
    unsigned taken = try_hello(data, size) + try_welcome(data, size) + try_spawn(data, size) +
                     try_signal(data, size) + try_start_ref(data, size) + try_adopt(data, size) +
                     try_state_remove(data, size) + try_status(data, size) + try_child(data, size) +
                     try_failed(data, size) + try_exited(data, size) + try_terminate(data, size);
    check(taken <= 1);
    (void)msg_decode_plain(data, size);
    check(msg_verb(data, size) == (size > 0 ? data[0] : -EBADMSG));
    return 0;
}
