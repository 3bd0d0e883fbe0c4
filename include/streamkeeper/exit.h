/* SPDX-License-Identifier: Apache-2.0 */
/* Exit codes of the programs. They are interface: documented in the man pages, held by tests. */
#ifndef STREAMKEEPER_EXIT_H
#define STREAMKEEPER_EXIT_H

enum {
    SK_EXIT_OK = 0,
    SK_EXIT_FAILURE = 1,     /* anything without a code of its own */
    SK_EXIT_USAGE = 2,       /* wrong command line */
    SK_EXIT_INVALID = 3,     /* a spec or configuration file is wrong */
    SK_EXIT_UNKNOWN = 4,     /* no such app, tenant, class or instance */
    SK_EXIT_DENIED = 5,      /* the caller may not */
    SK_EXIT_REFUSED = 6,     /* does not fit now: quota, state */
    SK_EXIT_UNREACHABLE = 7, /* no daemon answers */
    SK_EXIT_TIMEOUT = 8,     /* accepted, but not reached in the time given */
    SK_EXIT_STORAGE = 9,     /* the registry could not make it durable */
    SK_EXIT_DEGRADED = 10,   /* doctor: something is not as it should be */
};

#endif
