#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Who may include whom: folders by layers.txt, foreign libraries by libraries.txt; no cycles, no included .c files.

usage: check_layers.py ROOT
"""
import fnmatch
import pathlib
import sys

import source

HERE = pathlib.Path(__file__).parent
# Headers of libc and the kernel: these folders, and these names.
SYSTEM_FOLDERS = ("arpa", "asm", "linux", "net", "netinet", "sys")
SYSTEM_NAMES = set("""assert byteswap complex ctype dirent dlfcn elf endian err errno execinfo fcntl features fenv float
    fnmatch ftw getopt glob grp ifaddrs inttypes langinfo libgen limits link locale malloc math mntent netdb nl_types paths
    poll pthread pwd regex resolv sched search semaphore setjmp sgtty shadow signal spawn stdalign stdarg stdatomic stdbool
    stddef stdint stdio stdio_ext stdlib stdnoreturn string strings syslog tar termios threads time uchar ucontext ulimit
    unistd utime utmp utmpx wait wchar wctype wordexp""".split())


def check_table(rows, problems):
    above = set()
    for name, words in rows.items():
        for word in words:
            if word.split("/")[0] not in above:
                problems.append(f"layers.txt: '{name}' names '{word}', which is not a row above it")
        above.add(name)


def folder_of(path):
    """The row of a file: its folder below daemon/, `main` for those directly in it, `ctl`."""
    if path.parts[0] == "ctl":
        return "ctl"
    return path.parts[1] if len(path.parts) > 2 else "main"


def check_include(path, name, rows, problems, line):
    own = folder_of(path)
    target = name.split("/")[0]
    if "/" not in name:
        if own not in ("ctl", "main"):
            problems.append(f"{path}:{line}: \"{name}\" has to be written with its folder")
        return
    if target == "streamkeeper" or target == own:
        return
    if target not in rows:
        problems.append(f"{path}:{line}: \"{name}\" is in no folder of layers.txt")
    elif target not in rows[own] and name not in rows[own]:
        problems.append(f"{path}:{line}: {own} may not include {target} (\"{name}\")")


def check_system(path, name, libraries, problems, line):
    folder, _, rest = name.rpartition("/")
    if name in libraries:
        if not any(fnmatch.fnmatch(str(path), allowed) for allowed in libraries[name]):
            problems.append(f"{path}:{line}: <{name}> may be included only by {' '.join(libraries[name])}")
    elif folder.split("/")[0] not in SYSTEM_FOLDERS and (folder or rest.removesuffix(".h") not in SYSTEM_NAMES):
        problems.append(f"{path}:{line}: <{name}> is neither of libc nor in libraries.txt")


def module_of(name):
    return name.rsplit(".", 1)[0]


def find_cycles(edges):
    """The strongly connected groups of more than one module (Tarjan, without recursion)."""
    index, low, stack, on_stack, groups = {}, {}, [], set(), []
    for start in sorted(edges):
        work = [(start, iter(sorted(edges[start])))] if start not in index else []
        while work:
            node, targets = work[-1]
            if node not in index:
                index[node] = low[node] = len(index)
                stack.append(node)
                on_stack.add(node)
            target = next(targets, None)
            if target is None:
                work.pop()
                if work:
                    low[work[-1][0]] = min(low[work[-1][0]], low[node])
                if low[node] == index[node]:
                    group = []
                    while not group or group[-1] != node:
                        group.append(stack.pop())
                        on_stack.discard(group[-1])
                    if len(group) > 1:
                        groups.append(sorted(group))
            elif target not in index:
                work.append((target, iter(sorted(edges.get(target, ())))))
            elif target in on_stack:
                low[node] = min(low[node], index[target])
    return groups


def main(root):
    problems = []
    rows = source.table(HERE / "layers.txt")
    libraries = source.table(HERE / "libraries.txt")
    check_table(rows, problems)
    edges = {}
    for path in source.files(root, ["daemon", "ctl", "tests"], ".c", ".h"):
        own = module_of(str(path.relative_to("daemon") if path.parts[0] == "daemon" else path))
        for line, name, is_system in source.includes(source.text(root, path)):
            if name.endswith(".c"):
                problems.append(f"{path}:{line}: \"{name}\": a .c file is not included")
            if path.parts[0] == "tests":
                continue
            if is_system:
                check_system(path, name, libraries, problems, line)
                continue
            check_include(path, name, rows, problems, line)
            target = module_of(name if "/" in name else str(pathlib.Path(own).parent / name))
            if target != own:
                edges.setdefault(own, set()).add(target)
        if path.parts[0] != "tests" and folder_of(path) not in rows:
            problems.append(f"{path}: its folder has no row in layers.txt")
    for group in find_cycles(edges):
        problems.append(f"modules include each other in a circle: {' '.join(group)}")
    source.finish(problems, "layers")


if __name__ == "__main__":
    main(sys.argv[1])
