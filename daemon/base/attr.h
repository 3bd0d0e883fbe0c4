/* SPDX-License-Identifier: Apache-2.0 */
/* Compiler attributes and the two idioms of ownership: cleanup on the owner, TAKE at the hand-over. */
#ifndef BASE_ATTR_H
#define BASE_ATTR_H

#include <stddef.h>
#include <stdlib.h>

#define ARRAY_LEN(a)      (sizeof(a) / sizeof((a)[0]))
#define ATTR_PRINTF(f, a) __attribute__((format(printf, f, a)))
#define ATTR_PURE         __attribute__((pure))
#define ATTR_CONST        __attribute__((const))
#define ATTR_UNUSED       __attribute__((unused))
#define ATTR_NORETURN     __attribute__((noreturn))
#define ATTR_WARN_UNUSED  __attribute__((warn_unused_result))

/* Runs f(&variable) when the variable goes out of scope. */
#define CLEANUP(f) __attribute__((cleanup(f)))

/* Frees a malloc'ed pointer at the end of its scope. */
#define AUTO_FREE CLEANUP(cleanup_free)

static inline void cleanup_free(void *p) {
    free(*(void **)p);
}

/* Moves a pointer out of its owner, which is left NULL. */
#define TAKE_PTR(p)                 \
    __extension__({                 \
        __typeof__(p) taken_ = (p); \
        (p) = NULL;                 \
        taken_;                     \
    })

/* The struct that contains `member` at address p. */
#define CONTAINER_OF(p, type, member) ((type *)(void *)((char *)(p)-offsetof(type, member)))

#define MIN(a, b)               \
    __extension__({             \
        __typeof__(a) a_ = (a); \
        __typeof__(b) b_ = (b); \
        a_ < b_ ? a_ : b_;      \
    })

#define MAX(a, b)               \
    __extension__({             \
        __typeof__(a) a_ = (a); \
        __typeof__(b) b_ = (b); \
        a_ > b_ ? a_ : b_;      \
    })

#endif
