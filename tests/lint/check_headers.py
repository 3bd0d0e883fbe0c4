#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Each header compiles alone, and each .c file includes its own header first.

usage: check_headers.py ROOT [COMPILER]
"""
import concurrent.futures
import subprocess
import sys

import source


def compile_alone(root, compiler, path):
    command = [compiler, "-std=gnu11", "-D_GNU_SOURCE", "-Wall", "-Wextra", "-Werror", "-fsyntax-only", "-x", "c", "-"]
    for folder in ("", "/daemon", "/include", "/tests"):
        command += ["-I", f"{root}{folder}"]
    # Through a file that includes it, twice: as the main file it would be "unused", and its guard would not be tried.
    program = f'#include "{root}/{path}"\n' * 2
    done = subprocess.run(command, input=program, capture_output=True, text=True, check=False)
    return f"{path}: does not compile alone:\n{done.stderr}" if done.returncode else None


def check_order(root, path):
    """The own header, if there is one, is the first include."""
    if not (root / path.with_suffix(".h")).exists():
        return None
    names = [name for _, name, _ in source.includes(source.text(root, path))]
    if names and names[0].split("/")[-1] == path.with_suffix(".h").name:
        return None
    return f"{path}: its own header is not its first include"


def main(root, compiler="cc"):
    root = source.pathlib.Path(root).resolve()
    headers = source.files(root, ["daemon", "ctl", "include", "tests/fake"], ".h")
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        results = list(pool.map(lambda path: compile_alone(root, compiler, path), headers))
    results += [check_order(root, path) for path in source.files(root, ["daemon", "ctl"], ".c")]
    source.finish([result for result in results if result], f"headers ({len(headers)})")


if __name__ == "__main__":
    main(*sys.argv[1:])
