/* SPDX-License-Identifier: Apache-2.0 */
/* Reads whole topics from their beginning, committed records only, without a consumer group. */
package streamkeeper.kafkatest;

import java.time.Duration;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.Properties;
import java.util.TreeMap;
import java.util.function.Consumer;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.common.PartitionInfo;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.serialization.StringDeserializer;

final class Scan implements AutoCloseable {
    private final KafkaConsumer<String, String> consumer;
    private final List<TopicPartition> partitions = new ArrayList<>();

    Scan(Properties client, List<String> topics) {
        client.put("isolation.level", "read_committed");
        client.put("enable.auto.commit", "false");
        client.put("max.poll.records", "5000");
        client.put("key.deserializer", StringDeserializer.class.getName());
        client.put("value.deserializer", StringDeserializer.class.getName());
        consumer = new KafkaConsumer<>(client);
        for (String topic : topics) {
            for (PartitionInfo info : consumer.partitionsFor(topic)) {
                partitions.add(new TopicPartition(topic, info.partition()));
            }
        }
        consumer.assign(partitions);
        consumer.seekToBeginning(partitions);
    }

    /* Hands on what one poll brings. */
    void poll(Duration wait, Consumer<ConsumerRecord<String, String>> sink) {
        consumer.poll(wait).forEach(sink);
    }

    /* Reads up to the last stable offset that each partition has now. */
    void toEnd(Consumer<ConsumerRecord<String, String>> sink) {
        Map<TopicPartition, Long> ends = consumer.endOffsets(partitions);
        while (partitions.stream().anyMatch(at -> consumer.position(at) < ends.get(at))) {
            poll(Duration.ofMillis(200), sink);
        }
    }

    Map<TopicPartition, Long> countToEnd() {
        Map<TopicPartition, Long> counts = new TreeMap<>(
                Comparator.comparing(TopicPartition::topic).thenComparing(TopicPartition::partition));
        partitions.forEach(at -> counts.put(at, 0L));
        toEnd(record -> counts.merge(new TopicPartition(record.topic(), record.partition()), 1L, Long::sum));
        return counts;
    }

    @Override
    public void close() {
        consumer.close();
    }
}
