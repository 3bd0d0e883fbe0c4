/* SPDX-License-Identifier: Apache-2.0 */
/* Command line options of the form "--name value", where a name may repeat. */
package streamkeeper.kafkatest;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Properties;

final class Options {
    private final Map<String, List<String>> values = new HashMap<>();

    Options(String[] args, int first) {
        for (int i = first; i < args.length; i += 2) {
            if (!args[i].startsWith("--") || i + 1 == args.length) {
                throw new IllegalArgumentException("expected '--name value' at '" + args[i] + "'");
            }
            values.computeIfAbsent(args[i].substring(2), name -> new ArrayList<>()).add(args[i + 1]);
        }
    }

    List<String> all(String name) {
        return values.getOrDefault(name, List.of());
    }

    String get(String name) {
        List<String> given = all(name);
        if (given.isEmpty()) {
            throw new IllegalArgumentException("--" + name + " is missing");
        }
        return given.get(given.size() - 1);
    }

    String get(String name, String otherwise) {
        return values.containsKey(name) ? get(name) : otherwise;
    }

    long number(String name) {
        return Long.parseLong(get(name));
    }

    long number(String name, long otherwise) {
        return values.containsKey(name) ? number(name) : otherwise;
    }

    /* Client properties that every program starts from. */
    Properties client() {
        Properties properties = new Properties();
        properties.put("bootstrap.servers", get("bootstrap"));
        return properties;
    }
}
