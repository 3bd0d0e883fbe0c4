/* SPDX-License-Identifier: Apache-2.0 */
/* A development broker: librdkafka's mock cluster in a process of its own. For demos and tests only; it keeps
 * everything in memory, forgets it at its end, and drops the oldest records of a partition beyond 5 MiB. */
#include <errno.h>
#include <getopt.h>
#include <librdkafka/rdkafka.h>
#include <librdkafka/rdkafka_mock.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lifecycle.h"

#define TOPICS_MAX 32

static const char *arg_address_file;
static int arg_brokers = 1;
static int arg_partitions = 4;
static const char *arg_topics[TOPICS_MAX];
static int arg_topic_count;

static void usage(FILE *stream) {
    fputs("usage: devbroker [--brokers N] [--partitions N] [--topic NAME[:PARTITIONS]]... [--address-file "
          "FILE]\n"
          "Runs a mock Kafka cluster on the loopback interface until SIGTERM. Its bootstrap address goes to\n"
          "stdout and, as one line that appears at once, to FILE.\n",
          stream);
}

static int parse_count(const char *name, const char *text, int limit, int *ret_value) {
    char *end;
    long value = strtol(text, &end, 10);

    if (end == text || *end || value < 1 || value > limit) {
        fprintf(stderr, "devbroker: %s: '%s' is not a number from 1 to %d\n", name, text, limit);
        return -EINVAL;
    }
    *ret_value = (int)value;
    return 0;
}

static int parse_arguments(int argc, char **argv) {
    static const struct option options[] = {
        {"brokers", required_argument, NULL, 'b'}, {"partitions", required_argument, NULL, 'p'},
        {"topic", required_argument, NULL, 't'},   {"address-file", required_argument, NULL, 'a'},
        {"help", no_argument, NULL, 'h'},          {0},
    };
    int option;

    while ((option = getopt_long(argc, argv, "h", options, NULL)) >= 0) {
        int error = 0;

        if (option == 'b')
            error = parse_count("--brokers", optarg, 16, &arg_brokers);
        else if (option == 'p')
            error = parse_count("--partitions", optarg, 1000, &arg_partitions);
        else if (option == 'a')
            arg_address_file = optarg;
        else if (option == 't' && arg_topic_count < TOPICS_MAX)
            arg_topics[arg_topic_count++] = optarg;
        else if (option == 'h') {
            usage(stdout);
            exit(EXIT_SUCCESS);
        } else {
            usage(stderr);
            error = -EINVAL;
        }
        if (error < 0)
            return error;
    }
    if (optind == argc)
        return 0;
    usage(stderr);
    return -EINVAL;
}

static int topic_create(rd_kafka_mock_cluster_t *cluster, const char *text) {
    char name[256];
    int partitions = arg_partitions;
    const char *colon = strchr(text, ':');
    size_t length = colon ? (size_t)(colon - text) : strlen(text);

    if (length == 0 || length >= sizeof(name)) {
        fprintf(stderr, "devbroker: --topic: '%s' has no usable name\n", text);
        return -EINVAL;
    }
    memcpy(name, text, length);
    name[length] = '\0';
    if (colon && parse_count("--topic", colon + 1, 1000, &partitions) < 0)
        return -EINVAL;
    rd_kafka_resp_err_t error = rd_kafka_mock_topic_create(cluster, name, partitions, 1);
    if (error) {
        fprintf(stderr, "devbroker: cannot create topic '%s': %s\n", name, rd_kafka_err2str(error));
        return -EIO;
    }
    return 0;
}

static int cluster_serve(rd_kafka_mock_cluster_t *cluster, int stop_fd) {
    char line[1024];

    for (int i = 0; i < arg_topic_count; i++) {
        int error = topic_create(cluster, arg_topics[i]);
        if (error < 0)
            return error;
    }
    snprintf(line, sizeof(line), "%s\n", rd_kafka_mock_cluster_bootstraps(cluster));
    if (arg_address_file) {
        int error = life_write_file(arg_address_file, line);
        if (error < 0) {
            fprintf(stderr, "devbroker: cannot write '%s': %s\n", arg_address_file, strerror(-error));
            return error;
        }
    }
    fputs(line, stdout);
    fflush(stdout);
    life_notify("READY=1\nSTATUS=%d broker(s) at %.*s", arg_brokers, (int)strcspn(line, "\n"), line);
    life_stopping(stop_fd, -1);
    life_notify("STOPPING=1");
    if (arg_address_file)
        unlink(arg_address_file);
    return 0;
}

int main(int argc, char **argv) {
    char reason[256];

    if (parse_arguments(argc, argv) < 0)
        return EXIT_FAILURE;
    int stop_fd = life_stop_fd();
    if (stop_fd < 0) {
        fprintf(stderr, "devbroker: cannot watch for signals: %s\n", strerror(-stop_fd));
        return EXIT_FAILURE;
    }
    /* The cluster needs a client handle for its own bookkeeping; this one never connects anywhere. */
    rd_kafka_conf_t *conf = rd_kafka_conf_new();
    rd_kafka_conf_set(conf, "log_level", "3", reason, sizeof(reason));
    rd_kafka_t *handle = rd_kafka_new(RD_KAFKA_PRODUCER, conf, reason, sizeof(reason));
    if (!handle) {
        fprintf(stderr, "devbroker: %s\n", reason);
        rd_kafka_conf_destroy(conf);
        return EXIT_FAILURE;
    }
    rd_kafka_mock_cluster_t *cluster = rd_kafka_mock_cluster_new(handle, arg_brokers);
    if (!cluster) {
        fprintf(stderr, "devbroker: cannot open a mock cluster of %d broker(s)\n", arg_brokers);
        rd_kafka_destroy(handle);
        return EXIT_FAILURE;
    }
    int error = cluster_serve(cluster, stop_fd);
    rd_kafka_mock_cluster_destroy(cluster);
    rd_kafka_destroy(handle);
    close(stop_fd);
    return error < 0 ? EXIT_FAILURE : EXIT_SUCCESS;
}
