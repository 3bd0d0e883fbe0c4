# SPDX-License-Identifier: Apache-2.0
"""Malformed, hostile and huge specs and configuration files: refused with place and remedy, and the daemon serves on."""

import os
import random
import signal

import pytest

from keeper import APART, spec
from processes import Process, wait_until

HEAD = "[app]\nname = {tenant}/a\ncommand = /bin/true\n"

BAD = {
    "empty": (b"", "[app]"),
    "no-section": (b"name = team/a\n", ":1: "),
    "unknown-key": (b"HEAD[restart]\npolicie = never\n", ":5: [restart] policie"),
    "unknown-section": (b"HEAD[restrat]\n", ":4: "),
    "value": (b"HEADinstances = many\n", ":4: [app] instances"),
    "twice": (b"HEADinstances = 1\ninstances = 2\n", ":5: "),
    "no-command": (b"[app]\nname = team/a\n", "command"),
    "relative-command": (b"[app]\nname = team/a\ncommand = true\n", ":3: [app] command"),
    "open-quote": (b"[app]\nname = team/a\ncommand = /bin/echo \"a\n", ":3: [app] command"),
    "bad-specifier": (b"[app]\nname = team/a\ncommand = /bin/echo %q\n", ":3: [app] command"),
    "traversal": (b"[app]\nname = ../a\ncommand = /bin/true\n", ":2: [app] name"),
    "traversal-2": (b"[app]\nname = team/..\ncommand = /bin/true\n", ":2: [app] name"),
    "deep-name": (b"[app]\nname = team/a/b\ncommand = /bin/true\n", ":2: [app] name"),
    "long-name": (b"[app]\nname = team/" + b"a" * 65 + b"\ncommand = /bin/true\n", ":2: [app] name"),
    "nul": (b"HEADenvironment = A=b\0c\n", ":4: "),
    "binary": (bytes(range(256)) * 16, ""),
    "long-line": (b"HEADenvironment = A=" + b"x" * 60000 + b"\xff\n", ""),
    "too-long": (b"HEAD" + b"# x\n" * 20000, "64 KiB"),
    "much-too-long": (b"HEAD" + b"# x\n" * 200000, "64 KiB"),
    "contradiction": (b"HEAD[resources]\nmemory = 2G\nmemory-max = 1G\n", "memory"),
    "overflow": (b"HEAD[resources]\nmemory = 99999999999999999999T\n", ":5: [resources] memory"),
    "negative": (b"HEAD[restart]\ndelay = -1s\n", ":5: [restart] delay"),
    "infinite-delay": (b"HEAD[restart]\ndelay = infinity\n", ":5: [restart] delay"),
    "port": (b"HEAD[ready]\nprobe = tcp:65536\n", ":5: [ready] probe"),
    "later-probe": (b"HEAD[ready]\nprobe = http:80/x\n", ":5: [ready] probe"),
    "exit-code": (b"HEAD[restart]\nno-restart-exit = 256\n", ":5: [restart] no-restart-exit"),
    "signal": (b"HEAD[stop]\nsignal = SIGKILLER\n", ":5: [stop] signal"),
    "environment-name": (b"HEADenvironment = =x\n", ":4: [app] environment"),
    "environment-newline": (b"HEADenvironment = \"A=b\n c\"\n", ""),
    "utf-16": ("[app]\nname = team/a\n".encode("utf-16"), ":1"),
    "directory-climbs": (b"HEADworking-directory = relative/path\n", ":4: [app] working-directory"),
    "escape-sequence": (b"[app]\nname = team/\x1b[31m\ncommand = /bin/true\n", ":2: "),
}


@pytest.mark.parametrize("case", BAD)
def test_a_bad_spec_is_refused_with_its_place(services, case):
    service = services(APART if os.geteuid() == 0 else "user")
    content, words = BAD[case]
    content = content.replace(b"HEAD", HEAD.format(tenant=service.tenant).encode()).replace(b"team/", service.tenant.encode() + b"/")
    path = service.root / "bad.spec"
    path.write_bytes(content)
    path.chmod(0o644)
    for verb in ("validate", "register"):
        result = service.run(verb, path)
        assert result.returncode == 3, result
        assert str(path) in result.stderr and words in result.stderr, result.stderr
        assert len(result.stderr) < 2000 and "\x1b" not in result.stderr and "\0" not in result.stderr
    assert service.json("list") == [] and service.daemon_pid()


def test_specs_at_their_limits_work(service):
    """As much as is allowed: a command of many quotes, many arguments, a large environment."""
    quotes = '/bin/echo ' + ' '.join('"' + "'" * 50 + '"' for _ in range(200))
    arguments = "/bin/echo " + " ".join(["x"] * 1023)
    environment = [f'"V{n}={"y" * 1000}"' for n in range(40)]
    for number, keys in enumerate(({"command": quotes}, {"command": arguments}, {"command": "/bin/true", "environment": environment})):
        name = service.full(f"large{number}")
        path = service.root / f"large{number}.spec"
        path.write_text(spec(name, sections={"restart": {"policy": "never"}}, **keys))
        assert service.run("register", "--no-wait", path).returncode == 0
        last = service.await_exits(name, 1)[0]
        assert (last["how"], last.get("code")) == ("code", 0), last


def test_a_command_that_grows_beyond_all_bounds_by_its_specifiers(service):
    path = service.root / "grow.spec"
    path.write_text(spec(service.full("grow"), "/bin/echo " + " ".join(["%S" * 30] * 900), {"restart": {"delay": "1h", "delay-max": "1h"}}))
    result = service.run("register", path, seconds=60)
    assert result.returncode in (1, 3, 6) and "too long" in result.stderr, result
    assert service.run("version").returncode == 0
    assert service.run("unregister", service.full("grow")).returncode in (0, 4)


def test_random_junk_never_ends_the_daemon(service):
    chance = random.Random(20240611)
    daemon = service.daemon_pid()
    good = service.spec("junk", "sleep", {"restart": {"policy": "never"}, "ready": {"probe": "tcp:1"}}).encode()
    for n in range(60):
        data = bytearray(good)
        for _ in range(chance.randrange(1, 12)):
            at = chance.randrange(len(data))
            data[at:at + chance.randrange(3)] = bytes(chance.randrange(256) for _ in range(chance.randrange(4)))
        path = service.root / "junk.spec"
        path.write_bytes(bytes(data))
        assert service.run("validate", path).returncode in (0, 3, 4, 5, 6), (n, bytes(data))
    assert service.daemon_pid() == daemon


CONF = {
    "unknown-key": ("streamkeeper.conf", "[log]\nfile-sise = 1M\n", 2),
    "value": ("streamkeeper.conf", "[api]\nclients-max = lots\n", 2),
    "junk": ("streamkeeper.conf", "\x01\x02 garbage\n", 1),
    "contradiction": ("streamkeeper.conf", "[api]\nclients-max = 2\nclients-per-user-max = 3\n", 3),
    "tenant-key": ("tenants.d/blue.conf", "[tenant]\nmembers = a\nrun_as = 5\n", 3),
    "tenant-root": ("tenants.d/blue.conf", "[tenant]\nmembers = 5\nrun-as = root\n", 3),
    "tenant-root-range": ("tenants.d/blue.conf", "[tenant]\nmembers = 5\nrun-as = 0-99\n", 3),
    "tenant-range": ("tenants.d/blue.conf", "[tenant]\nmembers = 5\nrun-as = 20-10\n", 3),
    "class-key": ("classes.d/gold.conf", "[class]\nrank = 800\n[cpu]\nwieght = 1\n", 4),
    "class-weight": ("classes.d/gold.conf", "[class]\nrank = 800\n[cpu]\nweight = 10001\n", 4),
    "class-rank-twice": ("classes.d/gold.conf", "[class]\nrank = 900\n", None),
    "class-name": ("classes.d/Gold Class.conf", "[class]\nrank = 800\n", 0),
}


@pytest.mark.parametrize("case", CONF)
def test_a_bad_configuration_is_told_with_file_and_line(services, case):
    """At the start the service refuses it at once: it says where, and ends."""
    name, text, line = CONF[case]
    service = services("root" if os.geteuid() == 0 else "user", start=False)
    path = service.configure(name, text)
    argv = [str(service.build / "daemon/streamkeeper-launcher"), "--root", str(service.root)]
    service.launcher = Process("launcher", argv, service.log, user=service.user)
    place = f"{path}:{line}: " if line else str(path) if line == 0 else f"{path.parent}: "
    assert service.launcher.wait(20) == 1
    assert place in service.log.read_text(), service.log.read_text()
    assert service.run("list").returncode == 7


def test_a_bad_configuration_at_a_reload_leaves_the_apps_and_is_cured_by_the_next(services):
    service = services()
    name = service.add("calm", "sleep", {"stop": {"timeout": "500ms"}})
    pid = service.pid(name)
    path = service.configure("streamkeeper.conf", "[log]\nnonsense = 1\n")
    service.launcher.signal(signal.SIGHUP)
    service.launcher.wait_line(lambda said: f"{path}:2: [log] nonsense" in said, 20)
    assert os.path.exists(f"/proc/{pid}") and service.launcher.running()
    path.write_text("")
    service.await_daemon(seconds=30)
    assert service.pid(name) == pid


def test_sigterm_ends_a_service_whose_daemon_cannot_start(services):
    service = services()
    name = service.add("calm", "sleep", {"stop": {"timeout": "500ms"}})
    service.configure("streamkeeper.conf", "[log]\nnonsense = 1\n")
    service.launcher.signal(signal.SIGHUP)
    service.launcher.wait_line(lambda said: "[log] nonsense" in said, 20)
    service.launcher.signal(signal.SIGTERM)
    assert service.launcher.wait(15) == 1
    assert "1 instances are left running" in service.log.read_text() or "1 instance is left" in service.log.read_text()
    assert len(service.members()) == 1, name


def test_a_tenant_file_that_cannot_be_read_is_not_taken_for_none(services):
    """Fewer tenants than there are would let a wrong one act; a broken link is told."""
    service = services("root" if os.geteuid() == 0 else "user", start=False)
    service.configure("tenants.d/blue.conf", "").unlink()
    (service.root / "etc/tenants.d/blue.conf").symlink_to("/nowhere/at/all")
    argv = [str(service.build / "daemon/streamkeeper-launcher"), "--root", str(service.root)]
    service.launcher = Process("launcher", argv, service.log, user=service.user)
    assert service.launcher.wait(20) == 1
    assert "blue.conf" in service.log.read_text()


@pytest.mark.parametrize("option,word", [(["--nonsense"], "--nonsense"), (["--uid-range", "5"], "uid-range"), (["--ready-fd", "x"], "descriptor"),
                                         (["--user", "nobody-of-that-name"], "nobody-of-that-name"), (["stray"], "stray")])
def test_the_launchers_own_command_line(services, option, word):
    service = services("root" if os.geteuid() == 0 else "user", start=False)
    if option[0] == "--user" and os.geteuid() != 0:
        pytest.skip("--user is for root")
    process = Process("launcher", [str(service.build / "daemon/streamkeeper-launcher"), "--root", str(service.root), *option], service.log)
    assert process.wait(20) in (1, 2)
    wait_until(lambda: word in service.log.read_text(), 5, "it says what is wrong")


def test_a_root_too_long_for_a_sockets_name_works_too(services):
    service = services(start=False)
    top = service.root
    service.root = top / ("d" * 100) / ("e" * 100)
    (service.root / "etc/tenants.d").mkdir(parents=True)
    service.configure("tenants.d/team.conf", "[tenant]\nmembers = 64002\nrun-as = 64010\nclasses = *\n")
    service.log = service.root.parent / "launcher.log"
    service.start()
    name = service.add("deep", "--ready-after 10 sleep", {"ready": {"probe": "notify"}, "stop": {"timeout": "500ms"}})
    assert service.app(name)["state"] == "running"
    old = service.kill_daemon()
    service.await_daemon(other_than=old)
    assert service.stop() == 0
    service.root = top
