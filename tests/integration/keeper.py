# SPDX-License-Identifier: Apache-2.0
"""A Service with what these tests need on top: specs from a few words, facts about processes, and a quick end."""

import os
import pathlib
import signal

from processes import carrying, mentioning, wait_until
from service import Service

DAEMON_UID = 64000
OWNER_UID = 64001
MEMBER_UID = 64002
RUN_AS = range(64010, 64020)
APP_UID = RUN_AS[0]

# What the tests start apps as: three ways to run the service.
APART = "apart"  # root, the daemon as a user of its own, a tenant with users of its own
ROOT = "root"    # root for everything
USER = "user"    # no root at all, and so no cgroups


def spec(name, command, sections=None, **app):
    """The text of a spec. A key's underscores are hyphens; a list is a key that repeats."""
    lines = ["[app]", f"name = {name}", f"command = {command}"]
    for key, value in app.items():
        for each in value if isinstance(value, list) else [value]:
            lines.append(f"{key.rstrip('_').replace('_', '-')} = {each}")
    for section, keys in (sections or {}).items():
        lines.append(f"\n[{section}]")
        for key, value in keys.items():
            lines.append(f"{key.replace('_', '-')} = {value}")
    return "\n".join(lines) + "\n"


def alive(pid):
    """True while the process runs; a zombie does not."""
    try:
        with open(f"/proc/{pid}/stat", encoding="ascii", errors="replace") as file:
            return file.read().rsplit(")", 1)[1].split()[0] not in "ZX"
    except OSError:
        return False


def await_death(pid, seconds=20):
    wait_until(lambda: not alive(pid), seconds, f"process {pid} is gone", every=0.01)


def read_facts(path):
    """key=value lines as a dictionary; the values of a key that repeats are joined by newlines."""
    facts = {}
    for line in pathlib.Path(path).read_text(encoding="utf-8").splitlines():
        key, value = line.split("=", 1)
        facts[key] = f"{facts[key]}\n{value}" if key in facts else value
    return facts


class Keeper(Service):
    def __init__(self, kind, build, conf=None, tenants=None, arguments=(), name="int"):
        user = OWNER_UID if kind == USER and os.geteuid() == 0 else None
        who = ["--user", DAEMON_UID] if kind == APART else []
        super().__init__(build, [*who, *arguments], user=user, name=name)
        self.kind = kind
        self.hog = self.build / "tests/apps/skhog"
        self.tenant = "default"
        if kind == APART and tenants is None:
            tenants = {"team": f"members = {MEMBER_UID}\nrun-as = {RUN_AS[0]}-{RUN_AS[-1]}\nclasses = *\n"}
        if conf:
            self.configure("streamkeeper.conf", conf)
        for tenant, text in (tenants or {}).items():
            self.configure(f"tenants.d/{tenant}.conf", f"[tenant]\n{text}")
            self.tenant = tenant
        self.app_uid = APP_UID if kind == APART else OWNER_UID if user else os.geteuid()

    def configure(self, name, text):
        path = self.root / "etc" / name
        for folder in (self.root / "etc", path.parent):
            folder.mkdir(mode=0o755, exist_ok=True)
        path.write_text(text, encoding="utf-8")
        return path

    def full(self, app):
        return f"{self.tenant}/{app}"

    def spec(self, app, command, sections=None, **keys):
        """COMMAND is skhog's arguments, unless it begins with a slash."""
        command = command if str(command).startswith("/") else f"{self.hog} {command}"
        return spec(self.full(app), command, sections, **keys)

    def write(self, app, command, sections=None, **keys):
        path = self.root / f"{app}.spec"
        path.write_text(self.spec(app, command, sections, **keys), encoding="utf-8")
        path.chmod(0o644)
        return path

    def add(self, app, command, sections=None, options=(), **keys):
        """Registers and returns the full name; waits until it runs, unless the options say otherwise."""
        self.ctl("register", self.write(app, command, sections, **keys), *options)
        return self.full(app)

    def pid(self, app, number=0):
        return self.instances(app)[number]["pid"]

    def await_new_pid(self, app, old, number=0, seconds=20):
        def changed():
            instance = self.instances(app)[number]
            return instance["pid"] if instance["state"] == "running" and instance["pid"] not in (0, old) else None

        return wait_until(changed, seconds, f"{app}/{number} runs with another pid than {old}")

    def await_app(self, app, state, seconds=20):
        return wait_until(lambda: (now := self.app(app))["state"] == state and now, seconds, f"{app} is {state}")

    def history(self, app, *options):
        return self.json("history", app, *options)

    def await_exits(self, app, count, seconds=20):
        """The history, newest first, once it has so many entries."""
        return wait_until(lambda: len(now := self.history(app)) >= count and now, seconds, f"{count} exits of {app}")

    def events(self, *arguments):
        return self.json("events", *arguments)

    def state_dir(self, app, number=0):
        return self.root / "state" / app / str(number)

    def facts(self, app, sections=None, command="--stay ids %S/facts", **keys):
        """What an instance of a new app finds around itself."""
        name = self.add(app, command, sections, **keys)
        path = self.state_dir(name) / "facts"
        wait_until(path.exists, 20, f"{name} has looked around")
        return read_facts(path)

    def group(self, app, number=0):
        """The instance's group as a path, or None."""
        top = self.cgroup()
        return top and top / self.app(app)["class"] / f"{app}.{number}"

    def members(self):
        """Pids of the apps' processes: by group, or by the environment where there are no groups."""
        top = self.cgroup()
        if top is None:
            return sorted(carrying(f"STATE_DIRECTORY={self.root}/"))
        found = []
        for path in top.rglob("cgroup.procs"):
            if path.parent.name != "keeper":
                found += map(int, path.read_text().split())
        return sorted(found)

    def destroy(self, keep=False):
        if self.launcher:
            for pid in (self.launcher.pid, self.daemon_pid()):
                if pid and self.launcher.running() or pid and alive(pid):
                    os.kill(pid, signal.SIGKILL)
            self.launcher.wait(10)
        self._kill_rest()
        for pid in carrying(f"STATE_DIRECTORY={self.root}/") + mentioning(str(self.root)):
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                pass
        super().destroy(keep)
