/* SPDX-License-Identifier: Apache-2.0 */
/* Writes down what each start of the application had to restore, as log lines and in STATE/restores.tsv:
 *   start PID | begin PID STORE PARTITION FROM TO | end PID STORE PARTITION RECORDS | running PID
 * The file is appended to and lives in the state directory, so it disappears together with it. */
package streamkeeper.kafkatest;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.streams.processor.StateRestoreListener;

final class RestoreLog implements StateRestoreListener {
    private final Path file;
    private final long pid = ProcessHandle.current().pid();

    RestoreLog(Path state) {
        file = state.resolve("restores.tsv");
    }

    synchronized void note(String what, Object... details) {
        StringBuilder line = new StringBuilder(what).append('\t').append(pid);
        for (Object detail : details) {
            line.append('\t').append(detail);
        }
        System.out.println("restore-log\t" + line);
        try {
            Files.writeString(file, line + "\n", StandardOpenOption.CREATE, StandardOpenOption.APPEND);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    @Override
    public void onRestoreStart(TopicPartition at, String store, long from, long to) {
        note("begin", store, at.partition(), from, to);
    }

    @Override
    public void onBatchRestored(TopicPartition at, String store, long offset, long records) {}

    @Override
    public void onRestoreEnd(TopicPartition at, String store, long records) {
        note("end", store, at.partition(), records);
    }

    @Override
    public void onRestoreSuspended(TopicPartition at, String store, long records) {
        note("end", store, at.partition(), records);
    }
}
