/* SPDX-License-Identifier: Apache-2.0 */
/* Runs a fuzz target over the files of the folders given, without a fuzzer: what was found once stays found.
 */
#include "base/fd.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int is_file(const struct dirent *e) {
    return e->d_name[0] != '.';
}

static void run(char prefix, const char *data, size_t len) {
    /* A block of just this size, so that a sanitizer sees a byte read too many. */
    size_t n = len + (prefix != '\0');
    AUTO_FREE char *copy = malloc(n + !n);
    if (!copy)
        abort();
    if (prefix)
        copy[0] = prefix;
    memcpy(copy + (prefix != '\0'), data, len);
    LLVMFuzzerTestOneInput((const uint8_t *)copy, n);
}

/* A crash ends the program; the last name printed is the file's. */
static int replay_folder(const char *folder, unsigned *n) {
    char prefix = folder[0] != '\0' && folder[1] == '=' ? folder[0] : '\0';
    folder += prefix ? 2 : 0;
    struct dirent **entries;
    int count = scandir(folder, &entries, is_file, alphasort), failed = 0;
    if (count < 0) {
        printf("Bail out! %s: %m\n", folder);
        return -1;
    }
    for (int i = 0; i < count; i++) {
        AUTO_FREE char *path = NULL, *data = NULL;
        size_t len = 0;
        int r = asprintf(&path, "%s/%s", folder, entries[i]->d_name);
        if (r >= 0)
            r = fd_read_file_at(AT_FDCWD, path, 1 << 20, &data, &len);
        printf("# %s\n", entries[i]->d_name);
        fflush(stdout);
        if (r >= 0)
            run(prefix, data, len);
        printf("%sok %u - %s\n", r < 0 ? "not " : "", ++*n, entries[i]->d_name);
        failed |= r < 0;
        free(entries[i]);
    }
    free(entries);
    return failed ? -1 : 0;
}

int main(int argc, char *argv[]) {
    unsigned n = 0;
    int failed = 0;
    for (int i = 1; i < argc; i++)
        failed |= replay_folder(argv[i], &n) < 0;
    if (n == 0)
        printf("Bail out! no input\n");
    else
        printf("1..%u\n", n);
    return failed || n == 0;
}
