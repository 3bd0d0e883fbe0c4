# SPDX-License-Identifier: Apache-2.0
"""A tenant against his own state directory: links, other owners, other modes; nothing outside of it may change."""

import os
import stat

import pytest

from conftest import IS_ROOT
from keeper import APART, APP_UID
from processes import wait_until

pytestmark = pytest.mark.skipif(not IS_ROOT, reason="needs root: without it all files are one user's")

STOP = {"stop": {"timeout": "500ms"}, "restart": {"delay": "1h", "delay-max": "1h"}}


@pytest.fixture
def treasure(tmp_path):
    """Files of somebody else that a careless root process could reach through a link."""
    folder = tmp_path / "treasure"
    folder.mkdir()
    (folder / "gold").write_text("gold")
    (folder / "deep").mkdir()
    (folder / "deep/silver").write_text("silver")
    return folder


def as_tenant(action, *arguments):
    """Runs a function in a child as the tenant's user; raises what it raised."""
    pid = os.fork()
    if pid == 0:
        try:
            os.setgroups([])
            os.setgid(APP_UID)
            os.setuid(APP_UID)
            action(*arguments)
        except OSError as error:
            os._exit(error.errno)
        os._exit(0)
    status = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    if status:
        raise OSError(status, os.strerror(status))


def test_the_tenant_cannot_touch_the_way_to_his_directory(services):
    service = services(APART)
    name = service.add("keep", "sleep", STOP)
    leaf = service.state_dir(name)
    for action, arguments in ((os.rmdir, (leaf,)), (os.rename, (leaf, leaf.with_name("x"))), (os.symlink, ("/etc", leaf.with_name("9"))),
                              (os.listdir, (leaf.parent,)), (os.mkdir, (leaf.parent.with_name("other"),))):
        with pytest.raises(PermissionError):
            as_tenant(action, *arguments)


@pytest.mark.parametrize("trap", ["links-inside", "modes", "odd-names", "hard-links"])
def test_purge_deletes_inside_only(services, treasure, trap):
    service = services(APART)
    name = service.add("trap", "sleep", STOP)
    leaf = service.state_dir(name)

    def plant():
        os.chdir(leaf)
        if trap == "links-inside":
            os.symlink(treasure, "folder")
            os.symlink(treasure / "gold", "file")
            os.symlink("..", "up")
            os.symlink("/", "root")
            os.mkdir("sub")
            os.symlink(treasure, "sub/again")
        elif trap == "modes":
            os.mkdir("locked")
            open("locked/file", "w").close()
            os.chmod("locked", 0)
            os.mkdir("readonly")
            open("readonly/file", "w").close()
            os.chmod("readonly", 0o500)
            os.chmod(".", 0o500)
        elif trap == "odd-names":
            for odd in (b"\n", b"-rf", b" ", b"\xff\xfe", b"*", b"..x", b"a" * 255):
                open(odd, "w").close()
            os.mkfifo("fifo")
            for number in range(3000):
                open(f"many{number}", "w").close()
        else:
            open("own", "w").close()
            os.link("own", "own2")

    as_tenant(plant)
    before = {p: p.stat().st_mtime_ns for p in (treasure, treasure / "gold", treasure / "deep/silver")}
    service.ctl("unregister", "--purge", name)
    wait_until(lambda: not leaf.parent.exists(), 30, "the state directory and its parent are gone")
    assert {p: p.stat().st_mtime_ns for p in before} == before
    assert (service.root / "state").is_dir()


def test_a_tree_deeper_than_any_program_makes_is_left_and_told(services):
    service = services(APART)
    name = service.add("deep", "sleep", STOP)
    leaf = service.state_dir(name)

    def plant():
        os.chdir(leaf)
        for _ in range(300):
            os.mkdir("d" * 50)
            os.chdir("d" * 50)

    as_tenant(plant)
    service.ctl("unregister", "--purge", name)
    told = wait_until(lambda: [e["text"] for e in service.json("events", "-n", "5") if "could not be emptied" in e["text"]], 20, "it is told")
    assert len(told) == 1 and leaf.exists()
    assert "folders deep" in (service.root / f"log/{name}.0.log").read_text()


@pytest.mark.parametrize("trap", ["leaf-is-a-link", "leaf-is-another-users", "app-is-a-link", "app-is-a-file", "parent-is-open"])
def test_a_start_refuses_a_directory_that_is_not_right(services, treasure, trap):
    """Only root can make these; a careless operator, or a restored backup."""
    service = services(APART)
    app = service.root / "state" / service.tenant / "odd"
    app.parent.mkdir(mode=0o711)
    if trap == "app-is-a-link":
        app.symlink_to(treasure)
    elif trap == "app-is-a-file":
        app.touch()
    else:
        app.mkdir(mode=0o711)
    if trap == "leaf-is-a-link":
        (app / "0").symlink_to(treasure)
    if trap == "leaf-is-another-users":
        (app / "0").mkdir()
        os.chown(app / "0", 64019, 64019)
    if trap == "parent-is-open":
        app.chmod(0o777)
    owners = {p: (p.stat().st_uid, p.stat().st_mode) for p in (treasure, treasure / "gold")}
    result = service.run("register", service.write("odd", "sleep", STOP))
    assert result.returncode == 1 and "state directory" in result.stderr, result
    assert service.members() == []
    assert {p: (p.stat().st_uid, p.stat().st_mode) for p in owners} == owners
    assert (treasure / "gold").read_text() == "gold"
    service.run("unregister", "--purge", service.full("odd"), "--timeout", "5s")
    assert (treasure / "gold").exists() and (treasure / "deep/silver").exists()
    assert service.run("version").returncode == 0


def test_a_mode_that_the_tenant_opened_is_closed_at_the_next_start(services):
    service = services(APART)
    name = service.add("open", "sleep", STOP)
    as_tenant(os.chmod, service.state_dir(name), 0o777)
    service.ctl("restart", name)
    assert stat.S_IMODE(service.state_dir(name).stat().st_mode) == 0o700


def test_purge_waits_for_no_lock_holder_and_says_so(services):
    """A process that escaped (or a backup that runs) holds LOCK: its files are not taken away under it."""
    import fcntl
    service = services(APART)
    name = service.add("locked", "sleep", STOP)
    leaf = service.state_dir(name)
    service.ctl("stop", name)
    with open(leaf / "LOCK", "w", encoding="ascii") as lock:
        os.fchown(lock.fileno(), APP_UID, APP_UID)
        fcntl.lockf(lock, fcntl.LOCK_EX)
        service.run("unregister", "--purge", name, "--timeout", "2s")
        assert (leaf / "LOCK").exists()
        wait_until(lambda: any("use" in e["text"] or "lock" in e["text"].lower() for e in service.json("events", "-n", "10")) or
                   "in use" in service.log.read_text() or "lock" in service.log.read_text().lower(), 20, "it says why they are still there")


def test_state_of_scaled_away_instances_is_purged_too(services):
    service = services(APART)
    name = service.add("wide", "sleep", STOP, instances=4)
    service.ctl("scale", name, 1)
    assert service.state_dir(name, 3).is_dir()
    service.ctl("unregister", "--purge", name)
    wait_until(lambda: not service.state_dir(name).parent.exists(), 20, "all four are gone")
