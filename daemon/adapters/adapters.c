/* SPDX-License-Identifier: Apache-2.0 */
/* Puts the real ports together. */
#include "adapters/adapters.h"

#include "base/fd.h"
#include "base/text.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct adapters {
    struct ports ports;
};

/* The journal takes the output where journald runs and the service is the system's. */
static bool wants_journal(const struct paths *paths, const struct daemon_conf *conf) {
    if (conf->log_target != DAEMON_LOG_AUTO)
        return conf->log_target == DAEMON_LOG_JOURNAL;
    return !paths->root[0] && access("/run/systemd/journal/stdout", F_OK) == 0;
}

int adapters_new(sd_event *loop, const struct paths *paths, const struct daemon_conf *conf,
                 const struct cgroot *cgroot, struct adapters **ret, struct reason *why) {
    struct adapters *a = calloc(1, sizeof(*a));
    if (!a)
        return reason_set(why, -ENOMEM, "out of memory");
    account_adapter_init(&a->ports.account);
    clock_adapter_init(&a->ports.clock);
    int r = service_adapter_new(loop, &a->ports.service);
    if (r < 0)
        reason_set(why, r, "out of memory");
    r = r < 0 ? r : store_adapter_new(loop, paths->registry, &a->ports.store, why);
    r = r < 0 ? r : group_adapter_new(loop, cgroot, &a->ports.group, why);
    r = r < 0 ? r : log_adapter_new(loop, paths, conf, wants_journal(paths, conf), &a->ports.log, why);
    if (r < 0) {
        adapters_free(a);
        return r;
    }
    *ret = a;
    return 0;
}

void adapters_free(struct adapters *a) {
    if (!a)
        return;
    log_adapter_free(&a->ports.log);
    group_adapter_free(&a->ports.group);
    store_adapter_free(&a->ports.store);
    service_adapter_free(&a->ports.service);
    free(a);
}

const struct ports *adapters_ports(const struct adapters *a) {
    return &a->ports;
}

/* True if a block device uses BFQ, or the root group has iocost switched on for one. */
static bool io_weights_act(void) {
    AUTO_FREE char *qos = NULL;
    if (fd_read_file_at(AT_FDCWD, "/sys/fs/cgroup/io.cost.qos", 64 * 1024, &qos, NULL) == 0 &&
        strstr(qos, "enable=1"))
        return true;
    DIR *blocks = opendir("/sys/block");
    bool found = false;
    for (struct dirent *e; blocks && !found && (e = readdir(blocks));) {
        char path[300];
        AUTO_FREE char *scheduler = NULL;
        if (e->d_name[0] != '.' &&
            text_format(path, sizeof(path), "/sys/block/%s/queue/scheduler", e->d_name) == 0 &&
            fd_read_file_at(AT_FDCWD, path, 4096, &scheduler, NULL) == 0)
            found = strstr(scheduler, "[bfq]") != NULL;
    }
    if (blocks)
        closedir(blocks);
    return found;
}

void adapters_host_facts(const struct adapters *a, struct host_facts *ret) {
    long pages = sysconf(_SC_PHYS_PAGES), size = sysconf(_SC_PAGESIZE), cpus = sysconf(_SC_NPROCESSORS_ONLN);
    *ret = (struct host_facts){.memory_bytes = pages > 0 && size > 0 ? (uint64_t)pages * (uint64_t)size : 0,
                               .cpus = cpus > 0 ? (uint32_t)cpus : 1,
                               .has_cpu = group_adapter_has(&a->ports.group, "cpu"),
                               .has_memory = group_adapter_has(&a->ports.group, "memory"),
                               .has_io = group_adapter_has(&a->ports.group, "io"),
                               .io_acts = io_weights_act(),
                               .has_pids = group_adapter_has(&a->ports.group, "pids")};
}
