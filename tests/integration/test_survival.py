# SPDX-License-Identifier: Apache-2.0
"""What the death, the restart and the upgrade of Streamkeeper's own programs do to the apps: nothing."""

import collections
import os
import shutil
import signal

import pytest

from keeper import APART, USER, alive, await_death
from processes import Process, wait_until

QUICK = {"restart": {"delay": "20ms", "delay-max": "20ms"}, "stop": {"timeout": "500ms"}}
NEVER = {"restart": {"policy": "never"}, "stop": {"timeout": "500ms"}}


def pids_of_all(service):
    return {(app["name"], i["number"]): i["pid"] for app in service.json("list") for i in app["instances"]}


def await_all(service, pids, seconds=30):
    """The list, once every instance of it runs with the pid given."""
    wait_until(lambda: pids_of_all(service) == pids, seconds, "every instance has the pid it had")
    assert {i["state"] for app in service.json("list") for i in app["instances"]} <= {"running", "starting"}


def new_life(service, **options):
    """A new launcher after the death of the old one."""
    service.start(**options)


@pytest.mark.parametrize("kind", [APART, USER])
def test_the_daemon_is_killed_with_200_running_instances(services, kind):
    service = services(kind)
    paths = [service.write(f"a{n:02}", "sleep", NEVER, instances=10, class_=("critical", "standard", "adhoc")[n % 3]) for n in range(20)]
    service.ctl("register", *paths)
    before = pids_of_all(service)
    assert len(before) == 200 and len(set(before.values())) == 200
    old = service.kill_daemon()
    # Some end while there is no daemon, or one that is just coming up.
    gone = [(service.full("a00"), 3, signal.SIGKILL), (service.full("a07"), 0, signal.SIGSEGV), (service.full("a19"), 9, signal.SIGTERM)]
    for name, number, signo in gone:
        os.kill(before[name, number], signo)
        await_death(before[name, number])
    service.await_daemon(other_than=old)
    for name, number, signo in gone:
        exits = [e for e in service.await_exits(name, 1) if e["number"] == number]
        assert len(exits) == 1
        assert (exits[0]["pid"], exits[0]["how"], exits[0]["signal"]) == (before[name, number], "signal", signo.name)
        before[name, number] = 0
    wait_until(lambda: pids_of_all(service) == before, 30, "the others have the pid they had")
    assert service.members() == sorted(pid for pid in before.values() if pid), "something was started twice"
    assert service.json("version")["running"] == 197


@pytest.mark.parametrize("kind", [APART, USER])
@pytest.mark.parametrize("victims", ["launcher", "both", "daemon-then-launcher"])
def test_the_launcher_is_killed(services, kind, victims):
    service = services(kind)
    names = [service.add("calm", "sleep", NEVER, instances=3), service.add("ready", "--ready-after 0 sleep",
                                                                           {"ready": {"probe": "notify"}, **NEVER}, instances=2)]
    ends = service.add("ends", "sleep", NEVER)
    victim = service.pid(ends)
    before = pids_of_all(service)
    daemon = service.daemon_pid()
    if victims == "daemon-then-launcher":
        os.kill(daemon, signal.SIGKILL)
        service.await_daemon(other_than=daemon)
        daemon = service.daemon_pid()
    if victims == "both":
        os.kill(daemon, signal.SIGSTOP)  # so that it cannot do anything between the two
        service.kill_launcher()
        os.kill(daemon, signal.SIGKILL)
    else:
        service.kill_launcher()
    assert all(alive(pid) for pid in before.values()), "apps died with the launcher"
    os.kill(victim, signal.SIGTERM)
    await_death(victim)
    new_life(service)
    before[ends, 0] = 0
    wait_until(lambda: pids_of_all(service) == before, 30, "every other instance has the pid it had")
    assert service.members() == sorted(pid for pid in before.values() if pid)
    last = service.await_exits(ends, 1)[0]
    if last["how"] == "unknown":
        assert victims == "both" or not _kernel_tells(), "the kernel could have told the exit status"
        assert "unknown" in last["text"]
    else:
        assert (last["how"], last["signal"]) == ("signal", "SIGTERM")
    # They are still in hand: stopping works, and the end of one that is no child any more is seen.
    os.kill(service.pid(names[0]), signal.SIGKILL)
    wait_until(lambda: service.instances(names[0])[0]["state"] == "stopped", 20, "the end of an adopted process is seen")
    service.ctl("stop", *names)
    assert service.members() == []


def _kernel_tells():
    """PIDFD_GET_INFO tells exits from Linux 6.15 on."""
    major, minor = os.uname().release.split(".")[:2]
    return (int(major), int("".join(filter(str.isdigit, minor)))) >= (6, 15)


def test_sighup_executes_the_launcher_again_with_its_children(anywhere):
    name = anywhere.add("kept", "sleep", QUICK, instances=5)
    before, daemon = anywhere.pids(name), anywhere.daemon_pid()
    for _ in range(3):
        anywhere.launcher.signal(signal.SIGHUP)
        daemon = anywhere.await_daemon(other_than=daemon)
    assert anywhere.pids(name) == before and anywhere.members() == sorted(before)
    assert anywhere.launcher.running()
    os.kill(before[2], signal.SIGABRT)
    anywhere.await_new_pid(name, before[2], 2)
    assert anywhere.history(name)[0]["signal"] == "SIGABRT"
    os.kill(daemon, signal.SIGKILL)
    anywhere.await_daemon(other_than=daemon)
    assert anywhere.pids(name)[:2] == before[:2]


def test_sighup_brings_new_programs_in(services, build, tmp_path_factory):
    copy = tmp_path_factory.mktemp("upgrade") / "build"
    shutil.copytree(build, copy)
    for folder in (copy, *copy.parents):
        if folder.stat().st_uid == os.geteuid() and folder != folder.parent and str(folder).startswith("/tmp/"):
            folder.chmod(0o755)
    service = services(start=False)
    service.build, service.hog = copy, build / "tests/apps/skhog"
    service.start()
    name = service.add("kept", "sleep", QUICK, instances=3)
    before, daemon = service.pids(name), service.daemon_pid()
    inodes = set()
    for program in ("streamkeeper-launcher", "streamkeeperd"):
        path = copy / "daemon" / program
        new = path.with_suffix(".new")
        new.write_bytes(path.read_bytes() + b"a newer build")
        new.chmod(0o755)
        os.rename(new, path)
        inodes.add(path.stat().st_ino)
    service.launcher.signal(signal.SIGHUP)
    service.await_daemon(other_than=daemon)
    running = {os.stat(f"/proc/{pid}/exe").st_ino for pid in (service.launcher.pid, service.daemon_pid())}
    assert running == inodes, "an old program runs on"
    assert service.pids(name) == before
    service.ctl("restart", name)
    assert set(before).isdisjoint(service.pids(name))


def test_sighup_with_a_broken_program_carries_on(services, build, tmp_path_factory):
    copy = tmp_path_factory.mktemp("broken") / "build"
    shutil.copytree(build, copy)
    for folder in (copy, *copy.parents):
        if folder.stat().st_uid == os.geteuid() and str(folder).startswith("/tmp/"):
            folder.chmod(0o755)
    service = services(start=False)
    service.build, service.hog = copy, build / "tests/apps/skhog"
    service.start()
    name = service.add("kept", "sleep", QUICK)
    before, daemon = service.pids(name), service.daemon_pid()
    launcher = copy / "daemon/streamkeeper-launcher"
    good = launcher.read_bytes()
    launcher.unlink()
    launcher.write_text("no program at all")
    launcher.chmod(0o755)
    service.launcher.signal(signal.SIGHUP)
    service.await_daemon(other_than=daemon)
    assert service.pids(name) == before and service.launcher.running()
    assert "carrying on" in service.log.read_text()
    launcher.unlink()
    launcher.write_bytes(good)
    launcher.chmod(0o755)
    daemon = service.daemon_pid()
    service.launcher.signal(signal.SIGHUP)
    service.await_daemon(other_than=daemon)
    assert service.pids(name) == before


def test_sighup_reads_the_configuration_again(services):
    service = services()
    assert [t["name"] for t in service.json("tenants")] == ["team"]
    service.configure("tenants.d/other.conf", f"[tenant]\nmembers = 64003\nrun-as = 64015\n")
    daemon = service.daemon_pid()
    service.launcher.signal(signal.SIGHUP)
    service.await_daemon(other_than=daemon)
    assert [t["name"] for t in service.json("tenants")] == ["other", "team"]


def test_sigterm_stops_by_class_lowest_first(anywhere):
    """Each says when it was told to end; a class is told only when the one below is gone."""
    script = """/bin/sh -c 'trap "date +%%s%%N >%S/told; sleep 0.1; date +%%s%%N >%S/gone; exit 0" TERM; echo >%S/up; while :; do sleep 0.02; done'"""
    names = {}
    for class_ in ("critical", "adhoc", "standard"):
        names[class_] = anywhere.add(class_, script, {"stop": {"timeout": "10s"}}, class_=class_, instances=2)
        for n in range(2):
            wait_until((anywhere.state_dir(names[class_], n) / "up").exists, 20, "its trap is set")
    assert anywhere.stop(30) == 0
    times = {}
    for class_, name in names.items():
        read = [[int((anywhere.state_dir(name, n) / f).read_text()) for f in ("told", "gone")] for n in range(2)]
        times[class_] = (min(told for told, _ in read), max(gone for _, gone in read))
    assert times["adhoc"][1] < times["standard"][0] and times["standard"][1] < times["critical"][0], times
    assert anywhere.members() == []
    # A stop of the service is no stop of the apps: the next start brings them back.
    anywhere.start()
    for name in names.values():
        anywhere.await_state(name, "running", 30)


def test_sigterm_leaves_nothing_behind(anywhere):
    anywhere.add("tree", "double-fork", {"stop": {"timeout": "300ms"}})
    anywhere.add("deaf", "ignore-term", {"stop": {"timeout": "300ms"}}, class_="adhoc")
    anywhere.add("loop", "crash 1", {"restart": {"delay": "1h", "delay-max": "1h"}}, options=["--no-wait"])
    group = anywhere.cgroup()
    pids = anywhere.members()
    daemon = anywhere.daemon_pid()
    assert anywhere.stop(30) == 0
    assert not [pid for pid in pids if alive(pid)] and not alive(daemon)
    assert group is None or not group.exists(), "the groups are left"
    assert not (anywhere.root / "run/control.sock").exists()
    assert anywhere.run("list").returncode == 7


def test_a_stopped_app_stays_stopped_over_a_restart_of_the_service(service):
    name = service.add("down", "sleep", QUICK)
    held = service.add("held", "crash 5", {"restart": {"no-restart-exit": "5"}}, options=["--no-wait"])
    service.await_app(held, "held")
    service.ctl("stop", name)
    assert service.stop() == 0
    service.start()
    assert service.app(name)["state"] == "stopped" and service.app(name)["wanted"] is False
    assert service.app(held)["state"] == "held" and service.members() == []


def test_sigquit_leaves_the_apps(anywhere):
    name = anywhere.add("left", "sleep", NEVER, instances=3)
    before = anywhere.pids(name)
    anywhere.launcher.signal(signal.SIGQUIT)
    assert anywhere.launcher.wait(20) == 0
    assert all(map(alive, before))
    anywhere.start()
    assert anywhere.pids(name) == before and anywhere.members() == sorted(before)


def test_a_second_service_on_the_same_root_is_refused(service):
    argv = [str(service.build / "daemon/streamkeeper-launcher"), "--root", str(service.root)]
    second = Process("second", argv, service.root / "second.log", user=service.user)
    assert second.wait(20) != 0
    assert str(service.launcher.pid) in (service.root / "second.log").read_text()
    assert service.run("list").returncode == 0


def test_a_daemon_that_dies_again_and_again(service):
    name = service.add("calm", "sleep", QUICK, instances=2)
    before = service.pids(name)
    old = None
    for _ in range(4):
        old = wait_until(lambda: (pid := service.daemon_pid()) != old and pid, 20, "a new daemon")
        os.kill(old, signal.SIGKILL)
        await_death(old)
    assert all(map(alive, before))
    service.await_daemon(other_than=old)
    assert service.pids(name) == before
    lines = [line for line in service.log.read_text().splitlines() if "streamkeeperd ended after" in line]
    assert len(lines) == 4 and "after a pause" in lines[-1]


def test_sigterm_while_the_daemon_is_dead_still_stops_in_order(service):
    name = service.add("calm", "sleep", QUICK)
    pid = service.pid(name)
    for _ in range(3):  # now the next one comes after a pause
        service.await_daemon()
        old = service.kill_daemon()
        await_death(old)
    service.launcher.signal(signal.SIGTERM)
    assert service.launcher.wait(30) == 0
    assert not alive(pid)


def test_exits_in_between_are_restarted_once(service):
    name = service.add("some", "sleep", QUICK, instances=20)
    before = service.pids(name)
    old = service.kill_daemon()
    for pid in before[:10]:
        os.kill(pid, signal.SIGKILL)
    service.await_daemon(other_than=old)
    for number, pid in enumerate(before[:10]):
        service.await_new_pid(name, pid, number)
    assert service.pids(name)[10:] == before[10:]
    exits = service.history(name, "-n", "100")
    assert collections.Counter(e["pid"] for e in exits) == collections.Counter(before[:10])
    assert {e["signal"] for e in exits} == {"SIGKILL"}
    wait_until(lambda: len(service.members()) == 20, 20, "no more than twenty run")


def test_readiness_goes_on_with_the_next_daemon(service):
    """A process that says READY to nobody must not be lost: its socket is there again, or it is asked anew."""
    script = (f"""/bin/sh -c 'while ! test -e %S/go; do sleep 0.02; done; exec {service.hog} --ready-after 50 sleep'""")
    name = service.add("patient", script, {"ready": {"probe": "notify", "timeout": "1m"}, **QUICK}, options=["--no-wait"])
    service.await_state(name, "starting", 20)
    pid = wait_until(lambda: service.pid(name), 20, "it has a pid")
    old = service.kill_daemon()
    service.await_daemon(other_than=old)
    assert service.app(name)["state"] == "starting"
    (service.state_dir(name) / "go").touch()
    service.await_state(name, "running", 20)
    assert service.pid(name) == pid


def test_a_stop_that_was_answered_holds_over_the_daemons_death(service):
    name = service.add("deaf", "ignore-term", {"stop": {"timeout": "2s"}})
    pid = service.pid(name)
    service.ctl("stop", "--no-wait", name)
    old = service.kill_daemon()
    service.await_daemon(other_than=old)
    wait_until(lambda: not alive(pid), 30, "the stop is carried out by the next daemon")
    assert service.await_app(name, "stopped")["wanted"] is False
    assert service.history(name)[0]["then"] == "stopped as asked"


def test_an_unregister_that_was_answered_holds_over_the_daemons_death(service):
    name = service.add("bye", "ignore-term", {"stop": {"timeout": "500ms"}})
    (service.state_dir(name) / "file").touch()
    service.ctl("unregister", "--purge", "--no-wait", name)
    old = service.kill_daemon()
    service.await_daemon(other_than=old)
    wait_until(lambda: service.run("status", name).returncode == 4 and service.members() == [], 30, "it is gone")
    wait_until(lambda: not service.state_dir(name).exists(), 30, "its state is gone too")
