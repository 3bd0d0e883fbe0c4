# SPDX-License-Identifier: Apache-2.0
"""What all checks share: which files there are, code without its comments, and how a check ends."""
import pathlib
import re
import sys

SKIP = 77
TOKEN = re.compile(r"""//[^\n]*|/\*.*?\*/|"(?:\\.|[^"\\\n])*"|'(?:\\.|[^'\\\n])*'""", re.DOTALL)
INCLUDE = re.compile(r'^[ \t]*#[ \t]*include[ \t]*([<"])([^>"]+)[>"]', re.MULTILINE)


def files(root, folders, *endings):
    """The files below the folders with one of the endings, as paths relative to root, sorted."""
    found = set()
    for folder in folders:
        start = pathlib.Path(root, folder)
        for path in start.rglob("*") if start.is_dir() else []:
            if path.is_file() and path.name.endswith(endings) and "__pycache__" not in path.parts:
                found.add(path.relative_to(root))
    return sorted(found)


def text(root, path):
    return pathlib.Path(root, path).read_text(encoding="utf-8", errors="replace")


def blank(match, keep_strings):
    """Spaces in place of a comment or a string, so that lines and columns stay."""
    token = match[0]
    if token[0] in "\"'" and keep_strings:
        return token
    inner = re.sub(r"[^\n]", " ", token)
    return token[0] + inner[1:-1] + token[-1] if token[0] in "\"'" else inner


def code(source, keep_strings=False):
    """C source with its comments (and its strings) blanked."""
    return TOKEN.sub(lambda m: blank(m, keep_strings), source)


def includes(source):
    """(line, name, is_system) of each include."""
    clean = code(source, keep_strings=True)
    return [(clean.count("\n", 0, m.start(2)) + 1, m[2], m[1] == "<") for m in INCLUDE.finditer(clean)]


def table(path):
    """Rows "name: word word…" of a file with # comments, in order; a line that begins with a blank goes on with the last."""
    rows, last = {}, None
    for number, line in enumerate(pathlib.Path(path).read_text(encoding="utf-8").splitlines(), 1):
        line = line.split("#", 1)[0].rstrip()
        if not line.strip():
            continue
        if line[0].isspace() and last is not None:
            rows[last] += line.split()
            continue
        name, colon, words = line.partition(":")
        if not colon or name.strip() in rows:
            sys.exit(f"{path}:{number}: not a row of its own: '{line}'")
        last = name.strip()
        rows[last] = words.split()
    return rows


def finish(problems, what):
    """Prints the problems and ends: 1 with any, else 0."""
    for problem in problems:
        print(problem)
    print(f"{what}: {len(problems)} problem(s)" if problems else f"{what}: fine")
    sys.exit(1 if problems else 0)


def skip(reason):
    print(f"skip: {reason}")
    sys.exit(SKIP)
