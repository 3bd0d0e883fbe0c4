/* SPDX-License-Identifier: Apache-2.0 */
/* Makes the Kafka clients of wordcount; does not use them. */
#include "clients.h"

#include <errno.h>
#include <stdio.h>

#include "topology.h"

#define ARRAY_SIZE(array) (sizeof(array) / sizeof((array)[0]))

static int client_new(rd_kafka_type_t type, rd_kafka_conf_t *conf, const char *const settings[][2],
                      size_t count, rd_kafka_t **ret_client) {
    char reason[256];
    rd_kafka_t *client = NULL;
    rd_kafka_conf_res_t good = RD_KAFKA_CONF_OK;

    for (size_t i = 0; good == RD_KAFKA_CONF_OK && i < count; i++)
        good = rd_kafka_conf_set(conf, settings[i][0], settings[i][1], reason, sizeof(reason));
    if (good == RD_KAFKA_CONF_OK)
        client = rd_kafka_new(type, conf, reason, sizeof(reason));
    if (!client) {
        fprintf(stderr, "wordcount: %s\n", reason);
        rd_kafka_conf_destroy(conf);
        return -EINVAL;
    }
    *ret_client = client;
    return 0;
}

int client_consumer(const struct topology_options *options, client_rebalance_fn on_rebalance, void *opaque,
                    rd_kafka_t **ret_client) {
    rd_kafka_conf_t *conf = rd_kafka_conf_new();
    char session[16], heartbeat[16];

    snprintf(session, sizeof(session), "%d", options->session_ms);
    snprintf(heartbeat, sizeof(heartbeat), "%d", options->session_ms / 4);
    const char *const settings[][2] = {
        {"bootstrap.servers", options->bootstrap},
        {"group.id", options->group},
        {"client.id", options->client_id},
        {"enable.auto.commit", "false"},
        {"enable.auto.offset.store", "false"},
        {"auto.offset.reset", "error"}, /* a hole in the input is for a person to judge */
        {"partition.assignment.strategy", "range"},
        {"session.timeout.ms", session},
        {"heartbeat.interval.ms", heartbeat},
        {"fetch.wait.max.ms", "50"},
        {"fetch.error.backoff.ms", "50"},
        {"queued.min.messages", "20000"},
        {"log.connection.close", "false"},
    };
    rd_kafka_conf_set_opaque(conf, opaque);
    rd_kafka_conf_set_rebalance_cb(conf, on_rebalance);
    int error = client_new(RD_KAFKA_CONSUMER, conf, settings, ARRAY_SIZE(settings), ret_client);
    if (error == 0)
        rd_kafka_poll_set_consumer(*ret_client);
    return error;
}

int client_producer(const struct topology_options *options, rd_kafka_t **ret_client) {
    const char *const settings[][2] = {
        {"bootstrap.servers", options->bootstrap},
        {"client.id", options->client_id},
        {"linger.ms", "50"},
        {"compression.codec", "lz4"},
        {"log.connection.close", "false"},
    };

    return client_new(RD_KAFKA_PRODUCER, rd_kafka_conf_new(), settings, ARRAY_SIZE(settings), ret_client);
}
