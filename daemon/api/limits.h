/* SPDX-License-Identifier: Apache-2.0 */
/* How much the clients of the private socket may take. */
#ifndef API_LIMITS_H
#define API_LIMITS_H

#include <stdint.h>

struct api_limits {
    uint32_t clients_max; /* connections at once; the last 8 are kept for root and the service user */
    uint32_t clients_per_user_max;                     /* not for root and the service user */
    uint64_t handshake_usec, message_usec, reply_usec; /* 0: 5 s, 10 s, 60 s */
};

#endif
