/* SPDX-License-Identifier: Apache-2.0 */
/* The folder and loop of ground.h. */
#include "ground.h"

#include "base/clock.h"
#include "base/fd.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <systemd/sd-event.h>
#include <unistd.h>

int ground_setup(void **state) {
    struct ground *g = calloc(1, sizeof(*g));
    snprintf(g->dir, sizeof(g->dir), "/tmp/sk-adapters.XXXXXX");
    if (!mkdtemp(g->dir) || sd_event_new(&g->loop) < 0)
        return -1;
    g->dirfd = open(g->dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    *state = g;
    return g->dirfd < 0 ? -1 : 0;
}

int ground_teardown(void **state) {
    struct ground *g = *state;
    char command[128];
    snprintf(command, sizeof(command), "rm -rf %s", g->dir);
    close(g->dirfd);
    sd_event_unref(g->loop);
    free(g);
    return system(command);
}

void ground_wait(struct ground *g, const unsigned *flag, unsigned want) {
    uint64_t end = clock_monotonic_usec() + 20 * USEC_PER_SEC;
    while (*flag < want) {
        uint64_t now = clock_monotonic_usec();
        if (now >= end)
            fail_msg("%u of %u came within 20 s", *flag, want);
        assert_true(sd_event_run(g->loop, end - now) >= 0);
    }
}

void ground_turn(struct ground *g) {
    while (sd_event_run(g->loop, 0) > 0)
        ;
}

void ground_write(struct ground *g, const char *name, const char *text, size_t len, bool append) {
    AUTO_FD int fd =
        openat(g->dirfd, name, O_WRONLY | O_CREAT | O_CLOEXEC | (append ? O_APPEND : O_TRUNC), 0640);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, text, len), len);
}

long ground_size(struct ground *g, const char *name) {
    struct stat st;
    return fstatat(g->dirfd, name, &st, AT_SYMLINK_NOFOLLOW) < 0 ? -1 : (long)st.st_size;
}

char *ground_read(struct ground *g, const char *name) {
    char *text = NULL;
    assert_int_equal(fd_read_file_at(g->dirfd, name, 64 << 20, &text, NULL), 0);
    return text;
}
