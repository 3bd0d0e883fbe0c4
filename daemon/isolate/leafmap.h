/* SPDX-License-Identifier: Apache-2.0 */
/* Keys of instances to small numbers, in fixed room: an open hash without allocation after leafmap_new. */
#ifndef ISOLATE_LEAFMAP_H
#define ISOLATE_LEAFMAP_H

#include <stdint.h>

#define LEAFMAP_NONE UINT32_MAX

struct leafmap;

struct leafmap *leafmap_new(uint32_t max); /* room for so many keys; NULL: no memory */
void leafmap_free(struct leafmap *m);

uint32_t leafmap_get(const struct leafmap *m, uint64_t key); /* LEAFMAP_NONE: not there */
/* Returns the number given to a new key, below max, the smallest that was free last; LEAFMAP_NONE: full. The
 * key must not be there. */
uint32_t leafmap_add(struct leafmap *m, uint64_t key);
void leafmap_remove(struct leafmap *m, uint64_t key); /* one that is not there is fine */

#endif
