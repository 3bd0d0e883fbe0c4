# SPDX-License-Identifier: Apache-2.0
"""Reads who uses the host's processors, what the topology counts, and by which means the classes are kept apart."""
import os
import pathlib
import time

CLASSES = ("critical", "standard", "adhoc")
POLICIES = {os.SCHED_OTHER: "other", os.SCHED_BATCH: "batch", os.SCHED_IDLE: "idle"}
TICKS = os.sysconf("SC_CLK_TCK")


def read_pairs(path):
    """key=value lines as a dictionary; empty when the file is not there (yet)."""
    try:
        return dict(line.split("=", 1) for line in path.read_text().splitlines() if "=" in line)
    except OSError:
        return {}


def unified_mount():
    for line in pathlib.Path("/proc/self/mounts").read_text().splitlines():
        fields = line.split()
        if fields[2] == "cgroup2":
            return pathlib.Path(fields[1])
    return None


def process_ticks(pid):
    try:
        text = pathlib.Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return 0
    fields = text[text.rindex(")") + 2:].split()
    return int(fields[11]) + int(fields[12])


def host_busy_seconds():
    fields = [int(value) for value in pathlib.Path("/proc/stat").read_text().split("\n", 1)[0].split()[1:9]]
    return (sum(fields) - fields[3] - fields[4]) / TICKS


def leaf_group(pid):
    """The cgroup v2 folder of a process, or None."""
    mount = unified_mount()
    try:
        for line in pathlib.Path(f"/proc/{pid}/cgroup").read_text().splitlines():
            if line.startswith("0::/") and mount:
                return mount / line[4:]
    except OSError:
        pass
    return None


class Sampler:
    """Processor seconds per class since the demo began, by group where there are groups, else by process."""

    def __init__(self, service):
        self.service = service
        self.groups = {}  # class -> folder
        self.by_process = {name: {} for name in CLASSES}  # class -> pid -> ticks at the last look
        self.used = dict.fromkeys(CLASSES, 0.0)

    def look(self):
        """Returns (time, {class: seconds}, busy seconds of the host, apps by name)."""
        apps = self.service.apps()
        for app in apps.values():
            for item in app["instances"]:
                if item["pid"]:
                    self.note(app["class"], item["pid"])
        for name in CLASSES:
            self.used[name] = self.class_seconds(name)
        return time.monotonic(), dict(self.used), host_busy_seconds(), apps

    def note(self, class_name, pid):
        if class_name not in self.by_process:
            return
        if class_name not in self.groups:
            leaf = leaf_group(pid)
            group = leaf.parent.parent if leaf else None
            if group and group.name == class_name and (group / "cpu.stat").exists():
                self.groups[class_name] = group
        self.by_process[class_name][pid] = max(self.by_process[class_name].get(pid, 0), process_ticks(pid))

    def class_seconds(self, class_name):
        group = self.groups.get(class_name)
        try:
            for line in (group / "cpu.stat").read_text().splitlines() if group else ():
                if line.startswith("usage_usec "):
                    return int(line.split()[1]) / 1e6
        except OSError:
            pass
        return sum(self.by_process[class_name].values()) / TICKS

    def has_controller(self, name):
        group = next(iter(self.groups.values()), None)
        try:
            return name in (group / "cgroup.controllers").read_text().split() if group else False
        except OSError:
            return False

    def means(self, apps):
        """What is really set on one instance of each class, read back from the kernel: {class: text}."""
        found = {}
        for app in apps.values():
            pids = [item["pid"] for item in app["instances"] if item["pid"]]
            if pids and app["class"] not in found:
                found[app["class"]] = self.means_of(app["class"], pids[0])
        return {name: found[name] for name in CLASSES if name in found}

    def means_of(self, class_name, pid):
        process, texts = pathlib.Path(f"/proc/{pid}"), []
        for file in ("cpu.weight", "cpu.idle", "memory.min", "memory.max", "io.weight", "pids.max"):
            try:
                value = (self.groups[class_name] / file).read_text().split("\n")[0]
            except (OSError, KeyError):
                continue
            if value not in ("0", "max"):
                texts.append(f"{file} {value.replace('default ', '')}")
        try:
            texts.append("policy " + POLICIES.get(os.sched_getscheduler(pid), "?"))
            stat = (process / "stat").read_text()
            texts.append(f"nice {stat[stat.rindex(')') + 2:].split()[16]}")
            if not self.has_controller("cpu"):
                texts.append("autogroup " + (process / "autogroup").read_text().split()[-1])
            texts.append("oom " + (process / "oom_score_adj").read_text().strip())
        except (OSError, IndexError):
            pass
        return ", ".join(texts)
