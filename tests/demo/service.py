# SPDX-License-Identifier: Apache-2.0
"""Runs a whole Streamkeeper below a folder of its own and steers it with streamctl."""
import ctypes
import json
import os
import pathlib
import select
import signal
import subprocess
import time

PR_SET_PDEATHSIG = 1


class DemoError(Exception):
    """Something that should have come up did not; the text is for the person who watches."""


def wait_until(what, look, seconds, pause=0.02):
    """Looks until the answer is true and returns it; DemoError after so many seconds."""
    deadline = time.monotonic() + seconds
    while True:
        answer = look()
        if answer:
            return answer
        if time.monotonic() > deadline:
            raise DemoError(f"not within {seconds:g} s: {what}")
        select.select([], [], [], pause)


def die_with_parent():
    """In the child: if the demo is killed outright, the service ends too, and its apps with it."""
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)


class Service:
    """The launcher in the foreground, and the command that talks to its daemon."""

    def __init__(self, build, root):
        self.build, self.root = pathlib.Path(build), pathlib.Path(root)
        self.streamctl = self.build / "ctl" / "streamctl"
        self.launcher = None
        self.log = self.root / "launcher.log"

    def start(self, seconds=30):
        readable, writable = os.pipe()
        with open(self.log, "ab") as log:
            self.launcher = subprocess.Popen(
                [self.build / "daemon" / "streamkeeper-launcher", "--root", self.root, "--ready-fd", str(writable)],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log, pass_fds=[writable], start_new_session=True,
                preexec_fn=die_with_parent)
        os.close(writable)
        with open(readable, "rb", buffering=0) as ready:
            text = ready.read(16) if select.select([ready], [], [], seconds)[0] else b""
        if not text.startswith(b"READY"):
            raise DemoError(f"streamkeeper-launcher did not become ready; its last words:\n{self.last_words()}")

    def last_words(self, lines=12):
        try:
            return "\n".join(self.log.read_text(errors="replace").splitlines()[-lines:])
        except OSError:
            return "(none)"

    def run(self, *arguments, check=True):
        done = subprocess.run([self.streamctl, "--root", self.root, *map(str, arguments)], stdin=subprocess.DEVNULL,
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=60)
        if check and done.returncode != 0:
            raise DemoError(f"streamctl {' '.join(map(str, arguments))} failed ({done.returncode}): "
                            f"{done.stderr.decode(errors='replace').strip()}")
        return done

    def json(self, *arguments, check=True):
        text = self.run(*arguments, "--json", check=check).stdout.decode()
        try:
            return json.loads(text)
        except ValueError as error:
            raise DemoError(f"streamctl {arguments[0]} --json is not JSON: {error}") from None

    def apps(self):
        """What runs, by app name."""
        return {app["name"]: app for app in self.json("list")}

    def register(self, name, text):
        path = self.root / "specs" / f"{name}.ini"
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)
        self.run("register", path)

    def wait_running(self, name, seconds=30):
        def look():
            if self.launcher.poll() is not None:
                raise DemoError(f"streamkeeper-launcher ended; its last words:\n{self.last_words()}")
            instances = self.apps()[name]["instances"]
            return instances and all(item["state"] == "running" and item["pid"] for item in instances)
        try:
            wait_until(f"'{name}' runs", look, seconds, 0.05)
        except DemoError as error:
            status = self.run("status", name, check=False).stdout.decode(errors="replace")
            logs = self.run("logs", name, check=False).stdout.decode(errors="replace")
            raise DemoError(f"{error}\n{status}\n{logs[-2000:]}") from None

    def instances(self, name):
        return sorted(self.apps()[name]["instances"], key=lambda item: item["number"])

    def restarts(self):
        return {name: sum(item["restarts"] for item in app["instances"]) for name, app in self.apps().items()}

    def daemon_pid(self):
        """The launcher's child that is called streamkeeperd."""
        for entry in pathlib.Path("/proc").iterdir():
            if not entry.name.isdigit():
                continue
            try:
                stat = (entry / "stat").read_text()
            except OSError:
                continue
            name, fields = stat[stat.index("(") + 1:stat.rindex(")")], stat[stat.rindex(")") + 2:].split()
            if name.startswith("streamkeeperd") and int(fields[1]) == self.launcher.pid and fields[0] != "Z":
                return int(entry.name)
        return None

    def end(self, seconds=40):
        """Stops everything in order. Returns True if that went well."""
        if not self.launcher:
            return True
        launcher, self.launcher = self.launcher, None
        if launcher.poll() is not None:
            return False
        launcher.send_signal(signal.SIGTERM)
        try:
            return launcher.wait(seconds) == 0
        except subprocess.TimeoutExpired:
            launcher.kill()
            launcher.wait()
            return False
