# SPDX-License-Identifier: Apache-2.0
"""Full and damaged disks: a clear error, nothing lost that was promised, service goes on, and recovers when there is room."""

import contextlib
import os
import signal
import subprocess

import pytest

from conftest import IS_ROOT
from keeper import APART, alive
from processes import Process, mentioning, wait_until

needs_mount = pytest.mark.skipif(not IS_ROOT, reason="needs root to mount a small file system")
STOP = {"stop": {"timeout": "500ms"}}


@contextlib.contextmanager
def small_disk(path, size="8m", owner=0, mode=0o755, files=0):
    path.mkdir(parents=True, exist_ok=True)
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size},nr_inodes={files},uid={owner},gid={owner},mode={mode:o}", "none", str(path)], check=False,
                             capture_output=True, text=True)
    if mounted.returncode != 0:
        pytest.skip(f"cannot mount a tmpfs here: {mounted.stderr.strip()}")
    try:
        yield path
    finally:
        subprocess.run(["umount", "-l", str(path)], check=False)


def fill(folder):
    """Writes until there is no room at all; returns the file."""
    path = folder / "ballast"
    with open(path, "ab", buffering=0) as file:
        for block in (1 << 20, 4096, 1):
            with contextlib.suppress(OSError):
                while file.write(b"x" * block) == block:
                    pass
    return path


@needs_mount
def test_a_full_disk_under_the_registry(services):
    service = services(APART, start=False)
    with small_disk(service.root / "registry", owner=64000, mode=0o700) as disk:
        service.start()
        first = service.add("first", "sleep", STOP)
        pid = service.pid(first)
        ballast = fill(disk)
        refused = 0
        for n in range(200):
            result = service.run("register", "--no-start", service.write(f"more{n}", "sleep", STOP, environment=[f'"X={"y" * 4000}"'] * 1))
            if result.returncode != 0:
                refused += 1
                assert result.returncode == 9, result
                assert "No space" in result.stderr or "full" in result.stderr, result.stderr
                if refused == 3:
                    break
        assert refused == 3, "nothing was refused although the disk is full"
        known = {a["name"] for a in service.json("list")}
        result = service.run("stop", first)
        assert result.returncode == 9 and alive(pid), "a stop that cannot be kept was carried out, or said to be"
        # What runs is looked after all the same.
        os.kill(pid, signal.SIGKILL)
        service.await_new_pid(first, pid)
        ballast.unlink()
        wait_until(lambda: service.run("register", "--no-start", service.write("after", "sleep", STOP)).returncode == 0, 30, "it recovers by itself")
        assert {a["name"] for a in service.json("list")} == known | {service.full("after")}
        old = service.kill_daemon()
        service.await_daemon(other_than=old)
        assert {a["name"] for a in service.json("list")} == known | {service.full("after")}
        assert service.app(first)["state"] == "running"
        assert service.run("stop", first).returncode == 0
        service.destroy()


@needs_mount
def test_a_daemon_that_starts_on_a_full_disk(services):
    service = services(APART, start=False)
    with small_disk(service.root / "registry", owner=64000, mode=0o700) as disk:
        service.start()
        name = service.add("calm", "sleep", STOP)
        pid = service.pid(name)
        ballast = fill(disk)
        old = service.kill_daemon()
        wait_until(lambda: service.daemon_pid() not in (None, old) and service.run("version").returncode in (0, 7), 40, "there is an answer")
        assert alive(pid)
        ballast.unlink()
        service.await_daemon(other_than=old, seconds=40)
        assert service.pid(name) == pid
        service.destroy()


@needs_mount
def test_a_full_disk_under_the_logs(services):
    service = services(APART, start=False)
    with small_disk(service.root / "log", "1m", owner=64000) as disk:
        service.start()
        fill(disk)
        name = service.add("talk", "flood 100", {**STOP, "restart": {"delay": "50ms"}})
        assert service.app(name)["state"] == "running"
        os.kill(service.pid(name), signal.SIGKILL)
        service.await_app(name, "running")
        assert service.run("logs", name).returncode == 0
        (disk / "ballast").unlink()
        service.ctl("restart", name)
        wait_until(lambda: "flood" in service.ctl("logs", "-n", "5", name), 20, "it speaks again")
        service.ctl("unregister", "--purge", name)
        service.destroy()


@needs_mount
def test_a_full_disk_under_the_state(services):
    service = services(APART, start=False)
    with small_disk(service.root / "state", mode=0o711, files=20) as disk:
        service.start()
        (disk / "nodes").mkdir()
        with contextlib.suppress(OSError):
            for n in range(100):
                (disk / "nodes" / str(n)).touch()
        restart = {"delay": "100ms", "delay-max": "200ms", "budget": "1000 in 1h"}
        result = service.run("register", service.write("full", "sleep", {**STOP, "restart": restart}), "--timeout", "5s")
        assert result.returncode == 1 and "state directory" in result.stderr and "No space" in result.stderr, result
        subprocess.run(["rm", "-rf", str(disk / "nodes")], check=True)
        service.await_state(service.full("full"), "running", 20)
        service.destroy()


@pytest.mark.parametrize("damage", ["current", "manifest", "log", "all-empty", "foreign-file", "unreadable"])
def test_a_damaged_registry_is_told_and_not_overwritten(services, damage):
    """The service says what is wrong and where, and throws nothing away by itself; the apps run on."""
    service = services(APART if IS_ROOT else "user")
    name = service.add("calm", "sleep", STOP)
    pid = service.pid(name)
    folder = service.root / "registry"
    service.kill_launcher()
    for stray in mentioning(str(service.root)):
        with contextlib.suppress(OSError):
            if os.readlink(f"/proc/{stray}/exe").endswith("streamkeeperd"):
                os.kill(stray, signal.SIGKILL)
    files = {p.name: p for p in folder.iterdir()}
    if damage == "current":
        files["CURRENT"].write_text("MANIFEST-999999\n")
    elif damage == "manifest":
        path = next(p for n, p in files.items() if n.startswith("MANIFEST"))
        path.write_bytes(b"\xff" * path.stat().st_size)
    elif damage == "log":
        path = next(p for n, p in files.items() if n.endswith(".log"))
        data = bytearray(path.read_bytes())
        data[len(data) // 3] ^= 0xff
        path.write_bytes(data)
    elif damage == "all-empty":
        for path in files.values():
            if path.name not in ("LOCK", "OWNER"):
                path.write_bytes(b"")
    elif damage == "foreign-file":
        (folder / "README").write_text("left by somebody")
    elif damage == "unreadable":
        if not IS_ROOT:
            pytest.skip("needs root to give a file to another user")
        os.chown(files["CURRENT"], 0, 0)
        files["CURRENT"].chmod(0)
    before = {p.name for p in folder.iterdir()}
    argv = [str(service.build / "daemon/streamkeeper-launcher"), "--root", str(service.root), *service.arguments]
    service.launcher = Process("launcher", argv, service.log, user=service.user)
    if damage == "foreign-file":
        service.await_daemon()
        assert service.pid(name) == pid
        return
    line = service.launcher.wait_line(lambda said: "registry" in said.lower() and ("error" in said or "warning" in said), 20)
    assert str(folder) in line, line
    assert alive(pid), "an app died of a damaged registry"
    assert before <= {p.name for p in folder.iterdir()} or damage == "log", "files of a damaged registry were thrown away"
