/* SPDX-License-Identifier: Apache-2.0 */
/* Feeds the lines of a text into a topic, over and over, at a chosen rate. Line i goes to partition i mod P
 * in order, so the broker's end offsets tell which lines it has: after a kill the feed goes on without loss
 * or repeat. */
#include <errno.h>
#include <getopt.h>
#include <librdkafka/rdkafka.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lifecycle.h"

#define TICK_MS        20
#define STATS_USEC     100000
#define QUERY_MS       10000
#define PARTITIONS_MAX 1024

struct text {
    char *bytes;
    char **lines; /* into bytes, without their newline */
    size_t count;
};

struct feed {
    rd_kafka_t *producer;
    rd_kafka_topic_t *topic;
    struct text text;
    int partitions;
    int64_t held[PARTITIONS_MAX]; /* records that the broker had when the feed began */
    uint64_t next;                /* line to be sent */
    uint64_t sent;                /* by this process */
    uint64_t failed;
};

static const char *arg_bootstrap;
static const char *arg_bootstrap_file;
static const char *arg_topic = "lines";
static const char *arg_text;
static const char *arg_stats;
static uint64_t arg_rate;  /* lines per second; 0: as fast as possible */
static uint64_t arg_lines; /* 0: until SIGTERM */
static bool arg_stay;

static const char embedded_text[] =
    "A stream is a river that somebody gave a name and a number of beds.\n"
    "What falls into it at the spring arrives at the mouth, in the order in which it fell.\n"
    "Some who drink from it may never be kept waiting; others drink what is left.\n"
    "A keeper stands at the banks and knows who is who.\n"
    "When one of them stumbles, the keeper picks it up before the next wave comes.\n"
    "When the keeper stumbles, nobody at the banks notices.\n"
    "Counting the drops is dull work, and dull work is where mistakes hide:\n"
    "a drop counted twice, a drop not counted, a drop that was never there.\n"
    "So the count and the place up to which it was counted are written down together,\n"
    "in one stroke of the pen, and whoever reads them later may trust both or neither.\n"
    "Words repeat, as words do: the river, the river, and again the river.\n";

static void usage(FILE *stream) {
    fputs("usage: linefeed (--bootstrap ADDRESS | --bootstrap-file FILE) [OPTION]...\n"
          "  --topic TOPIC     (default: lines)\n"
          "  --text FILE       the text, fed over and over (default: an embedded one)\n"
          "  --rate N          lines per second (default: as fast as possible)\n"
          "  --lines N         end after N lines, with an end marker (key 'end') in each partition\n"
          "  --stay            when the lines are fed, wait for SIGTERM\n"
          "  --stats FILE      progress as key=value lines; when done=1, 'lines' is exactly what was fed\n",
          stream);
}

static int parse_arguments(int argc, char **argv) {
    static const struct option options[] = {
        {"bootstrap", required_argument, NULL, 'b'},
        {"bootstrap-file", required_argument, NULL, 'B'},
        {"topic", required_argument, NULL, 't'},
        {"text", required_argument, NULL, 'f'},
        {"rate", required_argument, NULL, 'r'},
        {"lines", required_argument, NULL, 'l'},
        {"stats", required_argument, NULL, 's'},
        {"stay", no_argument, NULL, 'y'},
        {"help", no_argument, NULL, 'h'},
        {0},
    };
    int option;

    while ((option = getopt_long(argc, argv, "h", options, NULL)) >= 0) {
        int error = 0;

        switch (option) {
        case 'b':
            arg_bootstrap = optarg;
            break;
        case 'B':
            arg_bootstrap_file = optarg;
            break;
        case 't':
            arg_topic = optarg;
            break;
        case 'f':
            arg_text = optarg;
            break;
        case 'r':
            error = life_parse_size(optarg, &arg_rate);
            break;
        case 'l':
            error = life_parse_size(optarg, &arg_lines);
            break;
        case 's':
            arg_stats = optarg;
            break;
        case 'y':
            arg_stay = true;
            break;
        case 'h':
            usage(stdout);
            exit(EXIT_SUCCESS);
        default:
            error = -EINVAL;
        }
        if (error < 0) {
            usage(stderr);
            return error;
        }
    }
    if (optind == argc && (arg_bootstrap || arg_bootstrap_file))
        return 0;
    usage(stderr);
    return -EINVAL;
}

static char *text_bytes(const char *path) {
    if (!path)
        return strdup(embedded_text);
    FILE *stream = fopen(path, "re");
    if (!stream)
        return NULL;
    char *bytes = NULL;
    size_t size = 0;
    errno = 0;
    if (getdelim(&bytes, &size, '\0', stream) < 0) {
        free(bytes);
        bytes = NULL;
    }
    fclose(stream);
    return bytes;
}

/* Cuts the text into lines. The lines are those between newlines; an empty last one does not count. */
static int text_load(const char *path, struct text *ret_text) {
    struct text text = {.bytes = text_bytes(path)};

    if (text.bytes)
        for (const char *at = text.bytes; *at; at++)
            text.count += *at == '\n' || !at[1];
    if (text.count > 0)
        text.lines = calloc(text.count, sizeof(*text.lines));
    if (!text.lines) {
        fprintf(stderr, "linefeed: no text in '%s'\n", path ? path : "(embedded)");
        free(text.bytes);
        return -ENODATA;
    }
    char *at = text.bytes;
    for (size_t i = 0; i < text.count; i++) {
        text.lines[i] = at;
        at += strcspn(at, "\n");
        if (*at)
            *at++ = '\0';
    }
    *ret_text = text;
    return 0;
}

static void on_delivery(rd_kafka_t *producer, const rd_kafka_message_t *message, void *opaque) {
    struct feed *feed = opaque;

    (void)producer;
    if (message->err && feed->failed++ < 5)
        fprintf(stderr, "linefeed: a line was not delivered: %s\n", rd_kafka_err2str(message->err));
}

static int feed_connect(struct feed *feed, const char *bootstrap) {
    static const char *const settings[][2] = {
        {"enable.idempotence", "true"},    {"linger.ms", "50"},
        {"compression.codec", "lz4"},      {"queue.buffering.max.messages", "50000"},
        {"log.connection.close", "false"},
    };
    rd_kafka_conf_t *conf = rd_kafka_conf_new();
    char reason[256];
    bool good = rd_kafka_conf_set(conf, "bootstrap.servers", bootstrap, reason, sizeof(reason)) == 0;

    for (size_t i = 0; good && i < sizeof(settings) / sizeof(settings[0]); i++)
        good = rd_kafka_conf_set(conf, settings[i][0], settings[i][1], reason, sizeof(reason)) == 0;
    rd_kafka_conf_set_opaque(conf, feed);
    rd_kafka_conf_set_dr_msg_cb(conf, on_delivery);
    if (good)
        feed->producer = rd_kafka_new(RD_KAFKA_PRODUCER, conf, reason, sizeof(reason));
    if (!feed->producer) {
        fprintf(stderr, "linefeed: %s\n", reason);
        rd_kafka_conf_destroy(conf);
        return -EINVAL;
    }
    feed->topic = rd_kafka_topic_new(feed->producer, arg_topic, NULL);
    return feed->topic ? 0 : -EIO;
}

/* Finds out which lines the broker has, and so where to go on. */
static int feed_resume(struct feed *feed) {
    const struct rd_kafka_metadata *metadata = NULL;
    rd_kafka_resp_err_t error = rd_kafka_metadata(feed->producer, 0, feed->topic, &metadata, QUERY_MS);

    if (!error) {
        feed->partitions = metadata->topics[0].partition_cnt;
        error = metadata->topics[0].err;
        rd_kafka_metadata_destroy(metadata);
    }
    if (!error && (feed->partitions < 1 || feed->partitions > PARTITIONS_MAX))
        error = RD_KAFKA_RESP_ERR_INVALID_PARTITIONS;
    feed->next = UINT64_MAX;
    for (int i = 0; !error && i < feed->partitions; i++) {
        int64_t low;

        error =
            rd_kafka_query_watermark_offsets(feed->producer, arg_topic, i, &low, &feed->held[i], QUERY_MS);
        uint64_t line = (uint64_t)feed->held[i] * (uint64_t)feed->partitions + (uint64_t)i;
        if (!error && line < feed->next)
            feed->next = line;
    }
    if (!error)
        return 0;
    fprintf(stderr, "linefeed: cannot learn what topic '%s' holds: %s\n", arg_topic, rd_kafka_err2str(error));
    return -EIO;
}

/* The client copies the value but asks for it without const. */
static bool feed_send(struct feed *feed, int partition, const char *key, char *value) {
    return rd_kafka_produce(feed->topic, partition, RD_KAFKA_MSG_F_COPY, value, strlen(value), key,
                            key ? strlen(key) : 0, NULL) == 0;
}

/* Sends the next line, unless the broker has it already. Returns false when the queue is full. */
static bool feed_line(struct feed *feed) {
    int partition = (int)(feed->next % (uint64_t)feed->partitions);

    if ((int64_t)(feed->next / (uint64_t)feed->partitions) >= feed->held[partition]) {
        if (!feed_send(feed, partition, NULL, feed->text.lines[feed->next % feed->text.count]))
            return false;
        feed->sent++;
    }
    feed->next++;
    return true;
}

static void feed_report(const struct feed *feed, bool done) {
    char text[256];

    snprintf(text, sizeof(text),
             "done=%d\nat_usec=%llu\nlines=%llu\ntext_lines=%zu\npartitions=%d\nsent=%llu\nfailed=%llu\n",
             done, (unsigned long long)life_now_usec(), (unsigned long long)feed->next, feed->text.count,
             feed->partitions, (unsigned long long)feed->sent, (unsigned long long)feed->failed);
    if (arg_stats)
        life_write_file(arg_stats, text);
    life_notify("STATUS=%llu lines fed%s", (unsigned long long)feed->next, done ? ", done" : "");
}

static void feed_loop(struct feed *feed, int stop_fd) {
    uint64_t start = life_now_usec(), first = feed->next, stats_due = 0;

    while (arg_lines == 0 || feed->next < arg_lines) {
        uint64_t now = life_now_usec();
        uint64_t due = arg_rate ? first + arg_rate * (now - start) / 1000000 : feed->next + 1000;

        if (arg_lines && due > arg_lines)
            due = arg_lines;
        while (feed->next < due && feed_line(feed))
            ;
        rd_kafka_poll(feed->producer, 0);
        if (now >= stats_due) {
            stats_due = now + STATS_USEC;
            feed_report(feed, false);
        }
        bool ahead = feed->next >= due && arg_rate;
        if (life_stopping(stop_fd, ahead ? TICK_MS : feed->next < due ? 1 : 0))
            return;
    }
}

/* Marks the end of each partition, once. */
static void feed_end(struct feed *feed) {
    char nothing[] = "";

    for (int i = 0; i < feed->partitions; i++) {
        uint64_t lines =
            arg_lines / (uint64_t)feed->partitions + ((uint64_t)i < arg_lines % (uint64_t)feed->partitions);

        while (feed->held[i] <= (int64_t)lines && !feed_send(feed, i, "end", nothing))
            rd_kafka_poll(feed->producer, TICK_MS);
    }
}

static int feed_run(struct feed *feed, const char *bootstrap, int stop_fd) {
    int error = text_load(arg_text, &feed->text);

    if (error == 0)
        error = feed_connect(feed, bootstrap);
    if (error == 0)
        error = feed_resume(feed);
    if (error == 0) {
        life_notify("READY=1");
        feed_loop(feed, stop_fd);
        bool all = arg_lines && feed->next >= arg_lines;
        if (all)
            feed_end(feed);
        if (rd_kafka_flush(feed->producer, QUERY_MS) || feed->failed)
            error = -EIO;
        if (error == 0 && arg_lines && feed->next > arg_lines)
            feed->next = arg_lines;
        feed_report(feed, error == 0);
        if (all && arg_stay && error == 0)
            life_stopping(stop_fd, -1);
    }
    if (feed->topic)
        rd_kafka_topic_destroy(feed->topic);
    if (feed->producer)
        rd_kafka_destroy(feed->producer);
    free(feed->text.lines);
    free(feed->text.bytes);
    return error;
}

int main(int argc, char **argv) {
    static struct feed feed;
    char address[512];

    if (parse_arguments(argc, argv) < 0)
        return EXIT_FAILURE;
    int stop_fd = life_stop_fd();
    if (stop_fd < 0)
        return EXIT_FAILURE;
    if (arg_bootstrap_file) {
        int error = life_wait_line(arg_bootstrap_file, 60000, stop_fd, address, sizeof(address));
        if (error == -ECANCELED)
            return EXIT_SUCCESS;
        if (error < 0) {
            fprintf(stderr, "linefeed: no address in '%s': %s\n", arg_bootstrap_file, strerror(-error));
            return EXIT_FAILURE;
        }
        arg_bootstrap = address;
    }
    return feed_run(&feed, arg_bootstrap, stop_fd) < 0 ? EXIT_FAILURE : EXIT_SUCCESS;
}
