/* SPDX-License-Identifier: Apache-2.0 */
/* Consumes the input topic into the counts and publishes what changed. The offsets in Kafka are only a report
 * for whoever watches the group: the truth about the position is in the counts. */
#include "topology.h"

#include <errno.h>
#include <librdkafka/rdkafka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "clients.h"
#include "counts.h"
#include "lifecycle.h"

#define PUBLISH_USEC 1000000
#define STATS_USEC   100000
#define COMMIT_USEC  1000000
#define CLOSE_USEC   2000000
#define POLL_MS      50

struct topology {
    const struct topology_options *options;
    struct counts *counts;
    rd_kafka_t *consumer;
    rd_kafka_t *producer; /* NULL: nothing is published */
    rd_kafka_topic_partition_list_t *owned;
    bool ready;
    int republish; /* owned partitions, from the front, whose counts are still to be published anew */
    int fatal;     /* negative errno that ends the run */
    int lines_in_batch;
    uint64_t batch_since, stats_due, publish_due, commit_due; /* microseconds */
    uint64_t batches, gaps, refused, failed;
};

static int publish_word(const char *word, size_t length, uint32_t partition, uint64_t count, void *opaque) {
    struct topology *topology = opaque;
    char value[64];
    int size = snprintf(value, sizeof(value), "%u %llu", partition, (unsigned long long)count);

    for (;;) {
        rd_kafka_resp_err_t error = rd_kafka_producev(
            topology->producer, RD_KAFKA_V_TOPIC(topology->options->output), RD_KAFKA_V_KEY(word, length),
            RD_KAFKA_V_VALUE(value, (size_t)size), RD_KAFKA_V_MSGFLAGS(RD_KAFKA_MSG_F_COPY), RD_KAFKA_V_END);

        if (error != RD_KAFKA_RESP_ERR__QUEUE_FULL) {
            topology->failed += error != 0;
            return 0;
        }
        rd_kafka_poll(topology->producer, POLL_MS);
    }
}

static int topology_publish(struct topology *topology) {
    if (!topology->producer)
        return counts_full(topology->counts) ? (counts_rewind(topology->counts), 0) : 0;
    rd_kafka_poll(topology->producer, 0);
    if (topology->republish > 0 && topology->owned) {
        int partition = topology->owned->elems[--topology->republish].partition;
        int error = counts_each(topology->counts, (uint32_t)partition, publish_word, topology);
        if (error < 0)
            return error;
    }
    return counts_changed(topology->counts, publish_word, topology);
}

/* Tells the group how far the counts have come. */
static void topology_commit(struct topology *topology) {
    if (!topology->owned || topology->owned->cnt == 0)
        return;
    rd_kafka_topic_partition_list_t *offsets = rd_kafka_topic_partition_list_copy(topology->owned);
    for (int i = offsets->cnt - 1; i >= 0; i--) {
        uint64_t next = counts_progress(topology->counts, (uint32_t)offsets->elems[i].partition)->next_offset;

        if (next == 0)
            rd_kafka_topic_partition_list_del_by_idx(offsets, i);
        else
            offsets->elems[i].offset = (int64_t)next;
    }
    if (offsets->cnt > 0)
        rd_kafka_commit(topology->consumer, offsets, 1 /* do not wait */);
    rd_kafka_topic_partition_list_destroy(offsets);
}

static int topology_write(struct topology *topology) {
    if (topology->lines_in_batch == 0)
        return 0;
    int error = counts_write(topology->counts);
    if (error < 0)
        return error;
    topology->batches++;
    topology->lines_in_batch = 0;
    return counts_full(topology->counts) ? topology_publish(topology) : 0;
}

/* Takes over partitions: each is read on from where its counts stand, and its counts are published anew,
 * since a killed predecessor may have written them and not published them. */
static int topology_own(struct topology *topology, rd_kafka_topic_partition_list_t *partitions) {
    for (int i = 0; i < partitions->cnt; i++) {
        rd_kafka_topic_partition_t *item = &partitions->elems[i];

        if (item->partition >= COUNTS_PARTITIONS_MAX) {
            fprintf(stderr, "wordcount: partition %d of '%s' is beyond the %d supported\n", item->partition,
                    item->topic, COUNTS_PARTITIONS_MAX);
            return -ERANGE;
        }
        uint64_t next = counts_progress(topology->counts, (uint32_t)item->partition)->next_offset;
        item->offset = next ? (int64_t)next : RD_KAFKA_OFFSET_BEGINNING;
        if (topology->producer && next)
            counts_each(topology->counts, (uint32_t)item->partition, publish_word, topology);
    }
    rd_kafka_resp_err_t error = rd_kafka_assign(topology->consumer, partitions);
    if (error) {
        fprintf(stderr, "wordcount: cannot take over partitions: %s\n", rd_kafka_err2str(error));
        return -EIO;
    }
    if (topology->owned)
        rd_kafka_topic_partition_list_destroy(topology->owned);
    topology->owned = rd_kafka_topic_partition_list_copy(partitions);
    topology->republish = topology->producer ? topology->owned->cnt : 0;
    topology->stats_due = 0;
    return 0;
}

static void on_rebalance(rd_kafka_t *consumer, rd_kafka_resp_err_t kind,
                         rd_kafka_topic_partition_list_t *partitions, void *opaque) {
    struct topology *topology = opaque;
    int error;

    if (kind == RD_KAFKA_RESP_ERR__ASSIGN_PARTITIONS) {
        error = topology_own(topology, partitions);
        fprintf(stderr, "wordcount: assigned %d partition(s)\n", partitions->cnt);
    } else {
        error = topology_write(topology);
        if (error == 0 && !rd_kafka_assignment_lost(consumer))
            topology_commit(topology);
        rd_kafka_assign(consumer, NULL);
        if (topology->owned)
            rd_kafka_topic_partition_list_destroy(topology->owned);
        topology->owned = NULL;
        fprintf(stderr, "wordcount: gave up %d partition(s)\n", partitions->cnt);
    }
    if (error < 0)
        topology->fatal = error;
}

static bool topology_owns(const struct topology *topology, const rd_kafka_message_t *message) {
    return topology->owned && rd_kafka_topic_partition_list_find(
                                  topology->owned, rd_kafka_topic_name(message->rkt), message->partition);
}

static int message_error(struct topology *topology, const rd_kafka_message_t *message) {
    const char *text = rd_kafka_message_errstr(message);

    if (message->err == RD_KAFKA_RESP_ERR__AUTO_OFFSET_RESET ||
        message->err == RD_KAFKA_RESP_ERR_OFFSET_OUT_OF_RANGE) {
        fprintf(
            stderr,
            "wordcount: the broker does not have the records of partition %d that this state continues from "
            "(%s): it is another broker, or it dropped them; start with an empty state directory\n",
            message->partition, text);
        return -ESTALE;
    }
    topology->failed++;
    fprintf(stderr, "wordcount: %s: %s\n", rd_kafka_err2name(message->err), text ? text : "no reason given");
    return 0;
}

/* Counts one record. What was counted before (its offset is below the next one) is left out; what is missing
 * before it is told, since then the counts are those of the records that the broker still had. */
static int topology_take(struct topology *topology, const rd_kafka_message_t *message) {
    uint32_t partition = (uint32_t)message->partition;
    uint64_t offset = (uint64_t)message->offset;

    if (!topology_owns(topology, message))
        return 0;
    uint64_t next = counts_progress(topology->counts, partition)->next_offset;
    if (offset < next)
        return 0;
    if (offset > next && topology->gaps++ < 10)
        fprintf(stderr, "wordcount: partition %u: records %llu to %llu are missing\n", partition,
                (unsigned long long)next, (unsigned long long)(offset - 1));
    if (topology->lines_in_batch++ == 0)
        topology->batch_since = life_now_usec();
    if (message->key_len == 3 && memcmp(message->key, "end", 3) == 0) {
        counts_skip(topology->counts, partition, offset);
        return 0;
    }
    int error = counts_add_line(topology->counts, partition, offset, message->payload, message->len);
    if (error == -EMSGSIZE) {
        topology->refused++;
        counts_skip(topology->counts, partition, offset);
        error = 0;
    }
    return error;
}

static void topology_report(struct topology *topology) {
    uint64_t words = 0, lines = 0, lag = 0;
    char text[512];
    int partitions = topology->owned ? topology->owned->cnt : 0;

    for (int i = 0; i < partitions; i++) {
        const rd_kafka_topic_partition_t *item = &topology->owned->elems[i];
        const struct counts_progress *progress = counts_progress(topology->counts, (uint32_t)item->partition);
        int64_t low = 0, high = 0;

        words += progress->words;
        lines += progress->lines;
        rd_kafka_get_watermark_offsets(topology->consumer, item->topic, item->partition, &low, &high);
        if (high > (int64_t)progress->next_offset)
            lag += (uint64_t)high - progress->next_offset;
    }
    snprintf(
        text, sizeof(text),
        "pid=%d\nat_usec=%llu\npartitions=%d\nlines=%llu\nwords=%llu\nlag=%llu\nbatches=%llu\ngaps=%llu\n"
        "refused=%llu\nerrors=%llu\n",
        (int)getpid(), (unsigned long long)life_now_usec(), partitions, (unsigned long long)lines,
        (unsigned long long)words, (unsigned long long)lag, (unsigned long long)topology->batches,
        (unsigned long long)topology->gaps, (unsigned long long)topology->refused,
        (unsigned long long)topology->failed);
    if (topology->options->stats_file)
        life_write_file(topology->options->stats_file, text);
    if (!topology->ready && topology->owned) {
        topology->ready = true;
        life_notify("READY=1\nSTATUS=%d partitions", partitions);
    } else {
        life_notify("STATUS=%d partitions, %llu words, lag %llu", partitions, (unsigned long long)words,
                    (unsigned long long)lag);
    }
}

/* What is due by the clock, once per record or idle turn. */
static int topology_tick(struct topology *topology) {
    uint64_t now = life_now_usec();
    int error = 0;

    if (topology->lines_in_batch >= topology->options->batch_lines || counts_full(topology->counts) ||
        (topology->lines_in_batch > 0 &&
         now - topology->batch_since >= (uint64_t)topology->options->batch_ms * 1000))
        error = topology_write(topology);
    if (error == 0 && now >= topology->publish_due && topology->lines_in_batch == 0) {
        error = topology_publish(topology);
        topology->publish_due = topology->republish > 0 ? now : now + PUBLISH_USEC;
    }
    if (error == 0 && now >= topology->commit_due && topology->lines_in_batch == 0) {
        topology_commit(topology);
        topology->commit_due = now + COMMIT_USEC;
    }
    if (now >= topology->stats_due) {
        topology->stats_due = now + STATS_USEC;
        topology_report(topology);
    }
    return error;
}

static int topology_loop(struct topology *topology, int stop_fd) {
    unsigned turns = 0;

    for (;;) {
        rd_kafka_message_t *message = rd_kafka_consumer_poll(topology->consumer, POLL_MS);
        int error = topology->fatal;

        if (message && error == 0)
            error = message->err ? message_error(topology, message) : topology_take(topology, message);
        if (error == 0)
            error = topology_tick(topology);
        if ((!message || turns++ % 256 == 0) && life_stopping(stop_fd, 0)) {
            if (message)
                rd_kafka_message_destroy(message);
            return error;
        }
        if (message)
            rd_kafka_message_destroy(message);
        if (error < 0)
            return error;
    }
}

/* Takes a fixed share of the input's partitions, as the instances of an app with static members would. */
static int topology_take_share(struct topology *topology) {
    const struct topology_options *options = topology->options;
    const struct rd_kafka_metadata *metadata = NULL;
    rd_kafka_topic_t *topic = rd_kafka_topic_new(topology->consumer, options->input, NULL);
    rd_kafka_resp_err_t error = rd_kafka_metadata(topology->consumer, 0, topic, &metadata, 10000);

    rd_kafka_topic_destroy(topic);
    if (error || metadata->topic_cnt != 1 || metadata->topics[0].err) {
        fprintf(stderr, "wordcount: cannot learn the partitions of '%s': %s\n", options->input,
                rd_kafka_err2str(error ? error : metadata->topics[0].err));
        if (metadata)
            rd_kafka_metadata_destroy(metadata);
        return -EIO;
    }
    rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new(8);
    for (int i = 0; i < metadata->topics[0].partition_cnt; i++)
        if (metadata->topics[0].partitions[i].id % options->shares == options->share)
            rd_kafka_topic_partition_list_add(list, options->input, metadata->topics[0].partitions[i].id);
    rd_kafka_metadata_destroy(metadata);
    int result = topology_own(topology, list);
    rd_kafka_topic_partition_list_destroy(list);
    return result;
}

static int topology_subscribe(struct topology *topology) {
    rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new(1);

    rd_kafka_topic_partition_list_add(list, topology->options->input, RD_KAFKA_PARTITION_UA);
    rd_kafka_resp_err_t error = rd_kafka_subscribe(topology->consumer, list);
    rd_kafka_topic_partition_list_destroy(list);
    if (!error)
        return 0;
    fprintf(stderr, "wordcount: cannot subscribe to '%s': %s\n", topology->options->input,
            rd_kafka_err2str(error));
    return -EIO;
}

static int clients_open(struct topology *topology) {
    int error = client_consumer(topology->options, on_rebalance, topology, &topology->consumer);

    return error < 0 || !topology->options->output ? error
                                                   : client_producer(topology->options, &topology->producer);
}

/* Leaves the group, if the cluster answers in time. */
static bool consumer_close(rd_kafka_t *consumer) {
    uint64_t deadline = life_now_usec() + CLOSE_USEC;
    rd_kafka_queue_t *queue = rd_kafka_queue_new(consumer);
    rd_kafka_error_t *error = rd_kafka_consumer_close_queue(consumer, queue);
    bool closed = error != NULL; /* there was nothing to close */

    while (!closed && life_now_usec() < deadline) {
        rd_kafka_queue_poll_callback(queue, POLL_MS);
        closed = rd_kafka_consumer_closed(consumer);
    }
    if (error)
        rd_kafka_error_destroy(error);
    if (closed)
        rd_kafka_queue_destroy(queue);
    return closed;
}

/* Everything that matters is in the counts by then. A cluster that does not answer must not hold up a stop:
 * its clients are left to the end of the process. Returns whether they are gone. */
static bool topology_close(struct topology *topology, bool clean) {
    bool closed = true;

    if (clean && topology_write(topology) == 0) {
        topology_publish(topology);
        topology_commit(topology);
    }
    if (topology->producer) {
        closed = rd_kafka_flush(topology->producer, CLOSE_USEC / 1000) == 0;
        if (closed)
            rd_kafka_destroy(topology->producer);
    }
    if (topology->consumer && closed) {
        closed = consumer_close(topology->consumer);
        if (closed)
            rd_kafka_destroy(topology->consumer);
    }
    if (topology->owned)
        rd_kafka_topic_partition_list_destroy(topology->owned);
    return closed;
}

int topology_run(const struct topology_options *options, struct counts *counts, int stop_fd) {
    struct topology topology = {.options = options, .counts = counts};

    int error = clients_open(&topology);
    if (error == 0)
        error = options->shares > 0 ? topology_take_share(&topology) : topology_subscribe(&topology);
    if (error == 0)
        error = topology_loop(&topology, stop_fd);
    life_notify("STOPPING=1");
    if (error == 0 && topology.owned)
        topology_report(&topology);
    if (!topology_close(&topology, error == 0)) {
        fputs("wordcount: the cluster does not answer; left without a goodbye\n", stderr);
        counts_close(counts);
        _exit(error == 0 ? EXIT_SUCCESS : EXIT_FAILURE); /* the clients' threads still run */
    }
    return error;
}
