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


def default_build():
    """The build tree under test: $STREAMKEEPER_BUILD, or build/ beside the sources."""
    source = pathlib.Path(__file__).resolve().parent.parent.parent
    return pathlib.Path(os.environ.get("STREAMKEEPER_BUILD") or source / "build").resolve()


class Refused(RuntimeError):
    """streamctl ended with another status than 0."""

    def __init__(self, arguments, result):
        super().__init__(f"streamctl {' '.join(map(str, arguments))}: exit status {result.returncode}\n{result.stdout}{result.stderr}")
        self.status = result.returncode
        self.out = result.stdout
        self.err = result.stderr


class Service:
    """The programs come from BUILD; the root is a new, short path (socket names have little room)."""

    def __init__(self, build=None, arguments=(), user=None, name="service"):
        """USER: a uid that the launcher and streamctl run as; root starts them so."""
        self.build = pathlib.Path(build or default_build()).resolve()
        self.root = pathlib.Path(tempfile.mkdtemp(prefix=f"sk-{name}-", dir="/tmp"))
        self.root.chmod(0o755)
        self.arguments = list(map(str, arguments))
        self.user = user
        self.launcher = None
        self.log = self.root.with_suffix(".launcher.log")
        if user is not None:
            os.chown(self.root, user, user)

    def start(self, seconds=START_SECONDS):
        """Returns itself once the daemon serves."""
        for program in ("daemon/streamkeeper-launcher", "daemon/streamkeeperd", "ctl/streamctl"):
            if not (self.build / program).exists():
                raise RuntimeError(f"{self.build / program} is missing; build it, or name the build in STREAMKEEPER_BUILD")
        reader, writer = os.pipe()
        try:
            argv = [str(self.build / "daemon/streamkeeper-launcher"), "--root", str(self.root), "--ready-fd", str(writer),
                    *self.arguments]
            self.launcher = Process("launcher", argv, self.log, pass_fds=(writer,), user=self.user)
            os.close(writer)
            writer = -1
            if not select.select([reader], [], [], seconds)[0]:
                raise TimeoutError(f"the service was not ready within {seconds} s:\n{self.log.read_text()[-4000:]}")
            if os.read(reader, 64) != b"READY\n":
                raise RuntimeError(f"the launcher ended before the service was ready:\n{self.log.read_text()[-4000:]}")
        finally:
            os.close(reader)
            if writer >= 0:
                os.close(writer)
        return self

    def run(self, *arguments, seconds=150, user=None, text=None, groups=()):
        """The finished streamctl process, whatever its status. USER: another caller than the service's owner (needs root)."""
        argv = [str(self.build / "ctl/streamctl"), "--root", str(self.root), *map(str, arguments)]
        user = self.user if user is None else user
        who = {} if user is None else {"user": user, "group": user, "extra_groups": list(groups)}
        # Not from the caller's own folder: another user may not be able to stand there.
        return subprocess.run(argv, input=text, stdin=subprocess.DEVNULL if text is None else None, capture_output=True, text=True,
                              timeout=seconds, check=False, cwd="/", **who)

    def ctl(self, *arguments, **options):
        """What streamctl printed; Refused unless it ended with status 0."""
        result = self.run(*arguments, **options)
        if result.returncode != 0:
            raise Refused(arguments, result)
        return result.stdout

    def json(self, *arguments, **options):
        return json.loads(self.ctl(*arguments, "--json", **options))

    def register(self, name, text, *options, **who):
        """Registers a spec from a file of that name."""
        path = self.root / f"{name}.spec"
        path.write_text(text, encoding="utf-8")
        path.chmod(0o644)
        return self.ctl("register", path, *options, **who)

    def app(self, name):
        for each in self.json("list"):
            if each["name"] == name:
                return each
        raise KeyError(f"{name} is not in the list")

    def instances(self, app):
        """The instances of APP as `list --json` shows them, by number."""
        return sorted(self.app(app)["instances"], key=lambda instance: instance["number"])

    def pids(self, app):
        return [instance["pid"] for instance in self.instances(app)]

    def await_state(self, app, state, seconds):
        """The instances of APP once all of them are in STATE."""

        def reached():
            now = self.instances(app)
            return now if now and all(instance["state"] == state for instance in now) else None

        return wait_until(reached, seconds, f"all instances of {app} are {state}", every=0.1)

    def await_daemon(self, other_than=None, seconds=START_SECONDS):
        """The pid of a daemon that serves."""

        def reached():
            pid = self.daemon_pid()
            return pid if pid and pid != other_than and self.run("version").returncode == 0 else None

        return wait_until(reached, seconds, "a daemon serves", every=0.05)

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

    def kill_daemon(self):
        """kill -9; returns the pid it had."""
        pid = self.daemon_pid()
        os.kill(pid, signal.SIGKILL)
        return pid

    def kill_launcher(self):
        """kill -9; the apps and, for a while, the daemon live on."""
        os.kill(self.launcher.pid, signal.SIGKILL)
        self.launcher.wait(10)

    def stop(self, seconds=STOP_SECONDS):
        """Ends the service and its apps in order; the launcher's exit status."""
        return self.launcher.stop(seconds)

    def cgroup(self):
        """The apps' root group as a path, or None on a host without one."""
        facts = dict(line.split("=", 1) for line in (self.root / "run/cgroup").read_text().splitlines())
        return pathlib.Path(facts["path"]) if facts["path"] else None

    def _kill_rest(self):
        group = None
        try:
            group = self.cgroup()
        except OSError:
            pass
        if group and group.exists():
            (group / "cgroup.kill").write_text("1")
            wait_until(lambda: "populated 0" in (group / "cgroup.events").read_text(), 10, "the service's group is empty",
                       every=0.005)
            for folder, _, _ in os.walk(group, topdown=False):
                try:
                    os.rmdir(folder)
                except OSError:
                    pass
        for pid in mentioning(str(self.root)):
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                pass

    def destroy(self, keep=False):
        """Leaves nothing behind, however far the test came; KEEP leaves the files."""
        if self.launcher:
            self.launcher.stop(10)
        self._kill_rest()
        if not keep:
            shutil.rmtree(self.root, ignore_errors=True)
            self.log.unlink(missing_ok=True)
