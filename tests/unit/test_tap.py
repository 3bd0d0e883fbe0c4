#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""The translation of cmocka's lines, and what becomes of programs that end badly."""
import os
import subprocess
import sys
import unittest

TAP = os.environ["TAP"]


def run(script):
    done = subprocess.run([sys.executable, TAP, "/bin/sh", "-c", script], capture_output=True, text=True, check=False)
    return done.returncode, done.stdout.splitlines()


class Tap(unittest.TestCase):
    def test_results_pass_through(self):
        script = "echo 1..2; echo 'ok 1 - a'; echo 'not ok 2 - b'; echo '# x != y'; exit 1"
        self.assertEqual(run(script), (1, ["1..2", "ok 1 - a", "not ok 2 - b", "# x != y"]))

    def test_a_skip_is_a_skip_with_its_reason(self):
        code, lines = run("echo 1..1; echo 'skip: needs root'; echo 'not ok 1 # SKIP drop'")
        self.assertEqual((code, lines), (0, ["1..1", "ok 1 - drop # SKIP needs root"]))

    def test_a_reason_belongs_to_one_test(self):
        _, lines = run("echo 'skip: why'; echo 'ok 1 - a'; echo 'not ok 2 # SKIP b'")
        self.assertEqual(lines, ["ok 1 - a", "ok 2 - b # SKIP no reason given"])

    def test_other_words_become_comments(self):
        _, lines = run("echo 1..1; echo 'hello ok 1'; echo 'ok 1 - a'")
        self.assertEqual(lines, ["1..1", "# hello ok 1", "ok 1 - a"])

    def test_a_crash_is_a_failure(self):
        code, lines = run("echo 1..2; echo 'ok 1 - a'; kill -SEGV $$")
        self.assertEqual((code, lines), (1, ["1..2", "ok 1 - a", "Bail out! killed by SIGSEGV"]))

    def test_a_program_that_cannot_start_is_a_failure(self):
        done = subprocess.run([sys.executable, TAP, "/nonexistent"], capture_output=True, text=True, check=False)
        self.assertNotEqual(done.returncode, 0)


if __name__ == "__main__":
    unittest.main()
