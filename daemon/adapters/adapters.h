/* SPDX-License-Identifier: Apache-2.0 */
/* The real ports: registry, cgroup tree, users, logs, service manager, clocks, behind the tables of
 * manager/ports.h. */
#ifndef ADAPTERS_ADAPTERS_H
#define ADAPTERS_ADAPTERS_H

#include "base/cgroot.h"
#include "base/paths.h"
#include "base/reason.h"
#include "conf/daemon_conf.h"
#include "manager/ports.h"

#include <stdbool.h>

typedef struct sd_event sd_event;
struct adapters;

/* Opens everything. Returns 0, or -errno with a
 * reason. */
int adapters_new(sd_event *loop, const struct paths *paths, const struct daemon_conf *conf,
                 const struct cgroot *cgroot, struct adapters **ret, struct reason *why);
void adapters_free(struct adapters *a);

/* Borrowed; as long as the adapters live. */
const struct ports *adapters_ports(const struct adapters *a);

/* What the host has, for isolate/. */
void adapters_host_facts(const struct adapters *a, struct host_facts *ret);

/* Single ports, each in a file of its own; used by adapters.c. `ret` is filled; the ctx is freed by the
 * matching function. */
int store_adapter_new(sd_event *loop, const char *path, struct store_port *ret, struct reason *why);
void store_adapter_free(struct store_port *p);
int group_adapter_new(sd_event *loop, const struct cgroot *cgroot, struct group_port *ret,
                      struct reason *why);
void group_adapter_free(struct group_port *p);
bool group_adapter_has(const struct group_port *p, const char *controller);
void account_adapter_init(struct account_port *ret);
int log_adapter_new(sd_event *loop, const struct paths *paths, const struct daemon_conf *conf, bool journal,
                    struct log_port *ret, struct reason *why);
void log_adapter_free(struct log_port *p);
int service_adapter_new(sd_event *loop, struct service_port *ret);
void service_adapter_free(struct service_port *p);
void clock_adapter_init(struct clock_port *ret);

#endif
