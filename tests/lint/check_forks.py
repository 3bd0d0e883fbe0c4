#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Only the launcher, and cgsetup for its keeper, make processes: what has threads or large libraries must not fork.
Only the registry and the adapters have threads.

usage: check_forks.py ROOT
"""
import re
import sys

import source

FORKS = re.compile(r"\b(v?fork|_Fork|clone3?|posix_spawnp?|system|popen|wordexp|daemon)\s*\(|\b(SYS|__NR)_(v?fork|clone3?)\b")
THREADS = re.compile(r"\b(pthread_create|thrd_create)\s*\(")
MAY_FORK = ("launcher", "cgsetup")
MAY_THREAD = ("registry", "adapters")


def main(root):
    problems = []
    for path in source.files(root, ["daemon", "ctl"], ".c", ".h"):
        clean = source.code(source.text(root, path))
        for pattern, folders, what in ((FORKS, MAY_FORK, "process"), (THREADS, MAY_THREAD, "thread")):
            if path.parts[1] in folders:
                continue
            for match in pattern.finditer(clean):
                line = clean.count("\n", 0, match.start()) + 1
                problems.append(f"{path}:{line}: {match[0].strip('(').strip()}: only {' and '.join(folders)} may make a {what}")
    source.finish(problems, "forks")


if __name__ == "__main__":
    main(sys.argv[1])
