#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Runs a cmocka program and prints what it says as TAP that meson counts rightly.

cmocka 1.1.5 says "not ok 3 # SKIP name" for a skipped test, which counts as a failure, and lets a test's own words stand
between its lines, which counts as an error. Here a skip becomes "ok 3 - name # SKIP reason", where the reason is the last
line "skip: reason" the test has printed, and any other words become comments. A death by a signal is said in words.
"""
import os
import re
import signal
import subprocess
import sys

PLAN = re.compile(r"1\.\.\d+$")
RESULT = re.compile(r"(?:not )?ok \d+ - ")
SKIP = re.compile(r"not ok (\d+) # SKIP (.*)$")
REASON = re.compile(r"#?\s*skip: (.*)$")


def translate(lines):
    """Yields a TAP line for each line of cmocka's."""
    reason = None
    for line in lines:
        line = line.rstrip("\n")
        skip = SKIP.match(line)
        said = REASON.match(line)
        if skip:
            yield f"ok {skip[1]} - {skip[2]} # SKIP {reason or 'no reason given'}"
            reason = None
        elif said:
            reason = said[1]
        elif PLAN.match(line) or line.startswith("#"):
            yield line
        elif RESULT.match(line):
            reason = None
            yield line
        else:
            yield "# " + line


def main(command):
    env = dict(os.environ, CMOCKA_MESSAGE_OUTPUT="TAP")
    child = subprocess.Popen(command, env=env, stdout=subprocess.PIPE, text=True, errors="replace")
    for line in translate(child.stdout):
        print(line, flush=True)
    status = child.wait()
    if status < 0:
        print(f"Bail out! killed by {signal.Signals(-status).name}", flush=True)
        return 1
    return status


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
