# SPDX-License-Identifier: Apache-2.0
"""Builds the Java module once per build directory and knows how to start what is in it."""

import fcntl
import hashlib
import os
import pathlib
import shutil
import subprocess

from processes import Process

HERE = pathlib.Path(__file__).resolve().parent
MAIN = "streamkeeper.kafkatest.Main"
# Small heaps and quick starts: several of these share two cores.
JVM_OPTIONS = ["-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-Xss512k", "-XX:+ExitOnOutOfMemoryError",
               "-Dorg.slf4j.simpleLogger.showDateTime=true", "-Dorg.slf4j.simpleLogger.dateTimeFormat=HH:mm:ss.SSS",
               "-Dorg.slf4j.simpleLogger.showShortLogName=true",
               # A client prints all its settings when it starts, hundreds of lines that bury the rest.
               *(f"-Dorg.slf4j.simpleLogger.log.org.apache.kafka.{name}=warn"
                 for name in ("clients.producer.ProducerConfig", "clients.consumer.ConsumerConfig",
                              "clients.admin.AdminClientConfig", "streams.StreamsConfig", "common.utils.AppInfoParser"))]


def _digest():
    digest = hashlib.sha256()
    for path in [HERE / "pom.xml", *sorted((HERE / "src").rglob("*.java"))]:
        digest.update(str(path.relative_to(HERE)).encode() + b"\0" + path.read_bytes())
    return digest.hexdigest()


def _maven(target, *options):
    return subprocess.run(["mvn", "-q", "-B", *options, "-f", str(HERE / "pom.xml"), f"-Dkafkatest.target={target}", "package"],
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)


class Jars:
    """The built module in TARGET: the jar, and in lib/ everything it needs, the broker's classes among it."""

    def __init__(self, target):
        self.target = pathlib.Path(target).resolve()
        # The system's Java, not a wrapper that happens to come first in PATH.
        self.java = shutil.which("java", path="/usr/bin") or shutil.which("java")
        self.classpath = f"{self.target}/kafkatest.jar:{self.target}/lib/*"

    def build(self):
        """Builds if a source is newer than the jar. Tries offline first, so that a second run needs no network."""
        self.target.mkdir(parents=True, exist_ok=True)
        with open(self.target / "lock", "w", encoding="utf-8") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            stamp = self.target / "built-from"
            wanted = _digest()
            if stamp.exists() and stamp.read_text(encoding="utf-8") == wanted:
                return self
            shutil.rmtree(self.target / "lib", ignore_errors=True)
            result = _maven(self.target, "-o")
            if result.returncode != 0:
                result = _maven(self.target)
            if result.returncode != 0:
                raise RuntimeError(f"Maven failed to build {HERE}:\n{result.stdout}")
            stamp.write_text(wanted, encoding="utf-8")
        return self

    def command(self, main, *arguments, heap="256m", options=()):
        """The argv of a JVM that runs class MAIN."""
        return [self.java, f"-Xmx{heap}", *JVM_OPTIONS, *options, "-cp", self.classpath, main, *map(str, arguments)]

    def tool(self, *arguments, seconds=120):
        """Runs one of the module's short programs to its end and returns what it printed; RuntimeError if it failed."""
        result = subprocess.run(self.command(MAIN, *arguments, options=["-Dorg.slf4j.simpleLogger.defaultLogLevel=warn"]),
                                stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=seconds, check=False)
        if result.returncode != 0:
            raise RuntimeError(f"{' '.join(map(str, arguments))}: exit status {result.returncode}\n"
                               f"{result.stdout}{result.stderr}")
        return result.stdout

    def start(self, name, log, *arguments):
        """Starts one of the module's programs and leaves it running."""
        return Process(name, self.command(MAIN, *arguments, options=["-Dorg.slf4j.simpleLogger.defaultLogLevel=warn"]), log)


def build_directory():
    """$STREAMKEEPER_BUILD, else build/ at the top of the source."""
    return pathlib.Path(os.environ.get("STREAMKEEPER_BUILD") or HERE.parent.parent / "build").resolve()


def default_target():
    return build_directory() / "kafka"
