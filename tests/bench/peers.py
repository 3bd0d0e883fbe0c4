# SPDX-License-Identifier: Apache-2.0
"""The same program under each supervisor, each with its ordinary settings for a service that is always to run."""

import os
import pathlib
import shutil
import signal
import subprocess
import sys

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "harness"))
from processes import wait_until  # noqa: E402
from service import Service  # noqa: E402


class Stamps:
    """The file into which each start of the program writes its time."""

    def __init__(self, path):
        self.path = path

    def read(self):
        """[(nanoseconds, pid)] in the order of writing."""
        try:
            return [tuple(map(int, line.split())) for line in self.path.read_text().splitlines()]
        except FileNotFoundError:
            return []

    def last(self):
        stamps = self.read()
        return stamps[-1] if stamps else None

    def await_count(self, count, seconds=60):
        return wait_until(lambda: (lambda found: found if len(found) >= count else None)(self.read()), seconds,
                          f"{count} starts are stamped in {self.path}", every=0.005)


class Peer:
    """One supervisor with one instance of the program."""

    def __init__(self, name, directory, stamp):
        self.name = name
        self.directory = directory / name
        self.directory.mkdir()
        self.stamp = stamp
        self.stamps = Stamps(self.directory / "stamps")
        self.process = None

    def script(self, path):
        """A run script that becomes the program at once."""
        path.write_text(f"#!/bin/sh\nexec {self.stamp} {self.stamps.path}\n")
        path.chmod(0o755)

    def spawn(self, *argv):
        self.process = subprocess.Popen(argv, cwd=self.directory, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                                        stderr=subprocess.DEVNULL, start_new_session=True)

    def stop(self):
        last = self.stamps.last()
        if self.process:
            self.process.send_signal(signal.SIGKILL)
            self.process.wait()
        if last:
            try:
                os.kill(last[1], signal.SIGKILL)
            except ProcessLookupError:
                pass


class Runit(Peer):
    def start(self):
        service = self.directory / "service"
        service.mkdir()
        self.script(service / "run")
        self.spawn("runsv", str(service))


class S6(Peer):
    def start(self):
        service = self.directory / "service"
        service.mkdir()
        self.script(service / "run")
        self.spawn("s6-supervise", str(service))


class Supervisord(Peer):
    def start(self):
        conf = self.directory / "supervisord.conf"
        conf.write_text(f"[supervisord]\nnodaemon=true\nlogfile={self.directory}/log\npidfile={self.directory}/pid\n"
                        f"childlogdir={self.directory}\n[program:stamp]\ncommand={self.stamp} {self.stamps.path}\n"
                        "autorestart=true\nstartsecs=1\n")
        self.spawn("supervisord", "-c", str(conf))


class Streamkeeper(Peer):
    def start(self):
        self.service = Service(name="bench").start()
        self.service.register("stamp", f"[app]\nname = default/stamp\nclass = critical\ncommand = {self.stamp} {self.stamps.path}\n"
                                       "[restart]\nstable = 1s\nbudget = 64 in 1s\n")

    def stop(self):
        self.service.destroy()


def available(directory, stamp):
    """The peers that are installed, Streamkeeper first, and the names of those that are not."""
    programs = {Runit: "runsv", S6: "s6-supervise", Supervisord: "supervisord"}
    found = [Streamkeeper("streamkeeper", directory, stamp)]
    missing = []
    for kind, program in programs.items():
        if shutil.which(program):
            found.append(kind(kind.__name__.lower(), directory, stamp))
        else:
            missing.append(program)
    return found, missing
