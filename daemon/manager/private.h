/* SPDX-License-Identifier: Apache-2.0 */
/* The manager's own structures, shared by its files only.
 *
 *   manager - apps (sorted by name) - members (one per instance number)
 *
 * A member wraps the pure machine of supervise/instance.h with what it needs to act: the present start's id,
 * descriptors, a timer. What happens outside sets a bit in `pending` and puts the member on the dirty list;
 * settle.c feeds the bits to the machine and carries out what it answers (act.c). An app's durable part is
 * its record: `tip` is the newest one queued for the disk, `record` the newest one that is there. */
#ifndef MANAGER_PRIVATE_H
#define MANAGER_PRIVATE_H

#include "base/list.h"
#include "manager/authorize.h"
#include "manager/gate.h"
#include "manager/manager.h"
#include "manager/map.h"
#include "manager/member.h"
#include "manager/view.h"
#include "supervise/link.h"

struct past {
    uint64_t exit_seq, noted_id;
};

struct app {
    struct manager *manager;
    char name[2 * NAME_LEN_MAX + 2]; /* tenant/app */
    bool known;                      /* its record is on the disk */
    struct list changing;            /* changes under way, oldest first; that one is with the store */
    struct app_record record, tip;
    struct spec spec; /* of `record`; valid when known */
    struct restart_policy policy;
    struct member **members; /* index = number */
    uint32_t n_members;
    struct past *past; /* owned; by number: of members that are gone, for when they come again */
    uint32_t n_past;
    struct list roll;    /* in manager->rolling */
    uint64_t purge_id;   /* start id of the purge under way */
    uint32_t purge_next; /* instance whose state directory is next */
    bool purging, purge_failed;
};

struct ends {
    struct member_end *list; /* owned */
    size_t n, size;
};

struct class_state {
    struct list gated;
    struct resource_sum applied;
    uint64_t applied_shares; /* hash over what each tenant has of it */
    bool applied_valid;
};

struct manager {
    sd_event *loop;
    const struct ports *ports;
    struct paths paths;
    struct daemon_conf conf;
    struct class_table classes;
    struct tenant_table tenants;
    struct tenant_ids *tenant_ids; /* one per tenant */
    bool has_operator_gid;
    uint32_t operator_gid;
    struct host_facts host;
    struct cgroot cgroot;
    char boot_id[40];
    uint64_t started_usec;

    struct link *link;
    struct msg_welcome welcome;
    bool serving, stopping, ended;
    unsigned stop_step; /* of the shutdown: which class is being stopped */
    bool stop_told;     /* ... and its instances know */

    struct app **apps; /* sorted by name */
    size_t n_apps, apps_size;
    struct map starts; /* start id -> member */
    struct map tools;  /* start id of a purge -> app */
    struct ends ends;  /* of the launcher's replay */
    char **unreadable; /* names of apps whose record is not understood: they are left alone */
    uint64_t last_start_id;
    uint64_t event_seq;

    struct list dirty, rolling;
    struct class_state class_states[CLASS_MAX];
    struct gate gate;
    sd_event_source *settle_source, *gate_timer;
    bool sums_dirty;

    struct store_change *notes; /* kept back until the end of the turn; keys and values owned */
    size_t n_notes;

    enum manager_end end_why;
    manager_end_fn on_end;
    void *on_end_userdata;
    void (*on_ready)(void *);
    void *on_ready_userdata;
};

#endif
