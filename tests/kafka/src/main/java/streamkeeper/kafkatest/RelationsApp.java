/* SPDX-License-Identifier: Apache-2.0 */
/* The stream application under supervision. From one record per package ("section TAB size TAB relations") it keeps, exactly
 * once, in RocksDB stores:
 *   dependants   how often each package is named in another one's relations          (count)
 *   section-size KiB of packages per section and hour of event time                  (tumbling window, sum)
 * It closes cleanly on SIGTERM, ends with status 1 when Streams gives up, and accepts connections on a port that it writes to
 * STATE/ready.port only while it is RUNNING. */
package streamkeeper.kafkatest;

import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Properties;
import org.apache.kafka.common.serialization.Serdes;
import org.apache.kafka.streams.KafkaStreams;
import org.apache.kafka.streams.KeyValue;
import org.apache.kafka.streams.StreamsBuilder;
import org.apache.kafka.streams.StreamsConfig;
import org.apache.kafka.streams.Topology;
import org.apache.kafka.streams.errors.StreamsUncaughtExceptionHandler.StreamThreadExceptionResponse;
import org.apache.kafka.streams.kstream.Consumed;
import org.apache.kafka.streams.kstream.Grouped;
import org.apache.kafka.streams.kstream.KStream;
import org.apache.kafka.streams.kstream.Materialized;
import org.apache.kafka.streams.kstream.Produced;
import org.apache.kafka.streams.kstream.TimeWindows;

final class RelationsApp {
    static final String APPLICATION = "relations";
    private static final Duration WINDOW = Duration.ofHours(1);
    /* Partitions are read at different speeds: nothing may ever count as too late. */
    private static final Duration GRACE = Duration.ofDays(7);
    private static final Duration CLOSE_LIMIT = Duration.ofSeconds(60);

    private final Path state;
    private final RestoreLog restores;
    private ServerSocket ready;

    private RelationsApp(Path state) {
        this.state = state;
        this.restores = new RestoreLog(state);
    }

    static void run(Options options) throws IOException {
        Path state = Path.of(options.get("state"));
        Files.createDirectories(state);
        new RelationsApp(state).start(options);
    }

    private void start(Options options) throws IOException {
        Files.deleteIfExists(state.resolve("ready.port"));
        restores.note("start");
        KafkaStreams streams = new KafkaStreams(topology(), properties(options));
        streams.setGlobalStateRestoreListener(restores);
        streams.setUncaughtExceptionHandler(error -> {
            error.printStackTrace();
            return StreamThreadExceptionResponse.SHUTDOWN_CLIENT;
        });
        streams.setStateListener((now, before) -> changed(now));
        Runtime.getRuntime().addShutdownHook(new Thread(() -> {
            boolean clean = streams.close(CLOSE_LIMIT);
            System.out.println(clean ? "closed cleanly" : "did not close in time");
        }, "close"));
        streams.start();
    }

    private void changed(KafkaStreams.State now) {
        System.out.println("state " + now);
        if (now == KafkaStreams.State.RUNNING) {
            restores.note("running");
            listen();
        } else if (now == KafkaStreams.State.ERROR) {
            /* exit() runs the shutdown hook, which waits for this very thread: leave it to another one. */
            new Thread(() -> System.exit(1), "exit").start();
        }
    }

    /* Readiness: somebody may connect. Nobody has to be answered, the kernel's backlog is enough. */
    private synchronized void listen() {
        if (ready != null) {
            return;
        }
        try {
            ready = new ServerSocket(0, 16, InetAddress.getLoopbackAddress());
            Path part = state.resolve("ready.port.part");
            Files.writeString(part, ready.getLocalPort() + "\n");
            Files.move(part, state.resolve("ready.port"), StandardCopyOption.ATOMIC_MOVE);
        } catch (IOException e) {
            e.printStackTrace();
            new Thread(() -> System.exit(1), "exit").start();
        }
    }

    private Properties properties(Options options) {
        Properties properties = options.client();
        properties.put(StreamsConfig.APPLICATION_ID_CONFIG, APPLICATION);
        properties.put(StreamsConfig.STATE_DIR_CONFIG, state.toString());
        properties.put(StreamsConfig.PROCESSING_GUARANTEE_CONFIG, StreamsConfig.EXACTLY_ONCE_V2);
        properties.put(StreamsConfig.NUM_STREAM_THREADS_CONFIG, options.get("threads", "1"));
        properties.put(StreamsConfig.REPLICATION_FACTOR_CONFIG, "1");
        properties.put(StreamsConfig.COMMIT_INTERVAL_MS_CONFIG, "200");
        properties.put(StreamsConfig.DEFAULT_KEY_SERDE_CLASS_CONFIG, Serdes.StringSerde.class);
        properties.put(StreamsConfig.DEFAULT_VALUE_SERDE_CLASS_CONFIG, Serdes.StringSerde.class);
        properties.put(StreamsConfig.consumerPrefix("auto.offset.reset"), "earliest");
        /* A fixed member id: whoever comes back within the session time gets its own tasks, and so its own state. */
        properties.put(StreamsConfig.consumerPrefix("group.instance.id"), options.get("member"));
        properties.put(StreamsConfig.consumerPrefix("session.timeout.ms"), "120000");
        return properties;
    }

    private static Topology topology() {
        StreamsBuilder builder = new StreamsBuilder();
        KStream<String, String[]> packages =
                builder.stream("packages", Consumed.with(Serdes.String(), Serdes.String()))
                        .mapValues(value -> value.split("\t", -1));

        packages.flatMap((name, columns) -> mentions(columns[2]))
                .groupByKey(Grouped.with("dependants", Serdes.String(), Serdes.Long()))
                .reduce(Long::sum, Materialized.as("dependants-store"))
                .toStream()
                .mapValues(count -> Long.toString(count))
                .to("dependants", Produced.with(Serdes.String(), Serdes.String()));

        packages.map((name, columns) -> KeyValue.pair(columns[0], Long.parseLong(columns[1])))
                .groupByKey(Grouped.with("section-size", Serdes.String(), Serdes.Long()))
                .windowedBy(TimeWindows.ofSizeAndGrace(WINDOW, GRACE))
                .reduce(Long::sum, Materialized.as("section-size-store"))
                .toStream()
                .map((window, size) -> KeyValue.pair(window.key() + "@" + window.window().start() / 1000,
                                                     Long.toString(size)))
                .to("section-size", Produced.with(Serdes.String(), Serdes.String()));
        return builder.build();
    }

    /* "libc6 (>= 2.36), default-mta | mail-transport-agent, perl:any" names four packages. */
    private static List<KeyValue<String, Long>> mentions(String relations) {
        List<KeyValue<String, Long>> found = new ArrayList<>();
        for (String relation : relations.split("[,|]")) {
            String name = relation.strip();
            int end = 0;
            while (end < name.length() && " (:[<".indexOf(name.charAt(end)) < 0) {
                end++;
            }
            if (end > 0) {
                found.add(KeyValue.pair(name.substring(0, end), 1L));
            }
        }
        return found;
    }
}
