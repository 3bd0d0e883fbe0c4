# SPDX-License-Identifier: Apache-2.0
"""What a supervised process finds around itself: identity, limits, group, files, environment, state directory."""

import json
import os
import pwd
import stat
import subprocess

import pytest

from keeper import APART, ROOT, USER, read_facts
from processes import wait_until


def test_identity(anywhere):
    facts = anywhere.facts("me")
    uid = str(anywhere.app_uid)
    assert facts["uid"].split() == [uid] * 3
    assert facts["gid"].split() == [uid] * 3
    assert set(facts["groups"].split()) <= {uid}
    assert facts["no_new_privs"] == "1"
    if anywhere.kind != ROOT:
        for kind in ("effective", "permitted", "inheritable", "ambient"):
            assert int(facts[f"cap.{kind}"], 16) == 0
    if anywhere.kind != USER:
        assert int(facts["cap.bounding"], 16) == 0 and int(facts["cap.ambient"], 16) == 0
    assert facts["sid"] == facts["pid"] == facts["pgid"], "a session of its own"
    assert int(facts["signals.blocked"], 16) == 0
    assert int(facts["signals.ignored"], 16) == 0


def test_born_in_its_group(services):
    for kind in (APART, ROOT):
        service = services(kind)
        facts = service.facts("born", class_="critical")
        where = [line for line in facts["cgroup"].splitlines() if line.startswith("0::")]
        assert len(where) == 1 and where[0].endswith(f"/critical/{service.tenant}/born.0"), where


def test_files_are_closed_and_the_output_goes_to_the_log(anywhere):
    facts = anywhere.facts("files")
    fds = {key: value for key, value in facts.items() if key.startswith("fd.")}
    assert set(fds) == {"fd.0", "fd.1", "fd.2"}, fds
    assert fds["fd.0"] == "/dev/null"
    assert fds["fd.1"] == fds["fd.2"] and str(anywhere.root / "log") in fds["fd.1"]


def test_environment_is_clean(services):
    secrets = {"SECRET_OF_THE_OPERATOR": "x", "LD_PRELOAD": "/nowhere/evil.so", "NOTIFY_SOCKET": "", "BASH_ENV": "/nowhere"}
    before = dict(os.environ)
    os.environ.update(secrets)
    try:
        service = services()
    finally:
        os.environ.clear()
        os.environ.update(before)
    facts = service.facts("env", environment=["MINE=a", "PATH=/only/mine"])
    found = {key[4:]: value for key, value in facts.items() if key.startswith("env.")}
    assert set(found) == {"PATH", "LANG", "HOME", "STATE_DIRECTORY", "STREAMKEEPER_APP", "STREAMKEEPER_INSTANCE", "STREAMKEEPER_CLASS",
                          "STREAMKEEPER_START_ID", "MINE"}
    assert found["PATH"] == "/only/mine" and found["MINE"] == "a"
    assert found["STATE_DIRECTORY"] == str(service.state_dir("team/env"))
    assert (found["STREAMKEEPER_APP"], found["STREAMKEEPER_INSTANCE"], found["STREAMKEEPER_CLASS"]) == ("team/env", "0", "standard")


def test_specifiers_in_each_place(service):
    name = service.add("spec-1", '--stay ids "%S/facts"', {"stop": {"timeout": "1s"}}, class_="adhoc", instances=2,
                       environment=['"ALL=%n %a %t %c %i %%n"', "DIR=%S"], working_directory="%S")
    for number in (0, 1):
        folder = service.state_dir(name, number)
        wait_until((folder / "facts").exists, 20, "it has looked around")
        facts = read_facts(folder / "facts")
        assert facts["env.ALL"] == f"{number} spec-1 team adhoc.team.spec-1.{number} team.spec-1.{number} %n"
        assert facts["env.DIR"] == facts["cwd"] == str(folder)


def test_no_shell_is_involved(service):
    name = service.add("raw", """/bin/sh -c 'printf "%%s|" "$@" >"$STATE_DIRECTORY/args"; exec sleep 1000' x "$(id)" '`id`' "a  b" '*' "\\\\$HOME" "" ';ls' """)
    path = service.state_dir(name) / "args"
    wait_until(path.exists, 20, "the arguments are written")
    wait_until(lambda: path.read_text().count("|") == 7, 20, "all of them")
    assert path.read_text() == "$(id)|`id`|a  b|*|\\$HOME||;ls|"


@pytest.mark.parametrize("given,mode", [("0077", 0o600), ("0002", 0o664), ("0000", 0o666)])
def test_umask(service, given, mode):
    name = service.add("mask", "/bin/sh -c 'echo >%S/file; exec sleep 1000'", umask=given)
    path = service.state_dir(name) / "file"
    wait_until(path.exists, 20, "the file is there")
    assert stat.S_IMODE(path.stat().st_mode) == mode


def test_limits(anywhere):
    facts = anywhere.facts("limits", {"resources": {"open-files-max": "777", "tasks-max": "4000"}})
    assert facts["rlimit.nofile"] == "777 777"
    assert facts["rlimit.core"].split()[0] == "0"
    if not anywhere.cgroup() or "pids" not in (anywhere.root / "run/cgroup").read_text():
        assert facts["rlimit.nproc"].split()[0] == "4000"


def test_limits_of_files_are_those_of_the_starter_without_a_word(service):
    """The launcher raises its own for all the pidfds; a select() program would break with that."""
    facts = service.facts("plain")
    assert facts["rlimit.nofile"] == " ".join(subprocess.run(
        ["/bin/sh", "-c", "echo $(ulimit -Sn) $(ulimit -Hn)"], capture_output=True, text=True, check=True).stdout.split())


@pytest.mark.parametrize("name,nice,policy", [("adhoc", "19", "5"), ("standard", "0", "0"), ("critical", "-10", "0")])
def test_a_class_without_a_cpu_controller_is_a_nice_value(services, name, nice, policy):
    service = services(ROOT)
    if "cpu" in (service.root / "run/cgroup").read_text().split("controllers=")[1].splitlines()[0]:
        pytest.skip("there is a cpu controller, and nice values are not used")
    facts = service.facts("nice", class_=name)
    assert facts["autogroup"].endswith(f"nice {nice}"), facts["autogroup"]
    assert facts["policy"] == policy


def test_a_missing_guarantee_is_said(service):
    checks = {c["what"]: c for c in json.loads(service.run("doctor", "--json").stdout)}
    mode = service.json("version")["cgroup_mode"]
    controllers = (service.root / "run/cgroup").read_text().split("controllers=")[1].splitlines()[0]
    for what in ("cpu", "memory", "io"):
        if what not in controllers:
            assert checks[what]["level"] in ("degraded", "absent") and checks[what]["found"]
            assert service.run("doctor").returncode == 10
    assert mode in ("unified", "hybrid", "none")


def test_daemon_runs_without_privileges(service):
    with open(f"/proc/{service.daemon_pid()}/status", encoding="ascii") as file:
        status = dict(line.rstrip("\n").split(":\t", 1) for line in file)
    uid = "64000" if service.kind == APART else str(service.app_uid)
    assert set(status["Uid"].split()) == {uid}
    assert int(status["CapEff"], 16) == 0 and status["NoNewPrivs"] == "1"


def test_state_directory_is_the_tenants_and_nobody_elses(anywhere):
    name = anywhere.add("keep", "sleep", instances=2)
    for number in (0, 1):
        own = anywhere.state_dir(name, number).stat()
        assert (own.st_uid, own.st_gid, stat.S_IMODE(own.st_mode)) == (anywhere.app_uid, anywhere.app_uid, 0o700)
    keeper = os.geteuid() if anywhere.kind != USER else anywhere.app_uid
    for folder in (anywhere.state_dir(name).parent, anywhere.state_dir(name).parent.parent):
        info = folder.stat()
        assert info.st_uid == keeper and not info.st_mode & 0o022 and not info.st_mode & 0o004


def test_supplementary_groups_of_a_user_come_along_but_no_system_group(services):
    """A name from /etc/passwd that is no person's and is in no group of power is all a host is sure to have."""
    user = pwd.getpwnam("nobody")
    service = services(tenants={"team": f"members = 64002\nrun-as = {user.pw_uid}\nclasses = *\n"}, arguments=["--uid-range", "64000-65534"])
    facts = service.facts("nobody")
    assert facts["uid"].split() == [str(user.pw_uid)] * 3 and facts["gid"].split() == [str(user.pw_gid)] * 3
    assert facts["env.USER"] == facts["env.LOGNAME"] == "nobody"
    assert "0" not in facts["groups"].split()


def test_other_tenants_cannot_look_into_state_or_registry(services):
    service = services()
    name = service.add("secret", "sleep")
    (service.state_dir(name) / "token").write_text("x")
    for path in (service.state_dir(name) / "token", service.root / "registry/CURRENT"):
        result = subprocess.run(["/bin/cat", str(path)], user=64019, group=64019, extra_groups=[], capture_output=True, check=False)
        assert result.returncode != 0, f"{path} can be read by another user"
