# SPDX-License-Identifier: Apache-2.0
"""Streamkeeper in a guest: installs it, drives it with streamctl, and reads what the kernel says of its apps."""

import json
import shlex
import time

from guest import GuestError

TREE = "/sys/fs/cgroup/streamkeeper.slice/streamkeeper-apps.service"
SERVICE_TREE = "/sys/fs/cgroup/streamkeeper.slice/streamkeeper.service"
LIBEXEC = "/usr/libexec/streamkeeper"
STATE = "/var/lib/streamkeeper/state"

UNPACK = "tar -x -f /dev/vdb -b 128 -C / --keep-directory-symlink --no-overwrite-dir"
SETTLE = "systemd-sysusers && systemd-tmpfiles --create && systemctl daemon-reload && systemctl reload dbus"

TENANTS = {
    "alpha": {"members": "alice", "run-as": "alpha-app", "classes": "*"},
    "beta": {"groups": "beta-team", "run-as": "beta-app", "classes": "standard adhoc"},
}


def spec(name, command, **keys):
    """The text of a spec: keys of [app] as they are, others as section__key; '_' stands for '-'."""
    sections = {"app": {"name": name, "command": command}}
    for key, value in keys.items():
        section, _, rest = key.rpartition("__")
        sections.setdefault(section or "app", {})[rest.replace("_", "-")] = value
    lines = []
    for section, entries in sections.items():
        lines.append(f"[{section}]")
        for key, value in entries.items():
            lines += [f"{key} = {one}" for one in (value if isinstance(value, list) else [value])]
    return "\n".join(lines) + "\n"


class Installed:
    """The service in one guest."""

    def __init__(self, guest):
        self.guest = guest

    def install(self):
        """Unpacks the product, makes users and tenants, and starts the service, as an administrator would."""
        self.guest.ok(UNPACK, timeout=120)
        self.guest.ok(SETTLE)
        self.guest.ok("useradd -m alice && useradd -m bob && groupadd beta-team && groupadd shared-data && useradd -m -G beta-team carol")
        self.guest.ok("useradd -r -G shared-data alpha-app && useradd -r beta-app && useradd -m -G streamkeeper-admin olga")
        for name, keys in TENANTS.items():
            text = "[tenant]\n" + "".join(f"{key} = {value}\n" for key, value in keys.items())
            self.guest.put(f"/etc/streamkeeper/tenants.d/{name}.conf", text)
        self.guest.ok("systemctl enable --now streamkeeper.service", timeout=180)
        self.wait_serving()

    def ctl(self, *argv, user=None, timeout=60):
        """Runs streamctl, as root or as the user; returns its Result."""
        prefix = ["runuser", "-u", user, "--"] if user else []
        return self.guest.run([*prefix, "streamctl", *argv], timeout)

    def ctl_ok(self, *argv, user=None, timeout=60):
        """As ctl(), for what must succeed; returns what it printed."""
        result = self.ctl(*argv, user=user, timeout=timeout)
        if result.status != 0:
            raise GuestError(str(result))
        return result.output

    def json(self, *argv, user=None):
        """What a verb prints with --json."""
        return json.loads(self.ctl_ok(*argv, "--json", user=user))

    def wait_serving(self, timeout=90):
        """Waits until the daemon answers."""
        self.guest.until(["streamctl", "list", "--json"], timeout=timeout)

    def register(self, text, user=None):
        """Registers a spec given as text; returns the Result."""
        path = f"/tmp/spec-{time.monotonic_ns()}.conf"
        self.guest.put(path, text)
        result = self.ctl("register", path, user=user)
        self.guest.run(["rm", "-f", path])
        return result

    def add(self, text, user=None):
        """Registers a spec that must be accepted."""
        result = self.register(text, user)
        if result.status != 0:
            raise GuestError(f"{result}\n{text}")

    def apps(self):
        """name -> entry of `list --json`."""
        return {entry["name"]: entry for entry in self.json("list")}

    def instances(self):
        """(name, number) -> instance as `list --json` has it."""
        found = {}
        for name, entry in self.apps().items():
            for instance in entry["instances"]:
                found[name, instance["number"]] = instance
        return found

    def wait_all(self, state="running", names=None, timeout=90):
        """Waits until every instance (of the apps named) is in the state; returns (name, number) -> pid."""
        deadline = time.monotonic() + timeout
        while True:
            try:
                found = {key: one for key, one in self.instances().items() if names is None or key[0] in names}
                if found and all(one["state"] == state for one in found.values()):
                    return {key: one["pid"] for key, one in found.items()}
            except GuestError as error:
                found = str(error)
            if time.monotonic() > deadline:
                journal = self.guest.run("journalctl -b -u streamkeeper -n 40 --no-pager").output
                raise GuestError(f"not all {state} after {timeout} s: {found}\n{journal}")
            time.sleep(0.3)

    def remove_all(self):
        """Unregisters everything, state directories too, and waits until no group of an app is left."""
        for name in self.apps():
            self.ctl_ok("unregister", name, "--purge", timeout=120)
        self.guest.until(
            f"test -z \"$(find {TREE} -mindepth 3 -type d)\" && test \"$(streamctl list --json | tr -d ' \\n')\" = '[]'",
            timeout=60,
        )

    def stat(self, pid):
        """A process as nobody can forge it: its start time in ticks since boot, or None if there is none."""
        result = self.guest.run(f"cut -d ')' -f 2 /proc/{pid}/stat | cut -d ' ' -f 21")
        return int(result.output) if result.status == 0 and result.output.strip().isdigit() else None

    def snapshot(self, names=None):
        """(name, number) -> (pid, start time) of all running instances."""
        return {key: (pid, self.stat(pid)) for key, pid in self.wait_all(names=names).items()}

    def main_pid(self):
        """The launcher."""
        return int(self.guest.ok("systemctl show -P MainPID streamkeeper.service"))

    def daemon_pid(self):
        """streamkeeperd, a child of the launcher."""
        return int(self.guest.ok(f"pgrep -x -P {self.main_pid()} streamkeeperd"))

    def leaf(self, name, number=0):
        """The group of an instance; its class is looked up."""
        tenant, app = name.split("/")
        return f"{TREE}/{self.apps()[name]['class']}/{tenant}/{app}.{number}"

    def knob(self, group, name):
        """A control file's text."""
        return self.guest.ok(["cat", f"{group}/{name}"]).strip()

    def journal(self, *match):
        """The messages of this boot that match."""
        return self.guest.ok(["journalctl", "-b", "--no-pager", "-o", "cat", *match])

    def shell_app(self, name, script, **keys):
        """Registers an app that is a small shell script."""
        path = f"/opt/{name.replace('/', '-')}.sh"
        self.guest.put(path, "#!/bin/sh\n" + script, mode=0o755)
        self.add(spec(name, shlex.quote(path), **keys))
