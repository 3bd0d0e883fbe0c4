#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""What the text of the project never holds, and what each file begins with.

  everywhere     paths of somebody's machine, open questions without a reference, marks of a merge, blanks at line ends
  daemon and     no sleep: a loop waits for events, a test for an event with a deadline
  tests/unit
  each source    names its licence in its first two lines

usage: check_text.py ROOT
"""
import re
import sys

import source

ENDINGS = (".c", ".h", ".py", ".sh", ".java", ".xml", ".md", ".txt", ".conf", ".in", ".service", ".slice", "meson.build",
           "meson_options.txt", "Makefile", ".1", ".5", ".7", ".8", ".json", ".toml", ".cfg", ".bash")
FOLDERS = ["daemon", "ctl", "include", "units", "etc", "tests", ".ci"]
EVERYWHERE = [
    (re.compile(r"(?<![\w.%/}=-])/(home|work|Users)/\w"), "a path of somebody's machine"),
    (re.compile(r"\b(TODO|FIXME|XXX)\b(?!\(#\d+\))"), "an open question without a reference: TODO(#number)"),
    (re.compile(r"^(<{7}|>{7}|={7})( |$)"), "a mark of a merge"),
    (re.compile(r"[ \t]+$"), "blanks at the end of the line"),
]
SLEEP = re.compile(r"\b(u|nano|clock_nano)?sleep\s*\(")
LICENCE = "SPDX-License-Identifier: Apache-2.0"
LICENSED = (".c", ".h", ".py", ".sh", ".java", "Makefile")
INPUTS = "golden", "corpus"  # what tests read is as it has to be
OWN = "check_text.py", "test_lint.py"


def check_lines(path, content, problems):
    for number, line in enumerate(content.splitlines(), 1):
        for pattern, what in EVERYWHERE:
            if pattern.search(line):
                problems.append(f"{path}:{number}: {what}: {line.strip()[:80]}")


def check_sleep(path, content, problems):
    clean = source.code(content)
    for match in SLEEP.finditer(clean):
        problems.append(f"{path}:{clean.count(chr(10), 0, match.start()) + 1}: {match[0]}…): wait for an event")


def main(root):
    problems = []
    top = [p.relative_to(root) for p in sorted(source.pathlib.Path(root).iterdir())
           if p.is_file() and p.name.endswith(ENDINGS)]
    for path in top + source.files(root, FOLDERS, *ENDINGS):
        if (path.name in OWN and "lint" in path.parts) or any(folder in path.parts for folder in INPUTS):
            continue
        content = source.text(root, path)
        check_lines(path, content, problems)
        if path.suffix in (".c", ".h") and (path.parts[0] == "daemon" or path.parts[:2] == ("tests", "unit")):
            check_sleep(path, content, problems)
        if path.name.endswith(LICENSED) and content.strip() and LICENCE not in "".join(content.splitlines(True)[:2]):
            problems.append(f"{path}: does not name its licence in its first two lines: {LICENCE}")
    source.finish(problems, "text")


if __name__ == "__main__":
    main(sys.argv[1])
