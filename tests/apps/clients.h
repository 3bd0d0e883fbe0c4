/* SPDX-License-Identifier: Apache-2.0 */
/* The two Kafka clients of wordcount and their settings. */
#ifndef TESTS_APPS_CLIENTS_H
#define TESTS_APPS_CLIENTS_H

#include <librdkafka/rdkafka.h>

struct topology_options;

typedef void (*client_rebalance_fn)(rd_kafka_t *consumer, rd_kafka_resp_err_t kind,
                                    rd_kafka_topic_partition_list_t *partitions, void *opaque);

/* Both return 0 and a client owned by the caller, or negative errno with the reason on stderr. */
int client_consumer(const struct topology_options *options, client_rebalance_fn on_rebalance, void *opaque,
                    rd_kafka_t **ret_client);
int client_producer(const struct topology_options *options, rd_kafka_t **ret_client);

#endif
