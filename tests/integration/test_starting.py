# SPDX-License-Identifier: Apache-2.0
"""Starts that fail, and readiness: what is told, and what becomes of the process."""

import os
import socket

import pytest

from keeper import alive
from processes import wait_until

PYTHON = "/usr/bin/python3"
QUICK = {"delay": "50ms", "delay-max": "100ms"}
STAY = {"delay": "1h", "delay-max": "2h"}
STOP = {"timeout": "500ms"}


@pytest.fixture
def port():
    """A port that was free a moment ago."""
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


@pytest.mark.parametrize("command,keys,words", [
    ("/nowhere/program", {}, ["exec", "No such file", "/nowhere/program"]),
    ("/etc/passwd", {}, ["exec", "Permission denied", "/etc/passwd"]),
    ("/usr/bin", {}, ["exec", "Permission denied", "/usr/bin"]),
    ("sleep", {"working_directory": "/nowhere/at/all"}, ["working directory", "No such file", "/nowhere/at/all"]),
    ("sleep", {"working_directory": "/etc/passwd"}, ["working directory", "Not a directory", "/etc/passwd"]),
    ("sleep", {"working_directory": "/root/.."}, ["working directory", "Permission denied"]),
], ids=["missing", "not-executable", "directory", "no-folder", "folder-is-a-file", "folder-not-his"])
def test_a_failed_start_names_stage_and_object(service, command, keys, words):
    if "/root/.." in str(keys) and os.stat("/root").st_mode & 0o005:
        pytest.skip("everybody may enter /root here")
    path = service.write("bad", command, {"restart": STAY}, **keys)
    result = service.run("register", path, seconds=60)
    assert result.returncode == 1
    name = service.full("bad")
    app = service.app(name)
    assert app["state"] in ("failed-start", "backoff")
    why = app["instances"][0]["why"]
    last = service.await_exits(name, 1)[0]
    assert last["how"] == "failed-start"
    told = f"{why} {last['text']} {last.get('reason', '')}"
    for word in words:
        assert word in told and word in result.stderr, (word, told, result.stderr)


def test_a_script_without_an_interpreter(service):
    script = service.root / "script"
    script.write_text("#!/nowhere/interpreter\n")
    script.chmod(0o755)
    result = service.run("register", service.write("script", str(script), {"restart": STAY}))
    assert result.returncode == 1 and "exec" in result.stderr and str(script) in result.stderr


def test_a_user_that_does_not_exist_is_refused(services):
    service = services(tenants={"team": "members = 64002\nrun-as = 64010-64019 nobody-of-that-name\nclasses = *\n"})
    path = service.write("who", "sleep", user="nobody-of-that-name")
    result = service.run("register", path)
    assert result.returncode == 3
    assert "nobody-of-that-name" in result.stderr and "user" in result.stderr


def test_a_failed_start_is_tried_again_and_succeeds_when_the_program_comes(service):
    program = service.root / "late"
    path = service.write("late", str(program), {"restart": QUICK})
    assert service.run("register", path).returncode == 1
    name = service.full("late")
    service.await_exits(name, 2)
    program.write_text("#!/bin/sh\nexec sleep 1000\n")
    program.chmod(0o755)
    service.await_state(name, "running", 20)


def test_ready_notify(anywhere):
    name = anywhere.add("told", "--ready-after 300 sleep", {"ready": {"probe": "notify"}, "stop": STOP}, options=["--no-wait"])
    anywhere.await_state(name, "starting", 20)
    now = anywhere.await_state(name, "running", 20)
    events = {e["kind"]: e["at_usec"] for e in anywhere.events(name)}
    assert events["ready"] - events["started"] >= 250_000, events
    assert now[0]["restarts"] == 0


def test_ready_tcp(anywhere, port):
    code = (f"import socket, time; time.sleep(0.3); s = socket.create_server((chr(49)+chr(50)+chr(55)+chr(46)+chr(48)+chr(46)+chr(48)"
            f"+chr(46)+chr(49), {port})); time.sleep(1000)")
    name = anywhere.add("port", f'{PYTHON} -c "{code}"',
                        {"ready": {"probe": f"tcp:{port}", "interval": "20ms", "timeout": "20s"}, "stop": STOP})
    with socket.create_connection(("127.0.0.1", port), 5):
        pass
    assert anywhere.app(name)["state"] == "running"


def test_ready_exec_runs_as_the_app_and_until_it_succeeds(anywhere):
    command = '/bin/sh -c "id -u >>%S/tries; cat /proc/self/cgroup >%S/group; test -e %S/flag"'
    name = anywhere.add("asked", "sleep", {"ready": {"probe": f"exec:{command}", "interval": "30ms", "timeout": "30s"}, "stop": STOP},
                        options=["--no-wait"])
    folder = anywhere.state_dir(name)
    wait_until(lambda: (folder / "tries").exists() and len((folder / "tries").read_text().split()) >= 3, 20, "three tries")
    assert anywhere.app(name)["state"] == "starting"
    assert set((folder / "tries").read_text().split()) == {str(anywhere.app_uid)}
    if anywhere.cgroup():
        wait_until(lambda: f"{name}.0" in (folder / "group").read_text(), 20, "a probe in the instance's group")
    (folder / "flag").touch()
    os.chmod(folder / "flag", 0o644)
    anywhere.await_state(name, "running", 20)
    pid = anywhere.pid(name)
    wait_until(lambda: anywhere.members() == [pid], 20, "no probe is left")


@pytest.mark.parametrize("probe", ["notify", "tcp", "exec", "exec-hangs"])
def test_not_ready_in_time_is_ended_and_told(service, port, probe):
    what = {"notify": "notify", "tcp": f"tcp:{port}", "exec": "exec:/bin/false", "exec-hangs": "exec:/bin/sleep 1000"}[probe]
    ready = {"probe": what, "timeout": "300ms"}
    if probe != "notify":
        ready["interval"] = "50ms"
    name = service.add("never", "sleep", {"ready": ready, "restart": {**STAY, "policy": "always"}, "stop": STOP}, options=["--no-wait"])
    last = service.await_exits(name, 1)[0]
    assert "not ready in time" in last["text"], last
    app = service.await_app(name, "backoff")
    assert app["instances"][0]["pid"] == 0
    wait_until(lambda: service.members() == [], 20, "neither the instance nor its probe is left")


def test_an_app_may_ask_for_more_time(service):
    send = "s.sendto(b'EXTEND_TIMEOUT_USEC=5000000', os.environ['NOTIFY_SOCKET'].replace('@', chr(0), 1))"
    ready = "s.sendto(b'READY=1', os.environ['NOTIFY_SOCKET'].replace('@', chr(0), 1))"
    code = f"import os, socket, time; s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM); {send}; time.sleep(1.5); {ready}; time.sleep(999)"
    name = service.add("patient", f'{PYTHON} -c "{code}"', {"ready": {"probe": "notify", "timeout": "1s"}, "restart": STAY})
    assert service.history(name) == []
    assert service.app(name)["state"] == "running"


def test_a_missed_watchdog_is_a_failure(service):
    tell = "s.sendto({}, os.environ['NOTIFY_SOCKET'].replace('@', chr(0), 1))"
    code = ("import os, socket, time; s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM); "
            f"{tell.format(repr(b'READY=1' + bytes([10]) + b'WATCHDOG_USEC=200000'))}; time.sleep(999)").replace("\\n", "\\\\n")
    name = service.add("hung", f'{PYTHON} -c "{code}"', {"ready": {"probe": "notify"}, "restart": STAY, "stop": STOP}, options=["--no-wait"])
    last = service.await_exits(name, 1)[0]
    assert last["how"] == "signal" and last["run_usec"] < 15_000_000
    assert service.await_app(name, "backoff")["instances"][0]["why"]


def test_another_users_process_cannot_say_ready(services):
    """The socket's name may be guessed; only the instance's own user (or root) is listened to."""
    service = services()
    waiting = service.add("waiting", "sleep", {"ready": {"probe": "notify"}, "stop": STOP}, options=["--no-wait"], user="64010")
    service.await_state(waiting, "starting", 20)
    sockets = list((service.root / "run/notify").iterdir())
    assert len(sockets) == 1
    code = ("import os, socket, sys; s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM); "
            f"s.sendto(b'READY=1', '{sockets[0]}'); open(os.environ['STATE_DIRECTORY'] + '/sent', 'w'); s.close(); import time; time.sleep(999)")
    forger = service.add("forger", f'{PYTHON} -c "{code}"', {"stop": STOP}, user="64011")
    wait_until((service.state_dir(forger) / "sent").exists, 20, "the forger has sent")
    # A later message of the right user arrives after the forged one.
    code = code.replace("64011", "64010").replace("READY=1", "STATUS=seen")
    helper = service.add("helper", f'{PYTHON} -c "{code}"', {"stop": STOP}, user="64010")
    wait_until((service.state_dir(helper) / "sent").exists, 20, "the helper has sent")
    wait_until(lambda: "seen" in str(service.json("status", waiting)), 20, "the status has arrived")
    assert service.app(waiting)["state"] == "starting"


def test_no_wait_and_timeout(service):
    sections = {"ready": {"probe": "notify"}, "stop": STOP}
    path = service.write("slow", "sleep", sections)
    assert service.run("register", "--no-wait", path).returncode == 0
    result = service.run("start", "--timeout", "200ms", service.full("slow"))
    assert result.returncode == 8 and "not reached in 200ms" in result.stderr
    assert alive(service.pid(service.full("slow")))
