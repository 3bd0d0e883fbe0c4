/* SPDX-License-Identifier: Apache-2.0 */
/* Runs a fuzz target without a fuzzer: over the files of its corpus, and over a fixed number of random
 * changes of each.
 *
 * usage: replay FOLDER [CHANGES]   the order and the changes are the same in every run */
#include "base/fd.h"
#include "base/parse.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define INPUT_MAX (256 * 1024)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static uint64_t next_random(uint64_t *seed) {
    *seed ^= *seed << 13;
    *seed ^= *seed >> 7;
    *seed ^= *seed << 17;
    return *seed;
}

/* A copy of exactly this size, so that a sanitizer sees a step beyond its end. */
static void run_exact(const uint8_t *data, size_t len) {
    AUTO_FREE uint8_t *exact = malloc(len ? len : 1);
    if (!exact)
        abort();
    memcpy(exact, data, len);
    LLVMFuzzerTestOneInput(exact, len);
}

/* Changes one to four places: a bit, a byte, a cut, a repetition, or a number that is often a limit. */
static size_t change(uint8_t *data, size_t len, size_t size, uint64_t *seed) {
    static const uint8_t limits[] = {0x00, 0x01, 0x7f, 0x80, 0xff, '\n', '=', '0'};
    for (uint64_t n = 1 + next_random(seed) % 4; n > 0 && len > 0; n--) {
        size_t at = next_random(seed) % len;
        switch (next_random(seed) % 5) {
        case 0:
            data[at] ^= (uint8_t)(1u << next_random(seed) % 8);
            break;
        case 1:
            data[at] = (uint8_t)next_random(seed);
            break;
        case 2:
            len = at;
            break;
        case 3: {
            size_t more = MIN(len - at, size - len);
            memmove(data + at + more, data + at, len - at);
            len += more;
            break;
        }
        default:
            data[at] = limits[next_random(seed) % ARRAY_LEN(limits)];
        }
    }
    return len;
}

static int run_file(int dir, const char *name, uint64_t changes) {
    AUTO_FREE char *text = NULL;
    size_t len;
    int r = fd_read_file_at(dir, name, INPUT_MAX, &text, &len);
    if (r < 0)
        return r;
    AUTO_FREE uint8_t *copy = malloc(2 * INPUT_MAX);
    if (!copy)
        return -ENOMEM;
    run_exact((const uint8_t *)text, len);
    uint64_t seed = 88172645463325252ULL;
    for (uint64_t i = 0; i < changes; i++) {
        memcpy(copy, text, len);
        run_exact(copy, change(copy, len, 2 * INPUT_MAX, &seed));
    }
    return 0;
}

int main(int argc, char **argv) {
    uint64_t changes = 2000;
    if (argc < 2 || argc > 3 || (argc == 3 && parse_u64(argv[2], &changes) < 0)) {
        fprintf(stderr, "usage: %s FOLDER [CHANGES]\n", argv[0]);
        return 2;
    }
    DIR *d = opendir(argv[1]);
    if (!d) {
        fprintf(stderr, "%s: %s\n", argv[1], strerror(errno));
        return 1;
    }
    unsigned files = 0;
    int r = 0;
    for (struct dirent *e; r == 0 && (e = readdir(d));)
        if (e->d_name[0] != '.') {
            r = run_file(dirfd(d), e->d_name, changes);
            if (r < 0)
                fprintf(stderr, "%s/%s: %s\n", argv[1], e->d_name, strerror(-r));
            files++;
        }
    closedir(d);
    printf("%u files, %" PRIu64 " changes of each\n", files, changes);
    return r < 0 || files == 0;
}
