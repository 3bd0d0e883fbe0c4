/* SPDX-License-Identifier: Apache-2.0 */
/* Runs a fuzz target without a fuzzer, as a test: over the files of folders, and over random changes of each,
 * which are the same in every run.
 *
 * usage: replay [BYTE=]FOLDER…    the byte is put in front of each file of that folder */
#include "base/fd.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#define INPUT_MAX (256 * 1024)
#define CHANGES   500u

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
        size_t at = next_random(seed) % len, more;
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
        case 3:
            more = MIN(len - at, size - len);
            memmove(data + at + more, data + at, len - at);
            len += more;
            break;
        default:
            data[at] = limits[next_random(seed) % ARRAY_LEN(limits)];
        }
    }
    return len;
}

/* Runs one file and its changes; `first` is put in front unless it is 0. */
static int run_file(int dir, const char *name, char first) {
    AUTO_FREE char *text = NULL;
    size_t len;
    int r = fd_read_file_at(dir, name, INPUT_MAX, &text, &len);
    if (r < 0)
        return r;
    AUTO_FREE uint8_t *input = malloc(2 * INPUT_MAX), *copy = malloc(2 * INPUT_MAX);
    if (!input || !copy)
        return -ENOMEM;
    input[0] = (uint8_t)first;
    memcpy(input + (first != 0), text, len);
    len += first != 0;
    run_exact(input, len);
    uint64_t seed = 88172645463325252ULL;
    for (unsigned i = 0; i < CHANGES; i++) {
        memcpy(copy, input, len);
        run_exact(copy, change(copy, len, 2 * INPUT_MAX, &seed));
    }
    return 0;
}

/* Returns the number of files, or -errno. */
static int run_folder(const char *path, char first) {
    DIR *d = opendir(path);
    if (!d)
        return -errno;
    int r = 0, files = 0;
    for (struct dirent *e; r == 0 && (e = readdir(d));)
        if (e->d_type == DT_REG) {
            r = run_file(dirfd(d), e->d_name, first);
            files++;
        }
    closedir(d);
    return r < 0 ? r : files;
}

int main(int argc, char **argv) {
    int failed = 0;
    printf("1..%d\n", argc - 1);
    for (int i = 1; i < argc; i++) {
        bool has_first = argv[i][0] && argv[i][1] == '=';
        const char *path = has_first ? argv[i] + 2 : argv[i];
        int files = run_folder(path, has_first ? argv[i][0] : '\0');
        if (files > 0)
            printf("ok %d - %s: %d files, %u changes of each\n", i, path, files, CHANGES);
        else
            printf("not ok %d - %s: %s\n", i, path, files < 0 ? strerror(-files) : "no files");
        fflush(stdout);
        failed += files <= 0;
    }
    return failed > 0;
}
