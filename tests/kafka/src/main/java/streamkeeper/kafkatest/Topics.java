/* SPDX-License-Identifier: Apache-2.0 */
/* Creates topics, and counts the committed records of topics (control records of transactions do not count). */
package streamkeeper.kafkatest;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Properties;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.NewTopic;
import org.apache.kafka.common.TopicPartition;

final class Topics {
    private Topics() {}

    static void run(Options options) throws Exception {
        if (!options.all("create").isEmpty()) {
            create(options);
        }
        if (!options.all("count").isEmpty()) {
            count(options);
        }
    }

    private static void create(Options options) throws Exception {
        try (Admin admin = Admin.create(options.client())) {
            List<NewTopic> topics = new ArrayList<>();
            for (String wanted : options.all("create")) {
                String[] parts = wanted.split(":");
                topics.add(new NewTopic(parts[0], Integer.parseInt(parts[1]), (short) 1)
                                   .configs(Map.of("retention.ms", "-1")));
            }
            admin.createTopics(topics).all().get();
        }
    }

    /* Prints "TOPIC PARTITION RECORDS" for each partition of each topic. */
    private static void count(Options options) throws Exception {
        Properties properties = options.client();
        try (Scan scan = new Scan(properties, options.all("count"))) {
            Map<TopicPartition, Long> counts = scan.countToEnd();
            counts.forEach((at, records) -> System.out.println(at.topic() + "\t" + at.partition() + "\t" + records));
        }
    }
}
