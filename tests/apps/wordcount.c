/* SPDX-License-Identifier: Apache-2.0 */
/* A stream topology in C: counts the words of a topic, exactly, through any number of kills. This file reads
 * the command line; the stream is in topology.c, the state in counts.c. */
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "counts.h"
#include "lifecycle.h"
#include "topology.h"

#define EXIT_STALE 78 /* trying again does not help */

static const char *arg_state;
static const char *arg_bootstrap_file;
static bool arg_dump;
static int arg_measure_lines;
static struct topology_options arg_topology = {.group = "wordcount",
                                               .client_id = "wordcount",
                                               .input = "lines",
                                               .output = "counts",
                                               .batch_lines = 500,
                                               .batch_ms = 100,
                                               .session_ms = 6000};

static void usage(FILE *stream) {
    fputs(
        "usage: wordcount [OPTION]...        count the words of a topic until SIGTERM\n"
        "       wordcount --dump DIR...      print the counts in one or more state directories\n"
        "       wordcount --measure LINES    count lines of stdin into --state, print words per CPU second\n"
        "  --bootstrap ADDRESS    the cluster, or\n"
        "  --bootstrap-file FILE  ... a file with its address, waited for\n"
        "  --state DIR            state directory (default: $STATE_DIRECTORY)\n"
        "  --input TOPIC, --output TOPIC (default: lines, counts; output 'none')\n"
        "  --group NAME, --client-id NAME, --session-ms MS\n"
        "  --share I/N            partitions p with p % N == I, without a group rebalance\n"
        "  --batch-lines N, --batch-ms MS   size of an atomic write (default: 500, 100)\n"
        "  --stats FILE           progress as key=value lines, replaced ten times a second\n",
        stream);
}

static int parse_number(const char *name, const char *text, int *ret_value) {
    char *end;
    long value = strtol(text, &end, 10);

    if (end == text || *end || value < 1 || value > 1000000000) {
        fprintf(stderr, "wordcount: %s: '%s' is not a positive number\n", name, text);
        return -EINVAL;
    }
    *ret_value = (int)value;
    return 0;
}

static int parse_share(const char *text) {
    int share, shares, end = 0;

    if (sscanf(text, "%d/%d%n", &share, &shares, &end) < 2 || text[end] || share < 0 || share >= shares) {
        fprintf(stderr, "wordcount: --share: '%s' is not like 0/2\n", text);
        return -EINVAL;
    }
    arg_topology.share = share;
    arg_topology.shares = shares;
    return 0;
}

static int parse_option(int option) {
    switch (option) {
    case 'b':
        arg_topology.bootstrap = optarg;
        return 0;
    case 'B':
        arg_bootstrap_file = optarg;
        return 0;
    case 's':
        arg_state = optarg;
        return 0;
    case 'i':
        arg_topology.input = optarg;
        return 0;
    case 'o':
        arg_topology.output = strcmp(optarg, "none") == 0 ? NULL : optarg;
        return 0;
    case 'g':
        arg_topology.group = optarg;
        return 0;
    case 'c':
        arg_topology.client_id = optarg;
        return 0;
    case 'S':
        return parse_number("--session-ms", optarg, &arg_topology.session_ms);
    case 'a':
        return parse_share(optarg);
    case 'l':
        return parse_number("--batch-lines", optarg, &arg_topology.batch_lines);
    case 'm':
        return parse_number("--batch-ms", optarg, &arg_topology.batch_ms);
    case 't':
        arg_topology.stats_file = optarg;
        return 0;
    case 'd':
        arg_dump = true;
        return 0;
    case 'M':
        return parse_number("--measure", optarg, &arg_measure_lines);
    case 'h':
        usage(stdout);
        exit(EXIT_SUCCESS);
    default:
        usage(stderr);
        return -EINVAL;
    }
}

static int parse_arguments(int argc, char **argv) {
    static const struct option options[] = {
        {"bootstrap", required_argument, NULL, 'b'},
        {"bootstrap-file", required_argument, NULL, 'B'},
        {"state", required_argument, NULL, 's'},
        {"input", required_argument, NULL, 'i'},
        {"output", required_argument, NULL, 'o'},
        {"group", required_argument, NULL, 'g'},
        {"client-id", required_argument, NULL, 'c'},
        {"session-ms", required_argument, NULL, 'S'},
        {"share", required_argument, NULL, 'a'},
        {"batch-lines", required_argument, NULL, 'l'},
        {"batch-ms", required_argument, NULL, 'm'},
        {"stats", required_argument, NULL, 't'},
        {"dump", no_argument, NULL, 'd'},
        {"measure", required_argument, NULL, 'M'},
        {"help", no_argument, NULL, 'h'},
        {0},
    };
    int option;

    while ((option = getopt_long(argc, argv, "h", options, NULL)) >= 0) {
        int error = parse_option(option);
        if (error < 0)
            return error;
    }
    if (arg_dump ? optind < argc : optind == argc)
        return 0;
    usage(stderr);
    return -EINVAL;
}

static int dump_word(const char *word, size_t length, uint32_t partition, uint64_t count, void *opaque) {
    (void)opaque;
    return printf("word %u %.*s %llu\n", partition, (int)length, word, (unsigned long long)count) < 0 ? -EIO
                                                                                                      : 0;
}

/* Prints, per partition, its position and counts, from the directory in which it has come furthest. */
static int dump(char **dirs, int dir_count) {
    struct counts **states = calloc((size_t)dir_count, sizeof(struct counts *));
    int error = states ? 0 : -ENOMEM;

    for (int i = 0; error == 0 && i < dir_count; i++)
        error = counts_open(dirs[i], true, &states[i]);
    for (uint32_t partition = 0; error == 0 && partition < COUNTS_PARTITIONS_MAX; partition++) {
        struct counts *best = states[0];

        for (int i = 1; i < dir_count; i++)
            if (counts_progress(states[i], partition)->next_offset >
                counts_progress(best, partition)->next_offset)
                best = states[i];
        const struct counts_progress *progress = counts_progress(best, partition);
        if (progress->next_offset == 0)
            continue;
        printf("partition %u offset=%llu lines=%llu words=%llu\n", partition,
               (unsigned long long)progress->next_offset, (unsigned long long)progress->lines,
               (unsigned long long)progress->words);
        error = counts_each(best, partition, dump_word, NULL);
    }
    for (int i = 0; states && i < dir_count; i++)
        counts_close(states[i]);
    free(states);
    return fflush(stdout) < 0 ? -EIO : error;
}

static double cpu_seconds(void) {
    struct rusage usage;

    getrusage(RUSAGE_SELF, &usage);
    return (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
           (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6;
}

/* Counts lines of stdin, without a broker, as the topology would, and prints the cost. */
static int measure(struct counts *counts) {
    char line[COUNTS_LINE_MAX];
    uint64_t offset = counts_progress(counts, 0)->next_offset, words = counts_progress(counts, 0)->words;
    double before = cpu_seconds();
    int error = 0, lines = 0;

    while (error == 0 && lines < arg_measure_lines && fgets(line, sizeof(line), stdin)) {
        error = counts_add_line(counts, 0, offset++, line, strcspn(line, "\n"));
        if (error == 0 && ++lines % arg_topology.batch_lines == 0)
            error = counts_write(counts);
        if (error == 0 && counts_full(counts))
            error = counts_write(counts), counts_rewind(counts);
    }
    if (error == 0)
        error = counts_write(counts);
    double spent = cpu_seconds() - before;
    words = counts_progress(counts, 0)->words - words;
    if (error == 0)
        printf("lines=%d\nwords=%llu\ncpu_seconds=%.6f\n", lines, (unsigned long long)words, spent);
    return error;
}

static int run(int stop_fd) {
    char address[512];
    struct counts *counts = NULL;

    if (!arg_state)
        arg_state = getenv("STATE_DIRECTORY");
    if (!arg_state) {
        fputs("wordcount: no state directory: give --state DIR or set $STATE_DIRECTORY\n", stderr);
        return -EINVAL;
    }
    if (arg_bootstrap_file && !arg_measure_lines) {
        life_notify("STATUS=waiting for %s", arg_bootstrap_file);
        int error = life_wait_line(arg_bootstrap_file, 60000, stop_fd, address, sizeof(address));
        if (error == -ECANCELED)
            return 0;
        if (error < 0) {
            fprintf(stderr, "wordcount: no address in '%s': %s\n", arg_bootstrap_file, strerror(-error));
            return error;
        }
        arg_topology.bootstrap = address;
    }
    if (!arg_topology.bootstrap && !arg_measure_lines) {
        fputs("wordcount: no cluster: give --bootstrap ADDRESS or --bootstrap-file FILE\n", stderr);
        return -EINVAL;
    }
    int error = counts_open(arg_state, false, &counts);
    if (error == 0)
        error = arg_measure_lines ? measure(counts) : topology_run(&arg_topology, counts, stop_fd);
    counts_close(counts);
    return error;
}

int main(int argc, char **argv) {
    if (parse_arguments(argc, argv) < 0)
        return EXIT_FAILURE;
    if (arg_dump)
        return dump(argv + optind, argc - optind) < 0 ? EXIT_FAILURE : EXIT_SUCCESS;
    int stop_fd = life_stop_fd();
    if (stop_fd < 0) {
        fprintf(stderr, "wordcount: cannot watch for signals: %s\n", strerror(-stop_fd));
        return EXIT_FAILURE;
    }
    int error = run(stop_fd);
    return error == -ESTALE ? EXIT_STALE : error < 0 ? EXIT_FAILURE : EXIT_SUCCESS;
}
