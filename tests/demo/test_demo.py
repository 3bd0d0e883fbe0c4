#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""The demo runs to its end, counts exactly, and leaves nothing behind, also when it is interrupted."""
import os
import pathlib
import re
import select
import signal
import subprocess
import tempfile
import time

import pytest

HERE = pathlib.Path(__file__).resolve().parent
BUILD = pathlib.Path(os.environ.get("STREAMKEEPER_BUILD") or HERE.parents[1] / "build").resolve()

pytestmark = pytest.mark.skipif(not (BUILD / "tests/apps/wordcount").exists(),
                                reason=f"no sample programs in '{BUILD}': build with -Dsamples=true")


@pytest.fixture
def demo(monkeypatch):
    """Starts the demo with a temporary folder of its own, by which whatever it leaves can be told."""
    folder = tempfile.mkdtemp(prefix="skd-", dir="/tmp")
    os.chmod(folder, 0o755)
    monkeypatch.setenv("TMPDIR", folder)
    process = subprocess.Popen([HERE / "demo", "--build", BUILD, "--fast", "--plain"], stdin=subprocess.DEVNULL,
                               stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    yield process, pathlib.Path(folder)
    if process.poll() is None:
        process.send_signal(signal.SIGINT)
        process.wait(60)
    pathlib.Path(folder).rmdir()


def left_running(folder):
    """Processes whose command line speaks of the folder."""
    found = []
    for entry in pathlib.Path("/proc").iterdir():
        try:
            if entry.name.isdigit() and str(folder).encode() in (entry / "cmdline").read_bytes():
                found.append(entry.name)
        except OSError:
            continue
    return found


def test_runs_to_its_end_with_exact_counts(demo):
    process, folder = demo
    output, _ = process.communicate(timeout=120)
    print(output)
    assert process.returncode == 0, output
    assert re.search(r"counts +EXACT: [1-9][0-9,]* words", output)
    assert re.search(r"kill -9 wordcount +new process after [0-9.]+ ms", output)
    same, of = re.search(r"(\d+) of (\d+) app pids unchanged", output).groups()
    assert same == of and int(of) >= 6
    assert "kept apart here by" in output
    assert not left_running(folder)
    assert not list(folder.iterdir())


def test_interrupted_it_cleans_up(demo):
    process, folder = demo
    seen = ""
    deadline = time.monotonic() + 90
    while "as ad-hoc apps" not in seen:
        assert select.select([process.stdout], [], [], max(0, deadline - time.monotonic()))[0], seen
        text = os.read(process.stdout.fileno(), 4096).decode()
        assert text, f"ended early:\n{seen}"
        seen += text
    assert left_running(folder)
    process.send_signal(signal.SIGINT)
    rest, _ = process.communicate(timeout=60)
    assert process.returncode == 130, seen + rest
    assert not left_running(folder)
    assert not list(folder.iterdir())


def test_an_incomplete_build_is_refused(tmp_path):
    done = subprocess.run([HERE / "demo", "--build", tmp_path], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    assert done.returncode == 2
    assert "is not a complete build: daemon/streamkeeper-launcher" in done.stdout
