/* SPDX-License-Identifier: Apache-2.0 */
/* The one entry point of the jar: its first argument says which of the programs to run. */
package streamkeeper.kafkatest;

public final class Main {
    private Main() {}

    public static void main(String[] args) throws Exception {
        if (args.length == 0) {
            usage("no sub-command given");
        }
        Options options = null;
        try {
            options = new Options(args, 1);
        } catch (IllegalArgumentException e) {
            usage(e.getMessage());
        }
        switch (args[0]) {
            case "app" -> RelationsApp.run(options);
            case "topics" -> Topics.run(options);
            case "feed" -> Feed.run(options);
            case "read" -> Results.run(options);
            default -> usage("unknown sub-command '" + args[0] + "'");
        }
    }

    private static void usage(String problem) {
        System.err.println(problem);
        System.err.println("usage: app    --bootstrap H:P --state DIR --member ID [--threads N]");
        System.err.println("       topics --bootstrap H:P --create NAME:PARTITIONS ... | --count NAME ...");
        System.err.println("       feed   --bootstrap H:P --topic NAME --file TSV --from N --to N --epoch-ms MS [--rate N]");
        System.err.println("       read   --bootstrap H:P --topic NAME[=TOTAL] ... --out DIR [--deadline SECONDS]");
        System.exit(2);
    }
}
