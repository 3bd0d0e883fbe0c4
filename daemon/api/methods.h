/* SPDX-License-Identifier: Apache-2.0 */
/* The methods of the one object, by name. A new one is a line in the table of methods.c and a function.
 *
 * Answers are dictionaries a{sv}, or arrays of them, so that fields can be added; their names are interface
 * and the same in `streamctl --json` (described in streamctl(1)). What is unknown or does not apply is left
 * out. Times end in _usec: microseconds, since 1970 if a moment. */
#ifndef API_METHODS_H
#define API_METHODS_H

struct door;
struct reason;
struct request;
typedef struct sd_bus sd_bus;

/* Puts the object on a bus. Returns 0 or -errno. */
int methods_add(sd_bus *bus, struct door *door);

/* The bodies, by subject: verbs.c, views.c, records.c, service.c. */
int serve_register(struct request *q, struct reason *why);
int serve_validate(struct request *q, struct reason *why);
int serve_unregister(struct request *q, struct reason *why);
int serve_start(struct request *q, struct reason *why);
int serve_stop(struct request *q, struct reason *why);
int serve_restart(struct request *q, struct reason *why);
int serve_scale(struct request *q, struct reason *why);
int serve_list(struct request *q, struct reason *why);
int serve_status(struct request *q, struct reason *why);
int serve_show(struct request *q, struct reason *why);
int serve_history(struct request *q, struct reason *why);
int serve_events(struct request *q, struct reason *why);
int serve_logs(struct request *q, struct reason *why);
int serve_classes(struct request *q, struct reason *why);
int serve_tenants(struct request *q, struct reason *why);
int serve_doctor(struct request *q, struct reason *why);
int serve_version(struct request *q, struct reason *why);

#endif
