/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of the fake ports share. */
#ifndef FAKE_PRIVATE_H
#define FAKE_PRIVATE_H

struct fake_ports;

void fake_store_init(struct fake_ports *p);
void fake_store_free(struct fake_ports *p);
void fake_groups_init(struct fake_ports *p);
void fake_groups_free(struct fake_ports *p);

#endif
