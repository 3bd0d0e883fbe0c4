#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Turns the shipped class files into a C header: embed_classes.py OUTPUT FILE..."""
import pathlib
import sys


def literal(text):
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", '\\n"\n     "') + '"'


def main(output, *files):
    lines = ["/* Made from etc/classes.d at build time. */", "static const struct {",
             "    const char *name, *text;", "} shipped_classes[] = {"]
    for path in map(pathlib.Path, files):
        # Comments are for people: the daemon needs only the settings.
        kept = [l for l in path.read_text(encoding="ascii").splitlines() if l and l[0] not in ";#"]
        lines.append(f'    {{"{path.stem}",\n     {literal(chr(10).join(kept) + chr(10))}}},')
    lines.append("};")
    pathlib.Path(output).write_text("\n".join(lines) + "\n", encoding="ascii")


main(*sys.argv[1:])
