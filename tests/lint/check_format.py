#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""The formatter's output is the style: it would change nothing.

usage: check_format.py ROOT
"""
import shutil
import subprocess
import sys

import source


def main(root):
    formatter = shutil.which("clang-format-14") or shutil.which("clang-format")
    if not formatter:
        source.skip("clang-format is not installed")
    paths = [str(p) for p in source.files(root, ["daemon", "ctl", "include", "tests"], ".c", ".h")]
    done = subprocess.run([formatter, "--dry-run", "-Werror", "--style=file", *paths], cwd=root, capture_output=True,
                          text=True, check=False)
    wrong = sorted({line.split(":")[0] for line in done.stderr.splitlines() if ": error: " in line})
    problems = [f"{path}: not as {formatter} -i would write it" for path in wrong]
    if done.returncode and not problems:
        problems = [done.stderr]
    source.finish(problems, f"format ({len(paths)})")


if __name__ == "__main__":
    main(sys.argv[1])
