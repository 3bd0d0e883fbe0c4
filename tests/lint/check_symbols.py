#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""What the root process calls is written down: its undefined symbols are exactly those of symbols.txt.

A new name there is a question for the review: may a root process that never allocates after its start, resolves no names
and loads no code call this?

usage: check_symbols.py LAUNCHER [--print]
"""
import pathlib
import re
import subprocess
import sys

import source

# Never, whatever the list says: name services, loading of code, shells.
NEVER = re.compile(r"^(getpw.*|getgr(nam|gid|ent).*|initgroups|getaddrinfo|gethostby.*|dlopen|dlsym|system|popen|wordexp|pthread_create)$")


def normalise(symbol):
    """The name without the decoration of optimisation and fortification."""
    symbol = symbol.split("@")[0]
    symbol = re.sub(r"^__isoc(99|23)_", "", symbol)
    fortified = re.match(r"^__(\w+)_chk$", symbol)
    symbol = fortified[1] if fortified else symbol
    return symbol.removesuffix("64")


def undefined(program):
    out = subprocess.run(["nm", "-D", "--undefined-only", program], capture_output=True, text=True, check=True).stdout
    symbols = {normalise(line.split()[-1]) for line in out.splitlines() if line.split()[0] == "U"}
    if any(name.startswith(("__asan_", "__ubsan_", "__tsan_")) for name in symbols):
        source.skip("built with a sanitizer, which brings symbols of its own")
    return symbols - {"__stack_chk_fail", "stack_chk_fail"}


def main(program, option=""):
    if not pathlib.Path(program).exists():
        source.skip(f"not built: {program}")
    symbols = undefined(program)
    if option == "--print":
        print("\n".join(sorted(symbols)))
        return
    listed = source.table(pathlib.Path(__file__).parent / "symbols.txt")
    allowed = {word for words in listed.values() for word in words}
    problems = [f"calls {name}, which is not in symbols.txt" for name in sorted(symbols - allowed)]
    problems += [f"{name} can never be allowed" for name in sorted(symbols | allowed) if NEVER.match(name)]
    # A build without optimisation calls more than one with it: what a list names too much is seen in the default build.
    source.finish(problems, "symbols")


if __name__ == "__main__":
    main(*sys.argv[1:])
