#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""One real Kafka broker (KRaft, broker and controller in one JVM) on this host's loopback, for tests and benches.

As a module:   with Broker(jars, directory) as broker: ... broker.bootstrap ...
As a program:  broker.py --dir DIR [--guest] prints "READY HOST:PORT [GUEST:PORT]" and runs until SIGTERM or SIGINT.
With `guest`, a second listener is advertised as 10.0.2.2, the address under which a QEMU guest with user networking
reaches the host's loopback."""

import argparse
import pathlib
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time

HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent / "harness")]
from javatools import Jars, default_target  # noqa: E402
from processes import Process  # noqa: E402

CLUSTER_ID = "c3RyZWFta2VlcGVyLXRlcw"
GUEST_HOST = "10.0.2.2"
START_SECONDS = 60
# Two tries more when another process took a port between its choice and the broker's bind.
START_TRIES = 3

PROPERTIES = """\
process.roles=broker,controller
node.id=1
controller.quorum.voters=1@127.0.0.1:{controller}
controller.listener.names=CONTROLLER
inter.broker.listener.name=HOST
listeners={listeners}
advertised.listeners={advertised}
listener.security.protocol.map=CONTROLLER:PLAINTEXT,HOST:PLAINTEXT,GUEST:PLAINTEXT
log.dirs={data}
num.partitions=1
auto.create.topics.enable=false
default.replication.factor=1
min.insync.replicas=1
offsets.topic.replication.factor=1
offsets.topic.num.partitions=4
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
transaction.state.log.num.partitions=4
# Both instances of an app that start together are in the first assignment.
group.initial.rebalance.delay.ms=2000
log.index.size.max.bytes=1048576
num.network.threads=2
num.io.threads=4
"""


def free_ports(count):
    """Ports of 127.0.0.1 that nobody listens on at this moment."""
    sockets = [socket.socket() for _ in range(count)]
    try:
        for each in sockets:
            each.bind(("127.0.0.1", 0))
        return [each.getsockname()[1] for each in sockets]
    finally:
        for each in sockets:
            each.close()


class Broker:
    """start() makes a new, empty broker in DIRECTORY; stop() ends it; restart() brings it back with its data and ports."""

    def __init__(self, jars, directory, guest=False, heap="512m"):
        self.jars = jars
        self.directory = pathlib.Path(directory)
        self.data = self.directory / "data"
        self.log = self.directory / "broker.log"
        self.guest = guest
        self.heap = heap
        self.process = None
        self.ports = None

    @property
    def bootstrap(self):
        return f"127.0.0.1:{self.ports[0]}"

    @property
    def guest_bootstrap(self):
        return f"{GUEST_HOST}:{self.ports[2]}" if self.guest else None

    def _configure(self):
        self.ports = free_ports(3)
        host, controller, guest = self.ports
        listeners = [f"HOST://127.0.0.1:{host}", f"CONTROLLER://127.0.0.1:{controller}"]
        advertised = [f"HOST://127.0.0.1:{host}"]
        if self.guest:
            listeners.append(f"GUEST://127.0.0.1:{guest}")
            advertised.append(f"GUEST://{GUEST_HOST}:{guest}")
        text = PROPERTIES.format(controller=controller, data=self.data, listeners=",".join(listeners),
                                 advertised=",".join(advertised))
        (self.directory / "server.properties").write_text(text, encoding="utf-8")

    def _format(self):
        shutil.rmtree(self.data, ignore_errors=True)
        argv = self.jars.command("kafka.tools.StorageTool", "format", "-t", CLUSTER_ID, "-c",
                                 self.directory / "server.properties")
        result = subprocess.run(argv, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=60, check=False)
        if result.returncode != 0:
            raise RuntimeError(f"formatting {self.data} failed:\n{result.stdout}{result.stderr}")

    def _launch(self):
        argv = self.jars.command("kafka.Kafka", self.directory / "server.properties", heap=self.heap)
        self.process = Process("broker", argv, self.log)
        self.process.wait_line(lambda line: "Kafka Server started" in line, START_SECONDS)

    def start(self):
        self.directory.mkdir(parents=True, exist_ok=True)
        for tries_left in reversed(range(START_TRIES)):
            self._configure()
            self._format()
            try:
                self._launch()
                return self
            except (RuntimeError, TimeoutError):
                self.stop()
                taken = "Address already in use" in self.log.read_text(encoding="utf-8", errors="replace")
                if not taken or tries_left == 0:
                    raise
        return self

    def restart(self):
        self.stop()
        self._launch()

    def stop(self, seconds=15):
        if self.process:
            self.process.stop(seconds)
            self.process = None

    def __enter__(self):
        return self.start()

    def __exit__(self, *error):
        self.stop()


def main():
    parser = argparse.ArgumentParser(description="Run one Kafka broker on the loopback until SIGTERM.")
    parser.add_argument("--dir", required=True, help="where its data and log go; existing data is removed")
    parser.add_argument("--jars", default=default_target(), help="where the Java module is built")
    parser.add_argument("--guest", action="store_true", help=f"a second listener, advertised as {GUEST_HOST}")
    arguments = parser.parse_args()
    stopped = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stopped.set())
    began = time.monotonic()
    with Broker(Jars(arguments.jars).build(), arguments.dir, guest=arguments.guest) as broker:
        print("READY", broker.bootstrap, broker.guest_bootstrap or "", flush=True)
        print(f"started in {time.monotonic() - began:.1f} s, log: {broker.log}", file=sys.stderr)
        while not stopped.wait(1):
            if not broker.process.running():
                sys.exit(f"the broker ended by itself; log: {broker.log}")


if __name__ == "__main__":
    main()
