#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Budgets: what grows beyond them wants to be two things.

  function       60 lines; 100 for option parsing (options.c) and the bodies of tests
  file          400 lines; 600 for tests
  header        120 lines of declarations: without comments and blank lines
  main.c        120 lines of a program's composition root
  name          no file is called util, misc, common or helpers

usage: check_sizes.py ROOT
"""
import re
import sys

import source

VAGUE = re.compile(r"(^|_)(utils?|misc|common|helpers?)$")


def functions(source_text):
    """(name, first line, lines) of each function, by the shape the formatter gives: it ends with a } in column 0."""
    found, start, header = [], None, ""
    for number, line in enumerate(source.code(source_text).splitlines(), 1):
        if start is None and re.match(r"[A-Za-z_]", line):
            start, header = number, ""
        if start is None:
            continue
        if not header.endswith("{"):
            header += line.rstrip()
            if header.endswith(";") or header.endswith(":"):
                start = None
        if line.startswith("}") and start is not None:
            name = re.search(r"(\w+)\(", header.split("{")[0])
            if name and "=" not in header and not re.match(r"(struct|enum|union)\s+\w+\s*\{", header):
                found.append((name[1], start, number - start + 1))
            start = None
    return found


def declarations(source_text):
    return sum(1 for line in source.code(source_text).splitlines() if line.strip())


def check_file(path, content, problems):
    is_test = path.parts[0] == "tests"
    lines = content.count("\n")
    limit = 600 if is_test else 400
    if lines > limit:
        problems.append(f"{path}: {lines} lines, more than {limit}")
    if path.name == "main.c" and lines > 120 and not is_test:
        problems.append(f"{path}: {lines} lines, more than 120 for a composition root")
    if path.suffix == ".h" and declarations(content) > 120:
        problems.append(f"{path}: {declarations(content)} lines of declarations, more than 120")
    limit = 100 if is_test or path.name == "options.c" else 60
    for name, first, length in functions(content):
        if length > limit:
            problems.append(f"{path}:{first}: {name} has {length} lines, more than {limit}")


def main(root):
    problems = []
    for path in source.files(root, ["daemon", "ctl", "include", "tests"], ".c", ".h"):
        check_file(path, source.text(root, path), problems)
    for path in source.files(root, ["daemon", "ctl", "include", "tests"], ".c", ".h", ".py"):
        if VAGUE.search(path.stem):
            problems.append(f"{path}: a name that says nothing")
    source.finish(problems, "sizes")


if __name__ == "__main__":
    main(sys.argv[1])
