# SPDX-License-Identifier: Apache-2.0
"""Fixtures of the tests with a real Kafka: jars, broker, data, and the logs that a failure shows."""

import pathlib
import sys
import time

import pytest

HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent / "harness")]
import dataset  # noqa: E402
from broker import Broker  # noqa: E402
from javatools import Jars, build_directory, default_target  # noqa: E402
from service import Service  # noqa: E402

LOG_TAIL = 6000
INPUT_PARTITIONS = 4
# Where a test keeps logs besides its tmp_path.
LOG_TOP = pytest.StashKey()


def pytest_addoption(parser):
    parser.addoption("--kafka-keep", action="store_true", help="leave the service's files in /tmp/sk-kafka-*")
    parser.addoption("--kafka-target", default=None, help="where the Java module is built (default: BUILD/kafka)")


class Feed:
    """The data set as a file, and its expected results."""

    def __init__(self, directory):
        self.packages = dataset.packages()
        self.path = directory / "packages.tsv"
        dataset.write(self.packages, self.path)
        # Event times in the recent past: a broker refuses those of the future and expires those of long ago.
        self.epoch = (int(time.time()) - 2 * 86400) // dataset.WINDOW_SECONDS * dataset.WINDOW_SECONDS

    def __len__(self):
        return len(self.packages)

    def arguments(self, first, last, rate=0):
        return ["feed", "--topic", "packages", "--file", self.path, "--from", first, "--to", last,
                "--epoch-ms", self.epoch * 1000, "--rate", rate]

    def expected(self, count):
        return dataset.expected(self.packages, self.epoch, count)


class Cluster:
    """A broker with the application's topics, and the tools to look into it."""

    def __init__(self, jars, broker, directory):
        self.jars = jars
        self.broker = broker
        self.directory = directory

    def tool(self, name, *arguments, seconds=150):
        return self.jars.tool(name, *arguments, "--bootstrap", self.broker.bootstrap, seconds=seconds)

    def create_topics(self):
        self.tool("topics", *(argument for topic in ("packages", "dependants", "section-size")
                              for argument in ("--create", f"{topic}:{INPUT_PARTITIONS}")))

    def changelog_records(self):
        """How many committed records the changelog topics hold: what a start without any state has to restore."""
        topics = [f"relations-{store}-changelog" for store in ("dependants-store", "section-size-store")]
        out = self.tool("topics", *(argument for topic in topics for argument in ("--count", topic)))
        return sum(int(line.split("\t")[2]) for line in out.splitlines())

    def await_totals(self, expected, share=1.0, seconds=120):
        """Returns once the last values of both result topics add up to that share of what is expected; fails after so many
        seconds."""
        wanted = [f"{topic}={int(total * share)}" for topic, total in dataset.totals(expected).items()]
        self.tool("read", *(a for topic in wanted for a in ("--topic", topic)), "--out", self.directory, "--deadline", seconds)

    def results(self):
        """({topic: {key: last value}}, number of values that were smaller than the one before them)."""
        out = self.tool("read", "--topic", "dependants", "--topic", "section-size", "--out", self.directory)
        found = {}
        for topic in ("dependants", "section-size"):
            lines = (self.directory / f"{topic}.tsv").read_text(encoding="utf-8").splitlines()
            found[topic] = {key: int(value) for key, value in (line.split("\t") for line in lines)}
        return found, sum(int(part.split("=")[1]) for part in out.split() if part.startswith("regressions="))


@pytest.fixture(scope="session")
def jars(request):
    return Jars(request.config.getoption("--kafka-target", None) or default_target()).build()


@pytest.fixture(scope="session")
def feed(tmp_path_factory):
    return Feed(tmp_path_factory.mktemp("data"))


@pytest.fixture
def cluster(jars, tmp_path):
    directory = tmp_path / "results"
    directory.mkdir()
    with Broker(jars, tmp_path / "broker") as broker:
        made = Cluster(jars, broker, directory)
        made.create_topics()
        yield made


@pytest.fixture
def service(request):
    made = Service(build_directory(), name="kafka")
    request.node.stash[LOG_TOP] = made.root
    try:
        yield made.start()
    finally:
        made.destroy(keep=request.config.getoption("--kafka-keep", False))


@pytest.fixture
def timeline():
    """note(text): what happened when, printed with the test's output."""
    began = time.monotonic()

    def note(text):
        print(f"[{time.monotonic() - began:6.1f} s] {text}", flush=True)

    return note


def log_files(top):
    """Logs of tools, broker, launcher and instances below a directory; not the broker's data, whose files end in .log too."""
    return sorted(path for path in top.rglob("*.log") if path.is_file() and "data" not in path.relative_to(top).parts
                  and "state" not in path.relative_to(top).parts)


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item, call):
    """A failed test shows the end of every log, the application's and the service's among them."""
    report = (yield).get_result()
    if not report.failed:
        return
    tops = [item.funcargs["tmp_path"]] if "tmp_path" in item.funcargs else []
    if LOG_TOP in item.stash:
        tops.append(item.stash[LOG_TOP])
    for top in tops:
        for path in log_files(top):
            text = path.read_text(encoding="utf-8", errors="replace")
            report.sections.append((f"log {path}", text[-LOG_TAIL:]))
