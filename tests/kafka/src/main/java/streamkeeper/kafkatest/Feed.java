/* SPDX-License-Identifier: Apache-2.0 */
/* Sends lines of a tab-separated file as records: the first column is the key, the rest the value. Line N has the event
 * time epoch + N seconds, so windows do not depend on when the feed ran. Prints "acked N" as the broker confirms. */
package streamkeeper.kafkatest;

import java.io.BufferedReader;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Properties;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.AtomicReference;
import java.util.concurrent.locks.LockSupport;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.serialization.StringSerializer;

final class Feed {
    private static final int REPORT_EVERY = 1000;

    private final AtomicLong acked = new AtomicLong();
    private final AtomicReference<Exception> failure = new AtomicReference<>();

    private Feed() {}

    static void run(Options options) throws Exception {
        new Feed().send(options);
    }

    private void send(Options options) throws Exception {
        Properties properties = options.client();
        properties.put("acks", "all");
        properties.put("enable.idempotence", "true");
        properties.put("linger.ms", "20");
        properties.put("key.serializer", StringSerializer.class.getName());
        properties.put("value.serializer", StringSerializer.class.getName());
        long from = options.number("from");
        long to = options.number("to");
        long epoch = options.number("epoch-ms");
        long rate = options.number("rate", 0);
        String topic = options.get("topic");

        try (BufferedReader lines = Files.newBufferedReader(Path.of(options.get("file")));
             KafkaProducer<String, String> producer = new KafkaProducer<>(properties)) {
            long began = System.nanoTime();
            long number = 0;
            for (String line = lines.readLine(); line != null && number < to; line = lines.readLine(), number++) {
                if (number < from) {
                    continue;
                }
                pace(began, number - from, rate);
                int tab = line.indexOf('\t');
                producer.send(new ProducerRecord<>(topic, null, epoch + number * 1000, line.substring(0, tab),
                                                   line.substring(tab + 1)),
                              (metadata, error) -> confirmed(error));
            }
            producer.flush();
        }
        if (failure.get() != null) {
            throw failure.get();
        }
        System.out.println("done " + acked.get());
    }

    private void confirmed(Exception error) {
        if (error != null) {
            failure.compareAndSet(null, error);
            return;
        }
        long count = acked.incrementAndGet();
        if (count % REPORT_EVERY == 0) {
            System.out.println("acked " + count);
        }
    }

    /* Keeps to RATE records a second; 0 is as fast as it goes. */
    private static void pace(long began, long sent, long rate) {
        if (rate == 0) {
            return;
        }
        long due = began + sent * 1_000_000_000L / rate;
        for (long left = due - System.nanoTime(); left > 0; left = due - System.nanoTime()) {
            LockSupport.parkNanos(left);
        }
    }
}
