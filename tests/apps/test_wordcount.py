#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""The sample topology counts exactly, whatever is killed and whenever: broker, feed and counters by hand, no supervisor.

The programs come from the build tree: $STREAMKEEPER_BUILD, or build/ beside the sources.
"""
import collections
import os
import pathlib
import random
import re
import select
import signal
import subprocess
import time

import pytest

BUILD = pathlib.Path(os.environ.get("STREAMKEEPER_BUILD") or pathlib.Path(__file__).resolve().parents[2] / "build")
APPS = BUILD.resolve() / "tests" / "apps"
WORD = re.compile(rb"[a-z0-9\x80-\xff]+")

pytestmark = pytest.mark.skipif(
    not (APPS / "wordcount").exists(), reason=f"no wordcount in '{APPS}': build with -Dsamples=true")


def count_words(lines, total):
    """Counts the words of the first `total` lines of an endless repetition of `lines`."""
    counts = collections.Counter()
    rounds, rest = divmod(total, len(lines))
    for index, line in enumerate(lines):
        times = rounds + (index < rest)
        for word in WORD.findall(line.lower()) if times else ():
            counts[word[:255]] += times
    return counts


def dumped(*dirs):
    text = subprocess.run([APPS / "wordcount", "--dump", *dirs], check=True, stdout=subprocess.PIPE).stdout
    counts = collections.Counter()
    for line in text.splitlines():
        fields = line.split(b" ")
        if fields[0] == b"word":
            counts[fields[2]] += int(fields[3])
    return counts


def stats(path):
    try:
        return {key: int(value) for key, value in (line.split("=") for line in path.read_text().splitlines())}
    except FileNotFoundError:
        return {}


def wait_until(what, condition, seconds=60.0):
    """Looks again each time something may have changed; the programs replace their figures ten times a second."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, f"not within {seconds:g} s: {what}"
        select.select([], [], [], 0.02)


class Ground:
    """A broker with its topics, and the processes that are to be ended with it."""

    def __init__(self, folder):
        self.folder, self.processes = folder, []
        self.address = folder / "address"
        self.text = folder / "text"
        seed = random.Random(7)
        words = ["stream", "Keeper", "offset", "don't", "größe", "x1", "A", "b" * 300] + [f"w{i}" for i in range(900)]
        self.lines = [" ".join(seed.choices(words, k=seed.randint(0, 14))) for _ in range(2500)]
        self.text.write_text("\n".join(self.lines) + "\n")
        self.run("devbroker", "--partitions", "6", "--topic", "lines", "--topic", "counts", "--address-file",
                 self.address)

    def run(self, program, *arguments):
        process = subprocess.Popen([APPS / program, *map(str, arguments)], stdout=subprocess.DEVNULL)
        self.processes.append(process)
        return process

    def feed(self, *arguments):
        return self.run("linefeed", "--bootstrap-file", self.address, "--text", self.text, "--stats",
                        self.folder / "feed.stats", *arguments)

    def counter(self, number, *arguments):
        return self.run("wordcount", "--bootstrap-file", self.address, "--state", self.folder / f"state{number}",
                        "--stats", self.folder / f"stats{number}", "--client-id", f"wordcount-{number}",
                        "--batch-lines", "7", *arguments)

    def owned(self, number, process):
        """The partitions that this very process reports to own."""
        figures = stats(self.folder / f"stats{number}")
        return figures.get("partitions", 0) if figures.get("pid") == process.pid else 0

    def lines_counted(self, *numbers):
        return sum(stats(self.folder / f"stats{number}").get("lines", 0) for number in numbers)

    def end(self):
        for process in reversed(self.processes):
            process.kill()
            process.wait()


@pytest.fixture
def ground(tmp_path):
    ground = Ground(tmp_path)
    yield ground
    ground.end()


def test_kill_in_a_loop_keeps_counts_exact(ground):
    total, kills = 120000, 0
    feed = ground.feed("--rate", 15000, "--lines", total)
    counters = [ground.counter(i, "--share", f"{i}/2") for i in (0, 1)]
    seed = random.Random(3)
    while ground.lines_counted(0, 1) < total:
        victim = seed.randrange(2)
        before = ground.lines_counted(victim)
        goal = before + seed.randrange(1, 6000)
        wait_until("the victim counts on",
                   lambda: ground.lines_counted(victim) >= min(goal, total // 2) or counters[victim].poll() is not None)
        assert counters[victim].poll() is None, "a counter ended by itself"
        counters[victim].send_signal(signal.SIGKILL)
        counters[victim].wait()
        kills += 1
        counters[victim] = ground.counter(victim, "--share", f"{victim}/2")
        if kills % 4 == 0 and feed.poll() is None:
            feed.kill()
            feed.wait()
            feed = ground.feed("--rate", 15000, "--lines", total)
        wait_until("the new one has read its state", lambda: ground.owned(victim, counters[victim]) == 3)
        assert ground.lines_counted(victim) >= before
    assert feed.wait(30) == 0
    for counter in counters:
        counter.terminate()
        assert counter.wait(10) == 0
    assert kills >= 8
    assert stats(ground.folder / "feed.stats")["lines"] == total
    expected = count_words([line.encode() for line in ground.lines], total)
    assert dumped(ground.folder / "state0", ground.folder / "state1") == expected


def test_group_moves_partitions_and_stays_exact(ground):
    total = 60000
    feed = ground.feed("--rate", 4000, "--lines", total)
    counters = [ground.counter(i, "--session-ms", 4000) for i in (0, 1)]
    wait_until("both own partitions", lambda: all(ground.owned(i, counters[i]) == 3 for i in (0, 1)))
    counters[0].send_signal(signal.SIGKILL)
    counters[0].wait()
    wait_until("the other one took over", lambda: ground.owned(1, counters[1]) == 6)
    counters[0] = ground.counter(0, "--session-ms", 4000)
    assert feed.wait(60) == 0
    wait_until("all is counted", lambda: ground.lines_counted(0, 1) == total and
               ground.owned(0, counters[0]) == 3)
    for counter in counters:
        counter.terminate()
        assert counter.wait(20) == 0
    expected = count_words([line.encode() for line in ground.lines], total)
    assert dumped(ground.folder / "state0", ground.folder / "state1") == expected


def test_state_of_another_broker_is_refused(ground, tmp_path):
    ground.feed("--lines", 3000).wait(30)
    counter = ground.counter(0, "--share", "0/1")
    wait_until("counted", lambda: ground.lines_counted(0) == 3000)
    counter.terminate()
    assert counter.wait(10) == 0
    before = dumped(ground.folder / "state0")
    ground.processes[0].terminate()
    assert ground.processes[0].wait(10) == 0
    wait_until("the old address is gone", lambda: not ground.address.exists())
    ground.run("devbroker", "--partitions", "6", "--topic", "lines", "--address-file", ground.address)
    assert ground.counter(0, "--share", "0/1").wait(30) == 78
    assert dumped(ground.folder / "state0") == before
