/* SPDX-License-Identifier: Apache-2.0 */
/* Reads result topics, committed records only, and writes the last value of each key to OUT/TOPIC.tsv. With TOPIC=TOTAL it
 * follows the topic until the sum of the last values reaches TOTAL. Values only ever grow, so it also counts every value
 * that is smaller than the one before it of the same key ("regressions"): under exactly-once there must be none. */
package streamkeeper.kafkatest;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

final class Results {
    private static final class Topic {
        final TreeMap<String, Long> last = new TreeMap<>();
        long wanted;
        long total;
        long records;
        long regressions;

        void add(String key, long value) {
            Long before = last.put(key, value);
            records++;
            total += value - (before == null ? 0 : before);
            if (before != null && value < before) {
                regressions++;
            }
        }
    }

    private final Map<String, Topic> topics = new LinkedHashMap<>();
    private boolean follow;

    private Results(Options options) {
        for (String wanted : options.all("topic")) {
            String[] parts = wanted.split("=");
            Topic topic = new Topic();
            if (parts.length == 2) {
                topic.wanted = Long.parseLong(parts[1]);
                follow = true;
            }
            topics.put(parts[0], topic);
        }
    }

    static void run(Options options) throws IOException {
        Results results = new Results(options);
        boolean reached;
        try (Scan scan = new Scan(options.client(), new ArrayList<>(results.topics.keySet()))) {
            reached = results.collect(scan, options.number("deadline", 60));
        }
        results.write(Path.of(options.get("out")));
        if (!reached) {
            System.err.println("the wanted totals were not reached in time");
            System.exit(1);
        }
    }

    private boolean collect(Scan scan, long seconds) {
        if (!follow) {
            scan.toEnd(record -> topics.get(record.topic()).add(record.key(), Long.parseLong(record.value())));
            return true;
        }
        long deadline = System.nanoTime() + Duration.ofSeconds(seconds).toNanos();
        while (topics.values().stream().anyMatch(topic -> topic.total < topic.wanted)) {
            if (System.nanoTime() > deadline) {
                return false;
            }
            scan.poll(Duration.ofMillis(100),
                      record -> topics.get(record.topic()).add(record.key(), Long.parseLong(record.value())));
        }
        return true;
    }

    private void write(Path directory) throws IOException {
        for (Map.Entry<String, Topic> entry : topics.entrySet()) {
            Topic topic = entry.getValue();
            List<String> lines = new ArrayList<>();
            topic.last.forEach((key, value) -> lines.add(key + "\t" + value));
            Files.write(directory.resolve(entry.getKey() + ".tsv"), lines);
            System.out.println(entry.getKey() + "\tkeys=" + topic.last.size() + "\trecords=" + topic.records
                               + "\ttotal=" + topic.total + "\tregressions=" + topic.regressions);
        }
    }
}
