#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""`streamctl simulate` over the traces of tests/golden/trace: NAME.trace gives NAME.ok. With GOLDEN_UPDATE=1 in the
environment the expected files are written instead, for a person to read.

usage: test_simulate.py STREAMCTL FOLDER"""
import json
import os
import pathlib
import re
import subprocess
import sys

STREAMCTL, FOLDER = sys.argv[1], pathlib.Path(sys.argv[2])
results = []


def simulate(*args, stdin=None):
    return subprocess.run([STREAMCTL, "simulate", *map(str, args)], input=stdin, capture_output=True, timeout=60, check=False)


def check(name, good, why=""):
    results.append(good)
    print(f"{'ok' if good else 'not ok'} {len(results)} - {name}{'' if good else ': ' + str(why)}")


def golden(trace):
    done = simulate("--all", trace)
    text = done.stdout.decode()
    if os.environ.get("GOLDEN_UPDATE"):
        trace.with_suffix(".ok").write_text(text, encoding="utf-8")
    check(trace.stem, done.returncode == 0 and text == trace.with_suffix(".ok").read_text(encoding="utf-8"),
          done.stderr.decode() or "differs from what is expected")
    answer = json.loads(simulate("--json", "--all", trace).stdout)
    lines = re.findall(r"^ +[0-9]+\.[0-9]s  ", text, re.MULTILINE)
    check(f"{trace.stem} as JSON", len(answer["verdicts"]) == len(lines) and
          all(v["avoid"] and v["text"] in text for v in answer["verdicts"]), "other verdicts than the text")
    again = simulate("--all", "-", stdin=trace.read_bytes())
    check(f"{trace.stem} from standard input, the same", again.stdout == done.stdout)


def policy(trace, text):
    path = pathlib.Path(os.environ.get("TMPDIR", "/tmp"), f"sk-policy-{os.getpid()}.conf")
    path.write_text(text, encoding="utf-8")
    try:
        return simulate("--policy", path, trace)
    finally:
        path.unlink()


def main():
    traces = sorted(FOLDER.glob("*.trace"))
    check("there are traces", len(traces) >= 5)
    for trace in traces:
        golden(trace)
    spinners = FOLDER / "spinners.trace"
    lax = policy(spinners, "[hot]\ncpu-1s = 99%\ncpu-10s = 98%\n")
    check("another policy decides otherwise", lax.returncode == 0 and b"nothing would have been done" in lax.stdout, lax.stdout)
    wrong = policy(spinners, "[hot]\ncpu-1s = 5\n")
    check("a wrong policy", wrong.returncode == 3 and b"[hot] cpu-1s" in wrong.stderr, wrong.stderr)
    other = policy(spinners, "[governor]\nprotect = batch\n")
    check("a class that is not in the trace", other.returncode == 3 and b'"batch"' in other.stderr, other.stderr)
    bad = simulate("-", stdin=b"streamkeeper-trace 1\nclass a\nsample 1\nnonsense\n")
    check("a wrong line", bad.returncode == 3 and b"line 4" in bad.stderr, bad.stderr)
    long = simulate("-", stdin=b"streamkeeper-trace 1\n" + b"x" * 5_000_000)
    check("a line without an end", long.returncode == 3 and b"line 2" in long.stderr, long.stderr)
    missing = simulate("/nonexistent/trace")
    check("no such file", missing.returncode == 1 and b"/nonexistent/trace" in missing.stderr, missing.stderr)
    print(f"1..{len(results)}")
    sys.exit(0 if all(results) else 1)


main()
