#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""The shared libraries each program needs are exactly those of needed.txt: the root process links libc only.

usage: check_needed.py PROGRAM…
"""
import pathlib
import re
import subprocess
import sys

import source

SANITIZER = re.compile(r"^lib(asan|ubsan|tsan|lsan)\.")


def needed(program):
    out = subprocess.run(["readelf", "-d", "-W", program], capture_output=True, text=True, check=True).stdout
    return re.findall(r"\(NEEDED\).*\[(.*)\]", out)


def main(programs):
    allowed = source.table(pathlib.Path(__file__).parent / "needed.txt")
    problems, missing = [], []
    for program in map(pathlib.Path, programs):
        if not program.exists():
            missing.append(program.name)
            continue
        libraries = needed(program)
        if any(SANITIZER.match(name) for name in libraries):
            source.skip("built with a sanitizer, which brings libraries of its own")
        if program.name not in allowed:
            problems.append(f"{program.name}: has no row in needed.txt")
            continue
        want = {re.compile(word) for word in allowed[program.name]}
        for name in libraries:
            if not any(pattern.fullmatch(name) for pattern in want):
                problems.append(f"{program.name}: needs {name}, which needed.txt does not allow")
        for pattern in want:
            if not any(pattern.fullmatch(name) for name in libraries):
                problems.append(f"{program.name}: does not need {pattern.pattern}: take it out of needed.txt")
    if missing and not problems:
        source.skip(f"not built: {' '.join(missing)}; the others are fine")
    source.finish(problems, "needed")


if __name__ == "__main__":
    main(sys.argv[1:])
