/* SPDX-License-Identifier: Apache-2.0 */
/* The streaming half of wordcount: input records to counts, changed counts to the output topic. */
#ifndef TESTS_APPS_TOPOLOGY_H
#define TESTS_APPS_TOPOLOGY_H

#include <stdint.h>

struct counts;

struct topology_options {
    const char *bootstrap;
    const char *group;
    const char *client_id;
    const char *input;
    const char *output; /* NULL: nothing is published */
    const char *stats_file;
    int share,
        shares; /* shares > 0: own the partitions p with p % shares == share, without a group rebalance */
    int batch_lines; /* an atomic write at the latest after so many lines, */
    int batch_ms;    /* or after this time */
    int session_ms;
};

/* Runs until a stop signal and closes cleanly. Borrows counts and stop_fd. Returns 0, -ESTALE when the broker
 * does not have the records that the state continues from, or another negative errno; the reason is on
 * stderr. */
int topology_run(const struct topology_options *options, struct counts *counts, int stop_fd);

#endif
