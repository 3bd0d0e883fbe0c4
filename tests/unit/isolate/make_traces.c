/* SPDX-License-Identifier: Apache-2.0 */
/* Writes the traces of tests/golden/trace: model hosts on which nobody governs, a minute each.
 *
 * usage: make_traces FOLDER */
#include "base/fd.h"
#include "plant.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>

static void spinners(struct plant *p) {
    p->cpu_harm = 600000;
    plant_run(p, 10 * SECOND);
    for (unsigned i = 0; i < 4; i++)
        plant_add(p, ADHOC)->cpu_milli = 1000;
    plant_run(p, 20 * SECOND);
    for (unsigned i = 0; i < 4; i++)
        plant_end(&p->leaves[i]);
    plant_run(p, 30 * SECOND);
}

static void writers(struct plant *p) {
    p->critical_writes = 5 * MIB;
    p->io_base = 30000;
    p->io_harm = 1000000;
    plant_run(p, 10 * SECOND);
    plant_add(p, ADHOC)->write_rate = 150 * MIB;
    plant_add(p, STANDARD)->write_rate = 30 * MIB;
    plant_run(p, 50 * SECOND);
}

static void growth(struct plant *p) {
    struct plant_leaf *hog = plant_add(p, ADHOC);
    hog->grow_rate = 200 * MIB;
    hog->memory_want = 7 * GIB;
    plant_add(p, ADHOC)->reading.memory_bytes = 200 * MIB;
    plant_run(p, 45 * SECOND);
}

static void self(struct plant *p) {
    p->critical_milli = 8000;
    plant_add(p, ADHOC)->cpu_milli = 1000;
    plant_run(p, 30 * SECOND);
}

static void quiet(struct plant *p) {
    p->critical_writes = 5 * MIB;
    p->io_base = 150000;
    p->cpu_base = 20000;
    plant_add(p, ADHOC)->cpu_milli = 4000;
    plant_run(p, 30 * SECOND);
}

static void blind(struct plant *p) {
    p->no_psi = true;
    plant_run(p, 10 * SECOND);
    p->no_psi = false;
    plant_run(p, 5 * SECOND);
}

static const struct {
    const char *name;
    void (*run)(struct plant *p);
} traces[] = {{"spinners", spinners}, {"writers", writers}, {"growth", growth},
              {"self", self},         {"quiet", quiet},     {"blind", blind}};

static int write_one(struct plant *p, size_t i, const char *folder) {
    CLEANUP(cleanup_text_buf) struct text_buf b = {0};
    char path[400];
    plant_init(p, NULL);
    p->tick_usec = SECOND;
    plant_record(p, &b);
    traces[i].run(p);
    plant_free(p);
    snprintf(path, sizeof(path), "%s/%s.trace", folder, traces[i].name);
    return b.failed ? -1 : fd_replace_file_at(AT_FDCWD, path, b.data, 0644);
}

int main(int argc, char **argv) {
    struct plant *p = calloc(1, sizeof(*p));
    for (size_t i = 0; argc == 2 && p && i < ARRAY_LEN(traces); i++)
        if (write_one(p, i, argv[1]) < 0) {
            fprintf(stderr, "%s: cannot be written\n", traces[i].name);
            return 1;
        }
    free(p);
    return argc == 2 ? 0 : 2;
}
