#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""The options a program names in its --help, or in the help of its verbs, and those its manual page names are the same.

usage: check_help.py ROOT PAGE PROGRAM…      one page may be that of several programs
"""
import pathlib
import re
import subprocess
import sys

import source

OPTION = re.compile(r"(?<![\w-])--[a-z][a-z0-9-]*")


def help_text(*command):
    done = subprocess.run(command, capture_output=True, text=True, timeout=20, check=False)
    if done.returncode != 0:
        sys.exit(f"{' '.join(command)}: exit code {done.returncode}\n{done.stderr}")
    return done.stdout


def options_of_help(program):
    """The options of the --help, and of the help of each verb it lists below "Verbs:"."""
    text = help_text(program, "--help")
    listed = re.search(r"^Verbs:\n((?:  .*\n)+)", text, re.MULTILINE)
    for verb in re.findall(r"^  (\w[\w-]*)", listed[1], re.MULTILINE) if listed else []:
        text += help_text(program, "help", verb)
    return set(OPTION.findall(text))


def flags_of_line(line):
    """A macro line of mdoc with its flags written out: "Fl -root" and "Fl Fl root" are --root."""
    words, hyphens = [], 0
    for word in line[1:].split():
        if word == "Fl":
            hyphens = hyphens + 1 if words and words[-1] == "Fl" else 1
        elif re.fullmatch(r"[A-Z][a-z]", word):
            hyphens = 0
        elif hyphens and re.match(r"[\w-]", word):
            words.append("-" * hyphens + word)
            continue
        words.append(word)
    return " ".join(words)


def options_of_page(text):
    """The options of the text of a page, in mdoc or man; there a hyphen may be written \\-."""
    lines = [line for line in text.splitlines() if not line.startswith(('.\\"', "'\\\""))]
    lines = [flags_of_line(line) if line.startswith(".") else line for line in lines]
    return set(OPTION.findall(re.sub(r"\\f[RBIP]", "", "\n".join(lines).replace("\\-", "-"))))


def main(root, page, *programs):
    found = [path for path in pathlib.Path(root).rglob(page) if ".git" not in path.parts]
    if not found:
        source.finish([f"there is no page {page}"], "help")
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
