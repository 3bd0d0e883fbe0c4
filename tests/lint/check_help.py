#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""The options a program names in its --help and those its manual page names are the same.

usage: check_help.py ROOT PAGE PROGRAM…      one page may be that of several programs
"""
import pathlib
import re
import subprocess
import sys

import source

OPTION = re.compile(r"(?<![\w-])--[a-z][a-z0-9-]*")


def options_of_help(program):
    done = subprocess.run([program, "--help"], capture_output=True, text=True, timeout=20, check=False)
    if done.returncode != 0:
        sys.exit(f"{program} --help: exit code {done.returncode}\n{done.stderr}")
    return set(OPTION.findall(done.stdout))


def options_of_page(text):
    """The options of the text of a page; in roff a hyphen may be written \\-."""
    lines = [line for line in text.splitlines() if not line.startswith(('.\\"', "'\\\""))]
    return set(OPTION.findall("\n".join(lines).replace("\\-", "-").replace("\\fR", "").replace("\\fB", "").replace("\\fI", "")))


def main(root, page, *programs):
    found = [path for path in pathlib.Path(root).rglob(page) if ".git" not in path.parts]
    if not found:
        source.skip(f"there is no {page} yet")
    missing = [program for program in programs if not pathlib.Path(program).exists()]
    if missing:
        source.skip(f"not built: {' '.join(missing)}")
    said = options_of_page(found[0].read_text(encoding="utf-8"))
    known = set()
    problems = []
    for program in programs:
        options = options_of_help(program)
        known |= options
        problems += [f"{page}: says nothing of {option} of {pathlib.Path(program).name}" for option in sorted(options - said)]
    problems += [f"{page}: names {option}, which no --help names" for option in sorted(said - known)]
    source.finish(problems, f"help of {page}")


if __name__ == "__main__":
    main(*sys.argv[1:])
