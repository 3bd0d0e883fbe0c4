# SPDX-License-Identifier: Apache-2.0
"""One Streamkeeper of its own for a test: the launcher in the foreground with --root, and streamctl to talk to it."""

import json
import os
import pathlib
import select
import shutil
import signal
import subprocess
import tempfile

from processes import Process, mentioning, wait_until

START_SECONDS = 20
# Longer than any app's own stop timeout in these tests.
STOP_SECONDS = 90


class Service:
    """The programs come from BUILD; the root is a new, short path (socket names have little room)."""

    def __init__(self, build):
        self.build = pathlib.Path(build).resolve()
        self.root = pathlib.Path(tempfile.mkdtemp(prefix="sk-kafka-", dir="/tmp"))
        self.root.chmod(0o755)
        self.launcher = None

    def start(self):
        """Returns itself once the daemon serves."""
        for program in ("daemon/streamkeeper-launcher", "daemon/streamkeeperd", "ctl/streamctl"):
            if not (self.build / program).exists():
                raise RuntimeError(f"{self.build / program} is missing; build it, or name the build in STREAMKEEPER_BUILD")
        reader, writer = os.pipe()
        try:
            argv = [str(self.build / "daemon/streamkeeper-launcher"), "--root", str(self.root), "--ready-fd", str(writer)]
            self.launcher = Process("launcher", argv, self.root / "launcher.log", pass_fds=(writer,))
            os.close(writer)
            writer = -1
            if not select.select([reader], [], [], START_SECONDS)[0]:
                raise TimeoutError(f"the service was not ready within {START_SECONDS} s")
            if os.read(reader, 64) != b"READY\n":
                raise RuntimeError("the launcher ended before the service was ready")
        finally:
            os.close(reader)
            if writer >= 0:
                os.close(writer)
        return self

    def ctl(self, *arguments, seconds=150):
        """What streamctl printed; RuntimeError with both its outputs unless it ended with status 0."""
        argv = [str(self.build / "ctl/streamctl"), "--root", str(self.root), *map(str, arguments)]
        result = subprocess.run(argv, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=seconds, check=False)
        if result.returncode != 0:
            raise RuntimeError(f"streamctl {' '.join(map(str, arguments))}: exit status {result.returncode}\n"
                               f"{result.stdout}{result.stderr}")
        return result.stdout

    def register(self, name, text):
        path = self.root / f"{name}.spec"
        path.write_text(text, encoding="utf-8")
        self.ctl("register", path)

    def instances(self, app):
        """The instances of APP as `list --json` shows them, by number."""
        for each in json.loads(self.ctl("list", "--json")):
            if each["name"] == app:
                return sorted(each["instances"], key=lambda instance: instance["number"])
        raise KeyError(f"{app} is not in the list")

    def pids(self, app):
        return [instance["pid"] for instance in self.instances(app)]

    def await_state(self, app, state, seconds):
        """The instances of APP once all of them are in STATE."""

        def reached():
            now = self.instances(app)
            return now if all(instance["state"] == state for instance in now) else None

        return wait_until(reached, seconds, f"all instances of {app} are {state}", every=0.2)

    def daemon_pid(self):
        """The pid of streamkeeperd, or None while there is none."""
        for pid in mentioning(str(self.root)):
            try:
                stat = pathlib.Path(f"/proc/{pid}/stat").read_text(encoding="ascii", errors="replace")
            except OSError:
                continue
            name, rest = stat.split("(", 1)[1].rsplit(")", 1)
            if name == "streamkeeperd" and int(rest.split()[1]) == self.launcher.pid:
                return pid
        return None

    def stop(self):
        """Ends the service and its apps in order; the launcher's exit status."""
        return self.launcher.stop(STOP_SECONDS)

    def destroy(self, keep):
        """Leaves nothing behind, however far the test came; KEEP leaves the files."""
        if self.launcher:
            self.launcher.stop(10)
        for pid in mentioning(str(self.root)):
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                pass
        if not keep:
            shutil.rmtree(self.root, ignore_errors=True)
