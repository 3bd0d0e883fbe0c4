#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""The launcher as a process: starts, exits, replay, a daemon that dies, taking over, executing itself again."""
import glob
import os
import resource
import signal
import stat
import struct
import subprocess
import sys
import time

import pytest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from launcher_client import *  # noqa: E402,F403
import launcher_client as lc  # noqa: E402

BUILD = os.environ.get("STREAMKEEPER_BUILD", "")
PROGRAM = os.path.join(BUILD, "daemon/streamkeeper-launcher")
IS_ROOT = os.getuid() == 0
needs_root = pytest.mark.skipif(not IS_ROOT, reason="needs root")
OTHER_UID = 61000


class Service:
    def __init__(self, root):
        self.root, self.launchers = root, []

    def launch(self, *options, **kw):
        self.launchers.append(lc.Launcher(PROGRAM, self.root, *options, **kw))
        return self.launchers[-1]

    def cgroup(self, app="a", number=0, tenant="t"):
        """A group for an instance, and the flag to use it; nothing where no group can be made."""
        with open(os.path.join(self.root, "run/cgroup"), encoding="utf-8") as f:
            facts = dict(line.rstrip("\n").split("=", 1) for line in f)
        if facts["mode"] == "none":
            return [], 0
        path = os.path.join(facts["path"], "standard", tenant, f"{app}.{number}")
        os.makedirs(path, exist_ok=True)
        return [path], lc.F_CGROUP


    def remove_groups(self):
        """Ends what a test left running, and removes the groups; a process that was killed is in them a little longer."""
        try:
            with open(os.path.join(self.root, "run/cgroup"), encoding="utf-8") as f:
                path = dict(line.rstrip("\n").split("=", 1) for line in f)["path"]
        except OSError:
            return
        for kill in glob.glob(path + "/cgroup.kill"):
            with open(kill, "w", encoding="utf-8") as f:
                f.write("1")
        command = [os.path.join(BUILD, "daemon/streamkeeper-cgsetup"), "remove", "--root", self.root]
        lc.wait_until("the groups to go", lambda: subprocess.run(command, check=False, capture_output=True).returncode == 0)


@pytest.fixture
def service(tmp_path):
    os.chmod(tmp_path, 0o755)
    s = Service(str(tmp_path))
    yield s
    for launcher in s.launchers:
        launcher.clean_up()
        launcher.kill_instances()
    s.remove_groups()


def spawn(service, launcher, start_id, argv, number=0, paths=(), flags=0, **fields):
    group, flag = service.cgroup(number=number)
    return launcher.spawn(start_id, argv, *group, *paths, flags=flags | flag, number=number, **fields)


def test_welcome_and_empty_replay(service):
    launcher = service.launch()
    messages = launcher.connect()
    assert [m["verb"] for m in messages] == [lc.WELCOME, lc.REPLAYED]
    assert messages[0]["pid"] == launcher.process.pid
    assert messages[0]["owner_uid"] == int(os.environ.get("SUDO_UID", os.getuid()))
    assert messages[0]["can_change_uid"] == IS_ROOT
    assert launcher.stop() == 0


def test_spawn_exit_and_forget(service):
    launcher = service.launch()
    launcher.connect()
    m = spawn(service, launcher, 7, ["/bin/sh", "-c", "exit 3"])
    assert m["verb"] == lc.SPAWNED and m["id"] == 7 and m["fds"] == 1 and m["ticks"] > 0
    assert m["instance"] == ("t", "a", 0)
    e = launcher.exited(7)
    assert (e["how"], e["code"], e["pid"]) == (1, 3, m["pid"])
    assert abs(e["at"] / 1e6 - time.time()) < lc.DEADLINE and e["rss"] > 0
    # Not forgotten: the id cannot be used again.
    again = spawn(service, launcher, 7, ["/bin/true"])
    assert again["verb"] == lc.SPAWN_FAILED and again["stage"] == "request" and again["error"] == 17
    launcher.send(struct.pack("<BQ", lc.FORGET, 7))
    assert spawn(service, launcher, 7, ["/bin/true"])["verb"] == lc.SPAWNED
    launcher.exited(7)
    assert launcher.stop() == 0


def test_signals(service):
    launcher = service.launch()
    launcher.connect()
    spawn(service, launcher, 1, ["/bin/sleep", "1000"])
    launcher.send(struct.pack("<BQI", lc.SIGNAL, 1, signal.SIGTERM))
    e = launcher.exited(1)
    assert (e["how"], e["code"]) == (2, signal.SIGTERM)
    launcher.send(struct.pack("<BQI", lc.SIGNAL, 1, signal.SIGTERM))  # gone: ignored
    launcher.send(struct.pack("<BQI", lc.SIGNAL, 99, signal.SIGTERM))
    assert launcher.stop() == 0


def test_failed_stages(service, tmp_path):
    launcher = service.launch()
    launcher.connect()
    m = spawn(service, launcher, 1, ["/no/such/program"])
    assert (m["verb"], m["stage"], m["error"], m["detail"]) == (lc.SPAWN_FAILED, "exec", 2, "/no/such/program")
    plain = tmp_path / "plain"
    plain.write_text("no program")
    m = spawn(service, launcher, 2, [str(plain)])
    assert (m["stage"], m["error"]) == ("exec", 13)
    m = spawn(service, launcher, 3, ["/bin/true"], workdir="/no/such/folder")
    assert (m["stage"], m["error"], m["detail"]) == ("workdir", 2, "/no/such/folder")
    m = spawn(service, launcher, 4, ["true"])
    assert (m["stage"], m["error"]) == ("request", 22)
    m = spawn(service, launcher, 5, ["/bin/true"], uid=0xFFFFFFFF if IS_ROOT else os.getuid() + 1)
    assert (m["stage"], m["error"], m["detail"]) == ("request", 1, "uid")
    m = spawn(service, launcher, 6, ["/bin/true"], rlimits=[(7, 10, 1 << 40)])
    assert m["stage"] == "limits"
    # None of them left a record: a new daemon hears of nothing.
    launcher.order(exit=0)
    assert [m["verb"] for m in launcher.connect()] == [lc.WELCOME, lc.REPLAYED]
    assert launcher.stop() == 0


def test_environment_of_an_instance(service, tmp_path):
    launcher = service.launch()
    launcher.connect()
    out = tmp_path / "out"
    script = "cat /proc/self/stat; ulimit -Sn; umask; pwd; env; ls -l /proc/self/fd; cat /proc/self/status"
    m = spawn(service, launcher, 1, ["/bin/sh", "-c", script], flags=lc.F_LOG | lc.F_STATE_DIR, paths=[str(out)],
              umask=0o27, nice=5, oom=300, rlimits=[(7, 77, 100)], env=["A=1", "PATH=/usr/bin:/bin"])
    assert m["verb"] == lc.SPAWNED, m
    assert launcher.exited(1)["code"] == 0
    text = out.read_text()
    lines = text.splitlines()
    stat_fields = lines[0].rpartition(")")[2].split()
    assert int(stat_fields[3]) == m["pid"]  # a session of its own
    assert int(stat_fields[16]) == 5  # nice
    assert lines[1:4] == ["77", "0027", f"{service.root}/state/t/a/0"]
    assert "A=1" in lines and not [x for x in lines if x.startswith(("HOME=", "NOTIFY", "INVOCATION"))]
    fds = [x.split(" -> ")[0].split()[-1] for x in lines if " -> " in x]
    assert set(fds) <= {"0", "1", "2", "3"}  # 3: ls reads the folder
    assert "/dev/null" in [x.split(" -> ")[1] for x in lines if " 0 -> " in x]
    status = dict(x.split(":\t", 1) for x in lines if ":\t" in x)
    assert status["NoNewPrivs"] == "1" and int(status["CapBnd"], 16) == (0 if IS_ROOT else int(status["CapBnd"], 16))
    assert int(status["CapEff"], 16) == int(status["CapPrm"], 16) == int(status["SigBlk"], 16) == 0
    assert int(status["SigIgn"], 16) == 0
    state = os.stat(f"{service.root}/state/t/a/0")
    assert stat.S_IMODE(state.st_mode) == 0o700 and state.st_uid == os.getuid()
    assert launcher.stop() == 0


@needs_root
def test_another_user(service, tmp_path):
    launcher = service.launch()
    launcher.connect()
    out = tmp_path / "out"
    m = spawn(service, launcher, 1, ["/bin/sh", "-c", "id -u; id -g; id -G; pwd; ls -A; echo x > mine"], uid=OTHER_UID,
              gid=OTHER_UID, groups=[OTHER_UID, OTHER_UID + 1], flags=lc.F_LOG | lc.F_STATE_DIR, paths=[str(out)],
              env=["PATH=/usr/bin:/bin"])
    assert m["verb"] == lc.SPAWNED, m
    assert launcher.exited(1)["code"] == 0
    assert out.read_text().split() == [str(OTHER_UID), str(OTHER_UID), str(OTHER_UID), str(OTHER_UID + 1),
                                       f"{service.root}/state/t/a/0"]
    # A directory of another user is refused, not taken over.
    m = spawn(service, launcher, 2, ["/bin/true"], uid=OTHER_UID + 5, gid=OTHER_UID, flags=lc.F_STATE_DIR)
    assert (m["verb"], m["stage"], m["error"]) == (lc.SPAWN_FAILED, "state", 1)
    # Groups that are none of an app's business are not given to it.
    out.unlink()
    m = spawn(service, launcher, 3, ["/bin/sh", "-c", "id -G"], uid=OTHER_UID, gid=OTHER_UID, groups=[6, OTHER_UID, 27],
              flags=lc.F_LOG, paths=[str(out)], env=["PATH=/usr/bin:/bin"])
    launcher.exited(3)
    assert out.read_text().split() == [str(OTHER_UID)]
    assert launcher.stop() == 0


@needs_root
def test_born_in_its_group(service, tmp_path):
    launcher = service.launch()
    launcher.connect()
    group, flag = service.cgroup()
    if not group:
        pytest.skip("no cgroup v2 that can be written")
    out = tmp_path / "out"
    launcher.spawn(1, ["/bin/cat", "/proc/self/cgroup"], *group, str(out), flags=flag | lc.F_LOG)
    launcher.exited(1)
    assert [x for x in out.read_text().splitlines() if x.startswith("0::") and x.endswith("/standard/t/a.0")]
    # Another instance's group, the class's group, no group at all.
    other, _ = service.cgroup(number=1)
    for start_id, path in ((2, other[0]), (3, os.path.dirname(group[0])), (4, str(tmp_path))):
        m = launcher.spawn(start_id, ["/bin/true"], path, flags=flag)
        assert (m["verb"], m["stage"], m["error"], m["detail"]) == (lc.SPAWN_FAILED, "request", 1, "cgroup")
    m = launcher.spawn(5, ["/bin/true"])
    assert (m["stage"], m["detail"]) == ("request", "cgroup")
    assert launcher.stop() == 0


def test_daemon_dies_children_live(service):
    launcher = service.launch()
    launcher.connect()
    pids = {}
    for i in range(1, 21):
        pids[i] = spawn(service, launcher, i, ["/bin/sleep", "1000"], number=i)["pid"]
    old = launcher.daemon_pid()
    os.kill(old, signal.SIGKILL)
    os.kill(pids[20], signal.SIGKILL)
    lc.wait_until("a new daemon", lambda: launcher.daemon_pid() != old)
    messages = launcher.connect()
    assert {m["id"]: m["pid"] for m in messages if m["verb"] == lc.CHILD} == {i: pids[i] for i in range(1, 20)}
    assert all(m["fds"] == 1 for m in messages if m["verb"] == lc.CHILD)
    exits = [m for m in messages if m["verb"] == lc.EXITED]
    assert [(m["id"], m["pid"], m["how"], m["code"]) for m in exits] == [(20, pids[20], 2, signal.SIGKILL)]
    assert exits[0]["instance"] == ("t", "a", 20) and all(m["instance"] == ("t", "a", m["id"]) for m in messages if m["verb"] == lc.CHILD)
    assert all(lc.is_alive(pids[i]) for i in range(1, 20))
    # Told again after each HELLO, until forgotten.
    launcher.send(struct.pack("<BQ", lc.FORGET, 20))
    launcher.order(exit=1)
    lc.wait_until("another daemon", lambda: launcher.daemon_pid() not in (old,))
    assert lc.EXITED not in [m["verb"] for m in launcher.connect()]
    assert launcher.stop() == 0
    assert all(lc.is_alive(pids[i]) for i in range(1, 20))


BROKEN = {
    "close": b"", "verb-zero": b"\0", "verb-unknown": b"\xff", "short": bytes([lc.SPAWN]), "no-id": bytes([lc.SIGNAL]) + b"\1" * 11,
    "a-report": bytes([lc.WELCOME]), "second-hello": bytes([lc.HELLO, 1, 0, 0, 0]), "done-unasked": bytes([lc.DONE]),
    "too-long": bytes([lc.READY, 0]), "rubbish": b"\1" * 100000,
}


@pytest.mark.parametrize("what", BROKEN)
def test_broken_protocol_costs_the_daemon(service, what):
    message = BROKEN[what]
    launcher = service.launch()
    launcher.connect()
    pid = spawn(service, launcher, 1, ["/bin/sleep", "1000"])["pid"]
    old = launcher.daemon_pid()
    if message:
        launcher.send(message)
    else:
        launcher.order(close=True)
    lc.wait_until("a new daemon", lambda: launcher.daemon_pid() != old)
    assert [m["pid"] for m in launcher.connect() if m["verb"] == lc.CHILD] == [pid]
    assert lc.is_alive(pid)
    assert launcher.stop() == 0


def test_descriptors_where_none_belong(service):
    launcher = service.launch()
    launcher.connect()
    old = launcher.daemon_pid()
    launcher.send(bytes([lc.READY]), "/dev/null")
    lc.wait_until("a new daemon", lambda: launcher.daemon_pid() != old)
    launcher.connect()
    launcher.send(lc.spawn_message(1, ["/bin/true"]), "/dev/null")  # no flag says what it is for
    lc.wait_until("a new daemon", lambda: launcher.daemon_pid() != old)
    fds = os.listdir(f"/proc/{launcher.process.pid}/fd")
    assert len(fds) < 16


def test_launcher_killed_and_started_again(service):
    launcher = service.launch()
    launcher.connect()
    pids = {i: spawn(service, launcher, i, ["/bin/sleep", "1000"], number=i)["pid"] for i in (1, 2, 3)}
    launcher.process.kill()
    launcher.process.wait()
    os.kill(pids[3], signal.SIGTERM)
    second = service.launch()
    messages = second.connect()
    assert {m["id"]: m["pid"] for m in messages if m["verb"] == lc.CHILD and m["id"] != 3} == {1: pids[1], 2: pids[2]}
    if 3 not in [m["id"] for m in messages if m["verb"] == lc.EXITED]:
        e = second.exited(3)
    else:
        e = [m for m in messages if m["verb"] == lc.EXITED][0]
    assert (e["how"], e["code"]) in [(2, signal.SIGTERM), (0, 0)]
    # Theirs as before: signals reach them, and their exits are seen.
    second.send(struct.pack("<BQI", lc.SIGNAL, 1, signal.SIGTERM))
    e = second.exited(1)
    assert (e["how"], e["code"]) in [(2, signal.SIGTERM), (0, 0)]
    assert second.stop() == 0
    assert lc.is_alive(pids[2])
    os.kill(pids[2], signal.SIGKILL)


@needs_root
def test_both_killed_and_adopted_by_group(service):
    launcher = service.launch()
    launcher.connect()
    group, flag = service.cgroup()
    if not group:
        pytest.skip("no cgroup v2 that can be written")
    m = launcher.spawn(5, ["/bin/sleep", "1000"], *group, flags=flag)
    daemon = launcher.daemon_pid()
    launcher.process.kill()
    os.kill(daemon, signal.SIGKILL)
    launcher.process.wait()
    second = service.launch()
    assert [x["verb"] for x in second.connect()] == [lc.WELCOME, lc.REPLAYED]
    for pid, ticks, path, error in ((m["pid"], m["ticks"] + 1, group[0], 3), (os.getpid(), 1, group[0], 3),
                                    (m["pid"], m["ticks"], os.path.dirname(group[0]), 1)):
        second.send(lc.adopt_message(5, pid, ticks), path)
        f = second.until(lc.ADOPT_FAILED)[-1]
        assert (f["id"], f["error"]) == (5, error)
    second.send(lc.adopt_message(5, m["pid"], m["ticks"]), group[0])
    a = second.until(lc.ADOPTED)[-1]
    assert (a["id"], a["pid"], a["ticks"], a["fds"]) == (5, m["pid"], m["ticks"], 1) and a["instance"] == ("t", "a", 0)
    os.kill(m["pid"], signal.SIGKILL)
    e = second.exited(5)
    assert (e["id"], e["pid"]) == (5, m["pid"])
    release = tuple(int(x) for x in os.uname().release.split("-")[0].split(".")[:2])
    if release >= (6, 15):
        assert (e["how"], e["code"]) == (2, signal.SIGKILL)
    assert second.stop() == 0


def test_executes_itself_again(service):
    launcher = service.launch()
    launcher.connect()
    pids = {i: spawn(service, launcher, i, ["/bin/sleep", "1000"], number=i)["pid"] for i in (1, 2)}
    spawn(service, launcher, 3, ["/bin/sh", "-c", "exit 9"], number=3)
    launcher.exited(3)
    old = launcher.daemon_pid()
    launcher.process.send_signal(signal.SIGHUP)
    assert launcher.until(lc.TERMINATE)[-1]["why"] == 2  # leave
    launcher.send(bytes([lc.DONE]))
    launcher.order(exit=0)
    lc.wait_until("a new daemon", lambda: launcher.daemon_pid() != old)
    messages = launcher.connect()
    assert messages[0]["pid"] == launcher.process.pid and "Executed again" in launcher.log_text()
    assert {m["id"]: m["pid"] for m in messages if m["verb"] == lc.CHILD} == pids
    assert [(m["id"], m["how"], m["code"]) for m in messages if m["verb"] == lc.EXITED] == [(3, 1, 9)]
    # Still our children: the status is known on every kernel.
    os.kill(pids[1], signal.SIGUSR1)
    e = launcher.exited(1)
    assert (e["how"], e["code"]) == (2, signal.SIGUSR1)
    # Instances get the limits that the first program was given, not the raised ones.
    soft, _hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    out = os.path.join(service.root, "out")
    spawn(service, launcher, 8, ["/bin/sh", "-c", "ulimit -Sn"], number=8, flags=lc.F_LOG, paths=[out])
    launcher.exited(8)
    with open(out, encoding="utf-8") as f:
        assert f.read().split() == [str(soft)]
    assert launcher.stop() == 0


def test_told_to_stop_in_the_middle_of_a_reload(service):
    launcher = service.launch()
    launcher.connect()
    old = launcher.daemon_pid()
    launcher.process.send_signal(signal.SIGHUP)
    assert launcher.until(lc.TERMINATE)[-1]["why"] == 2
    launcher.process.send_signal(signal.SIGTERM)
    launcher.send(bytes([lc.DONE]))
    launcher.order(exit=0)
    lc.wait_until("a new daemon", lambda: launcher.daemon_pid() != old)
    launcher.connect()
    assert launcher.until(lc.TERMINATE)[-1]["why"] == 1
    launcher.send(bytes([lc.DONE]))
    launcher.order(exit=0)
    assert launcher.process.wait(lc.DEADLINE) == 0


def test_started_without_stdio(service, tmp_path):
    launcher = service.launch()
    launcher.connect()
    assert launcher.stop() == 0
    command = f"exec '{PROGRAM}' --root '{service.root}' --daemon '{lc.HERE}/fake_daemon.py' <&- >&- 2>&-"
    second = lc.Launcher.__new__(lc.Launcher)
    second.root, second.client, second.buffered, second.log_path = service.root, None, b"", launcher.log_path
    second.started = []
    second.log = open(second.log_path, "ab")
    second.process = subprocess.Popen(["/bin/sh", "-c", command])
    service.launchers.append(second)
    second.connect()
    out = tmp_path / "out"
    spawn(service, second, 1, ["/bin/sh", "-c", "echo fine; ls -l /proc/self/fd/0"], flags=lc.F_LOG, paths=[str(out)],
          env=["PATH=/bin"])
    assert second.exited(1)["code"] == 0
    assert out.read_text().startswith("fine") and "/dev/null" in out.read_text()
    assert second.stop() == 0


def test_state_remove(service):
    launcher = service.launch()
    launcher.connect()
    spawn(service, launcher, 1, ["/bin/true"], flags=lc.F_STATE_DIR)
    launcher.exited(1)
    path = f"{service.root}/state/t/a/0"
    with open(path + "/file", "w", encoding="utf-8"):
        pass
    remove = bytes([lc.STATE_REMOVE]) + lc.text("t") + lc.text("a") + struct.pack("<I", 0)
    launcher.send(remove)
    assert launcher.until(lc.STATE_REMOVED)[-1]["error"] == 39
    spawn(service, launcher, 2, ["streamkeeper-state", "delete", "."], flags=lc.F_STATE_DIR | lc.F_STATE_TOOL)
    assert launcher.exited(2)["code"] == 0
    launcher.send(remove)
    m = launcher.until(lc.STATE_REMOVED)[-1]
    assert (m["error"], m["detail"]) == (0, "t/a/0")
    assert not os.path.exists(f"{service.root}/state/t")
    launcher.send(bytes([lc.STATE_REMOVE]) + lc.text("..") + lc.text("a") + struct.pack("<I", 0))
    assert launcher.until(lc.STATE_REMOVED)[-1]["error"] == 22
    assert launcher.stop() == 0


def test_ready_fd_and_second_launcher(service):
    read_fd, write_fd = os.pipe()
    os.set_inheritable(write_fd, True)
    launcher = lc.Launcher.__new__(lc.Launcher)
    launcher.root, launcher.client, launcher.buffered, launcher.started = service.root, None, b"", []
    launcher.log_path = os.path.join(service.root, "launcher.log")
    launcher.log = open(launcher.log_path, "ab")
    launcher.process = subprocess.Popen(
        [PROGRAM, "--root", service.root, "--daemon", os.path.join(lc.HERE, "fake_daemon.py"), "--ready-fd",
         str(write_fd)], pass_fds=[write_fd], stderr=launcher.log)
    service.launchers.append(launcher)
    os.close(write_fd)
    launcher.connect()
    launcher.send(bytes([lc.READY]))
    assert os.read(read_fd, 100) == b"READY\n" and os.read(read_fd, 100) == b""
    os.close(read_fd)
    second = subprocess.run([PROGRAM, "--root", service.root], capture_output=True, text=True, check=False)
    assert second.returncode == 1 and f"pid {launcher.process.pid}" in second.stderr
    assert launcher.stop() == 0


def test_terminate_is_asked_again(service):
    launcher = service.launch()
    launcher.connect()
    pid = spawn(service, launcher, 1, ["/bin/sleep", "1000"])["pid"]
    launcher.process.send_signal(signal.SIGTERM)
    assert launcher.until(lc.TERMINATE)[-1]["why"] == 1  # stop
    launcher.process.send_signal(signal.SIGINT)
    lc.wait_until("what it waits for", lambda: "Still stopping: 1 instance to go" in launcher.log_text())
    old = launcher.daemon_pid()
    launcher.order(exit=1)
    lc.wait_until("a new daemon", lambda: launcher.daemon_pid() != old)
    launcher.connect()
    assert launcher.until(lc.TERMINATE)[-1]["why"] == 1
    launcher.send(struct.pack("<BQI", lc.SIGNAL, 1, signal.SIGKILL))
    launcher.exited(1)
    launcher.send(bytes([lc.DONE]))
    launcher.order(exit=0)
    assert launcher.process.wait(lc.DEADLINE) == 0
    assert not lc.is_alive(pid) and not os.path.exists(f"{service.root}/run/control.sock")


def test_no_wakeups_when_nothing_happens(service):
    launcher = service.launch()
    launcher.connect()
    for i in range(5):
        spawn(service, launcher, i + 1, ["/bin/sleep", "1000"], number=i)

    def switches():
        with open(f"/proc/{launcher.process.pid}/status", encoding="utf-8") as f:
            return sum(int(x.split()[1]) for x in f if "ctxt_switches" in x)
    lc.wait_until("the launcher to sleep", lambda: open(f"/proc/{launcher.process.pid}/stat", encoding="utf-8").read()
                  .rpartition(")")[2].split()[0] == "S")
    before = switches()
    time.sleep(1.5)  # the span that is measured
    assert switches() - before <= 1
    assert launcher.stop() == 0


def test_kill_without_groups(service):
    launcher = service.launch()
    launcher.connect()
    if service.cgroup()[0]:
        pytest.skip("only where no group can be made (run as a plain user)")
    script = "sleep 1000 & setsid sleep 1000 & exec sleep 1000"
    m = launcher.spawn(4, ["/bin/sh", "-c", script], env=["STREAMKEEPER_START_ID=4", "PATH=/usr/bin:/bin"])

    def members():
        found = []
        for p in os.listdir("/proc"):
            try:
                with open(f"/proc/{p}/environ", "rb") as f:
                    if p.isdigit() and b"STREAMKEEPER_START_ID=4" in f.read().split(b"\0"):
                        found.append(int(p))
            except OSError:
                pass
        return found
    lc.wait_until("three processes", lambda: len(members()) == 3 and m["pid"] in members())
    launcher.send(struct.pack("<BQ", lc.KILL, 4))
    assert launcher.exited(4)["code"] == signal.SIGKILL
    lc.wait_until("none", lambda: not members())
    assert launcher.stop() == 0


def test_no_uid_zero_without_right(service):
    result = subprocess.run([PROGRAM, "--uid-range", "0-5"], capture_output=True, text=True, check=False)
    assert result.returncode == 2 and "1000-59999" in result.stderr
    assert subprocess.run([PROGRAM, "--nonsense"], capture_output=True, check=False).returncode == 2
    assert subprocess.run([PROGRAM, "--help"], capture_output=True, text=True, check=False).stdout.startswith("streamkeeper-launcher")


if __name__ == "__main__":
    sys.exit(pytest.main([__file__, "-q", "-rs", *sys.argv[1:]]))
