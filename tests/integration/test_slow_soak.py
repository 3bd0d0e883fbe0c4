# SPDX-License-Identifier: Apache-2.0
"""What takes long: kill -9 in a loop while everything changes, many instances, and patience that has to run out."""

import collections
import os
import random
import signal
import subprocess
import threading
import time

import pytest

from conftest import IS_ROOT
from keeper import APART, USER, alive, await_death
from processes import wait_until

pytestmark = pytest.mark.slow
QUICK = {"restart": {"delay": "20ms", "delay-max": "50ms", "budget": "1000 in 1h"}, "stop": {"timeout": "500ms"}}
SEED = int(os.environ.get("STREAMKEEPER_SEED", "20240611"))


def test_a_frozen_daemon_is_replaced_by_the_next_start(service):
    """kill -STOP of the daemon, then kill -9 of the launcher: the orphan must not hold the next one up."""
    name = service.add("calm", "sleep", QUICK)
    before = service.pids(name)
    daemon = service.daemon_pid()
    os.kill(daemon, signal.SIGSTOP)
    service.kill_launcher()
    service.start(seconds=30)
    assert not alive(daemon)
    assert service.pids(name) == before


class Writer(threading.Thread):
    """Registers, scales, restarts, stops and unregisters at random; remembers what was acknowledged."""

    def __init__(self, service, seed):
        super().__init__(daemon=True)
        self.service, self.chance, self.stop = service, random.Random(seed), threading.Event()
        self.wanted = {}   # name: (instances, runs), as acknowledged
        self.unsure = set()  # the last request about it got no answer
        self.acknowledged = self.refused = 0
        self.surprise = None  # an answer that should not have been

    def ask(self, name, after, *arguments):
        result = self.service.run(*arguments, "--no-wait")
        if result.returncode == 0:
            self.acknowledged += 1
            self.unsure.discard(name)
            if after is None:
                self.wanted.pop(name, None)
            else:
                self.wanted[name] = after
        elif result.returncode in (7, 8):
            self.refused += 1
            self.unsure.add(name)
        elif name not in self.unsure:
            self.surprise = (name, arguments, result)
            self.stop.set()

    def run(self):
        while not self.stop.is_set():
            app = f"s{self.chance.randrange(12)}"
            name = self.service.full(app)
            instances, runs = self.wanted.get(name, (0, False))
            what = self.chance.choice(["register", "register", "scale", "restart", "stop", "start", "unregister"])
            if what == "register":
                number = self.chance.randrange(1, 5)
                path = self.service.write(app, f"--for {self.chance.randrange(1000, 9999)} sleep", QUICK, instances=number)
                self.ask(name, (number, True), "register", path)
            elif name not in self.wanted or name in self.unsure:
                continue
            elif what == "scale":
                number = self.chance.randrange(1, 6)
                self.ask(name, (number, runs), "scale", name, number)
            elif what == "unregister":
                self.ask(name, None, "unregister", name)
            else:
                self.ask(name, (instances, runs if what == "restart" else what == "start"), what, name)


@pytest.mark.parametrize("victim", ["daemon", "launcher", "both"])
def test_kill_9_in_a_loop_while_everything_changes(services, victim):
    """At least 30 rounds: nothing acknowledged is lost, nothing runs twice, nothing runs that nobody knows."""
    service = services(APART if IS_ROOT else USER)
    chance = random.Random(f"{SEED}{victim}")
    writer = Writer(service, SEED)
    writer.start()
    try:
        for round_ in range(36 if victim == "daemon" else 30):
            asked = writer.acknowledged + writer.refused + chance.randrange(1, 8)
            wait_until(lambda: writer.acknowledged + writer.refused >= asked or not writer.is_alive(), 60, "requests were made", every=0.003)
            assert not writer.surprise, writer.surprise
            daemon = service.daemon_pid()
            if victim != "launcher" and daemon:
                os.kill(daemon, signal.SIGKILL)
            if victim != "daemon":
                service.kill_launcher()
                service.start(seconds=60)
            service.await_daemon(other_than=daemon if victim != "launcher" else None, seconds=60)
    finally:
        writer.stop.set()
        writer.join(120)
    assert not writer.surprise, writer.surprise
    print(f"seed {SEED}: {writer.acknowledged} acknowledged, {writer.refused} without an answer")
    assert writer.acknowledged >= 60

    def settled():
        apps = {a["name"]: a for a in service.json("list")}
        return apps if all(i["state"] in ("running", "stopped") and not i.get("outdated") for a in apps.values() for i in a["instances"]) else None

    apps = wait_until(settled, 60, "everything has settled")
    for name, (instances, runs) in writer.wanted.items():
        if name in writer.unsure:
            continue
        assert name in apps, f"{name} was acknowledged and is lost"
        assert (len(apps[name]["instances"]), apps[name]["wanted"]) == (instances, runs), name
    assert set(apps) - set(writer.wanted) <= writer.unsure, "an app is back that was unregistered"
    known = collections.Counter(i["pid"] for a in apps.values() for i in a["instances"] if i["pid"])
    assert all(count == 1 for count in known.values())
    wait_until(lambda: service.members() == sorted(known), 30, "every process is an instance's, and only once")
    for app in apps.values():
        for instance in app["instances"]:
            assert (instance["state"] == "running") == app["wanted"], (app["name"], instance)


def test_two_thousand_instances_over_the_death_of_the_daemon(services):
    tenants = {"team": "members = 64002\nrun-as = 64010-64019\nclasses = *\ninstances-max = 3000\n"}
    service = services(APART, tenants=tenants) if IS_ROOT else services(USER)
    paths = [service.write(f"b{n}", "sleep", {"restart": {"policy": "never"}, "stop": {"timeout": "1s"}}, instances=500) for n in range(4)]
    service.ctl("register", *paths)
    before = {(a["name"], i["number"]): i["pid"] for a in service.json("list") for i in a["instances"]}
    assert len(set(before.values())) == 2000
    old = service.kill_daemon()
    service.await_daemon(other_than=old, seconds=60)
    assert {(a["name"], i["number"]): i["pid"] for a in service.json("list") for i in a["instances"]} == before
    began = time.monotonic()
    assert service.stop() == 0
    assert not [pid for pid in before.values() if alive(pid)]
    print(f"2000 instances stopped in {time.monotonic() - began:.1f} s")


def test_streamctl_does_not_wait_for_ever_for_a_daemon_that_cannot_start(services):
    service = services(APART if IS_ROOT else USER)
    service.add("calm", "sleep", QUICK)
    service.configure("streamkeeper.conf", "[log]\nnonsense = 1\n")
    service.launcher.signal(signal.SIGHUP)
    service.launcher.wait_line(lambda said: "[log] nonsense" in said, 20)
    began = time.monotonic()
    result = service.run("list")
    assert result.returncode == 7 and "cannot start" in result.stderr
    assert time.monotonic() - began < 40


def test_fork_bomb_is_held_by_its_limit(services):
    """By pids.max where the controller is there, else by the process limit of its user, if the spec says a number."""
    service = services(APART if IS_ROOT else USER)
    name = service.add("bomb", "--quiet --max 3000 fork", {"resources": {"tasks-max": "100"}, "stop": {"timeout": "1s"}}, class_="adhoc")
    wait_until(lambda: len(service.members()) > 50, 30, "it goes off")
    most = 0
    until = time.monotonic() + 5
    while time.monotonic() < until:
        began = time.monotonic()
        assert service.run("list").returncode == 0
        assert time.monotonic() - began < 5
        most = max(most, len(service.members()))
    assert most <= 130, f"{most} processes"
    service.ctl("stop", name)
    wait_until(lambda: service.members() == [], 30, "all of them are gone")


def test_a_fork_bomb_without_any_limit_still_ends_with_its_instance(services):
    service = services(APART if IS_ROOT else USER)
    name = service.add("bomb", "--quiet --max 1500 fork", {"stop": {"timeout": "1s"}}, class_="adhoc")
    wait_until(lambda: len(service.members()) > 300, 60, "it goes off")
    service.ctl("stop", name)
    wait_until(lambda: service.members() == [], 60, "all of them are gone")


def test_a_gate_spreads_the_starts_after_a_boot(services):
    service = services(APART if IS_ROOT else USER, conf="[start]\nburst = 5\ninterval = 200ms\n")
    low = service.add("low", "sleep", QUICK, class_="adhoc", instances=6)
    high = service.add("high", "sleep", QUICK, class_="critical", instances=6)
    assert service.stop() == 0
    service.start()
    service.await_state(low, "running", 30)
    assert all(i["state"] == "running" for i in service.instances(high))
    started = {}
    for event in service.json("events", "-n", "200"):
        if event["kind"] == "started":
            started.setdefault(event["app"], {})[event["instance"]] = event["at_usec"]
    assert max(started[high].values()) <= min(started[low].values()), "a lower class started first"
    everything = sorted([*started[low].values(), *started[high].values()])
    assert everything[-1] - everything[0] >= 5 * 200_000


def test_a_flood_of_all_kinds_at_once(services):
    """CPU, threads, logs and metadata hogs beside a critical app that crashes: the service answers and restarts it."""
    service = services(APART if IS_ROOT else USER, conf="[log]\nfile-size = 1M\nfiles = 1\n")
    for kind, command in {"cpu": "cpu 4", "threads": "threads 50", "log": "flood 500", "meta": "--quiet meta %S"}.items():
        service.add(kind, command, QUICK, class_="adhoc", instances=2)
    name = service.add("vital", "sleep", QUICK, class_="critical")
    slow = 0.0
    for _ in range(20):
        old = service.pid(name)
        began = time.monotonic()
        os.kill(old, signal.SIGKILL)
        service.await_new_pid(name, old)
        slow = max(slow, time.monotonic() - began)
    assert slow < 10, f"a restart took {slow:.1f} s"
    size = int(subprocess.run(["du", "-sm", str(service.root / "log")], capture_output=True, text=True, check=True).stdout.split()[0])
    print(f"slowest restart seen {slow:.2f} s, logs {size} MiB")


def test_exits_are_not_lost_when_they_come_by_the_hundred(services):
    service = services(APART if IS_ROOT else USER)
    name = service.add("many", "sleep", {"restart": {"policy": "never"}}, instances=300)
    pids = service.pids(name)
    old = service.daemon_pid()
    for number, pid in enumerate(pids):
        os.kill(pid, signal.SIGKILL)
        if number == 150:
            os.kill(old, signal.SIGKILL)
            await_death(old)
    service.await_daemon(other_than=old)
    wait_until(lambda: service.app(name)["state"] == "stopped", 60, "all have ended")
    exits = service.json("history", name, "-n", "1000")
    assert collections.Counter(e["pid"] for e in exits) == collections.Counter(pids)
    assert {e["signal"] for e in exits} == {"SIGKILL"}


def test_a_crash_loop_of_a_low_class_does_not_delay_a_critical_restart(services):
    service = services(APART if IS_ROOT else USER)
    vital = service.add("vital", "sleep", {"restart": {"stable": "0s", "budget": "1000 in 1h"}}, class_="critical")
    loop = {"restart": {"delay": "1ms", "delay-max": "1ms", "budget": "1000 in 1h"}}
    crash = service.add("crash", "crash 1", loop, class_="adhoc", instances=20, options=["--no-wait"])
    wait_until(lambda: len(service.json("history", crash, "-n", "1000")) > 60, 30, "the loop has used up what there was at first")
    for _ in range(9):
        old = service.pid(vital)
        os.kill(old, signal.SIGKILL)
        service.await_new_pid(vital, old)
    events = [e for e in service.json("events", vital, "-n", "100") if e["kind"] in ("exited", "started")]
    gaps = sorted(b["at_usec"] - a["at_usec"] for a, b in zip(events, events[1:]) if a["kind"] == "exited")
    assert gaps[len(gaps) // 2] < 60_000, f"median {gaps[len(gaps) // 2] / 1000:.0f} ms from death to the next start"
