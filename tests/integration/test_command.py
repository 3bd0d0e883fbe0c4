# SPDX-License-Identifier: Apache-2.0
"""streamctl as people and scripts use it: exit codes, JSON fields, suggestions, help."""

import json
import os
import pty
import signal
import subprocess

import pytest

from processes import wait_until

STOP = {"stop": {"timeout": "500ms"}}


@pytest.mark.parametrize("arguments,word", [
    ([], "verb"), (["lst"], "did you mean list"), (["list", "extra"], "usage"), (["--nonsense", "list"], "--nonsense"),
    (["list", "--follw"], "--follow"), (["list", "-f"], "--follow"), (["stop"], "usage"), (["scale", "a/b"], "usage"),
    (["scale", "a/b", "x"], "number"), (["scale", "a/b", "-1"], ""), (["logs", "-n", "0", "a/b"], "--lines"), (["start", "--timeout", "x", "a/b"], "time"),
    (["--color", "blue", "list"], "--color"), (["--root"], "--root"), (["logs", "a/b/x"], "instance"), (["stop", ""], "empty"),
])
def test_wrong_usage_is_2_and_says_what(service, arguments, word):
    result = service.run(*arguments)
    assert result.returncode == 2, result
    assert result.stdout == "" and word in result.stderr and result.stderr.startswith("streamctl: ")


def test_help_needs_no_daemon(service):
    for arguments in (["help"], ["--help"], ["help", "register"], ["register", "--help"], ["-h"]):
        argv = [str(service.build / "ctl/streamctl"), "--root", "/nowhere", *arguments]
        result = subprocess.run(argv, capture_output=True, text=True, check=False)
        assert result.returncode == 0 and result.stdout and not result.stderr


def test_no_daemon_is_7(build):
    result = subprocess.run([str(build / "ctl/streamctl"), "--root", "/tmp/sk-int-nowhere", "list"], capture_output=True, text=True, check=False)
    assert result.returncode == 7 and "/tmp/sk-int-nowhere" in result.stderr
    result = subprocess.run([str(build / "ctl/streamctl"), "--root", "/tmp/sk-int-nowhere", "list", "--json"], capture_output=True, text=True,
                            check=False)
    assert json.loads(result.stderr)["error"] == "unreachable"


@pytest.mark.parametrize("arguments", [["stop"], ["start"], ["restart"], ["unregister"], ["status"], ["show"], ["history"], ["logs"], ["events"]])
def test_an_unknown_app_is_4_with_the_nearest_name(service, arguments):
    name = service.add("enrich", "sleep", options=["--no-start"])
    result = service.run(*arguments, name[:-1])
    assert result.returncode == 4 and f"did you mean '{name}'" in result.stderr
    result = service.run(*arguments, "nothing")
    assert result.returncode == 4 and "TENANT/APP" in result.stderr
    failed = json.loads(service.run(*arguments, name[:-1], "--json").stderr)
    assert failed["error"] == "unknown" and name in failed["message"]


def test_json_fields_of_apps(service):
    name = service.add("fields", "sleep", {**STOP, "resources": {"cpu": "0.5", "cpu-max": "2", "memory": "64M", "memory-max": "1G"}},
                       instances=2, class_="critical")
    app = service.app(name)
    assert {"name", "tenant", "class", "rank", "state", "wanted", "generation", "instances"} <= set(app)
    for number, instance in enumerate(app["instances"]):
        assert {"number", "state", "pid", "restarts", "since_usec"} <= set(instance)
        assert instance["number"] == number and instance["pid"] > 0 and instance["restarts"] == 0
    status = service.json("status", name)
    assert len(status) == 1
    full = status[0]
    assert (full["registered_by"], full["cpu_milli"], full["cpu_max_milli"]) == (os.geteuid(), 500, 2000)
    assert (full["memory_reserved_bytes"], full["memory_max_bytes"]) == (64 * 2**20, 2**30)
    assert full["command"] == [str(service.hog), "sleep"] and full["restart"] == "always" and full["ready"] == "none"
    assert "cpu_usec" in full["instances"][0] and full["instances"][0]["generation"] == 1
    assert [a["name"] for a in service.json("status")] == [name]
    service.ctl("stop", name)
    last = service.json("status", name)[0]["instances"][0]["last_exit"]
    assert last["how"] == "signal" and last["at_usec"] > 0
    entry = service.history(name)[0]
    assert {"number", "seq", "generation", "started_usec", "pid", "text", "how", "oom_killed", "core_dumped", "at_usec", "run_usec", "then"} <= set(entry)


def test_json_of_the_service(service):
    version = service.json("version")
    assert version["daemon_pid"] == service.daemon_pid() and version["launcher_pid"] == service.launcher.pid
    assert version["serving"] is True and version["root"] == str(service.root)
    classes = service.json("classes")
    assert [c["name"] for c in classes] == ["critical", "standard", "adhoc"]
    assert all({"rank", "apps", "instances", "running", "cpu_weight", "oom_score_adj"} <= set(c) for c in classes)
    tenants = {t["name"]: t for t in service.json("tenants")}
    assert {"mine", "apps", "apps_max", "instances", "instances_max", "classes", "members", "member_groups", "run_as"} <= set(tenants[service.tenant])
    doctor = service.run("doctor", "--json")
    checks = json.loads(doctor.stdout)
    assert all(c["what"] and c["level"] in ("ok", "degraded", "absent") for c in checks)
    assert doctor.returncode == (0 if all(c["level"] == "ok" for c in checks) else 10)


def test_json_of_a_verb_that_waits_is_one_value_a_line(service):
    paths = [service.write(n, "sleep", STOP) for n in ("j1", "j2")]
    for arguments in (["register", *paths], ["restart", service.full("j1"), service.full("j2")], ["stop", service.full("j1"), service.full("j2")],
                      ["unregister", service.full("j1"), service.full("j2")]):
        lines = service.ctl(*arguments, "--json").splitlines()
        assert [json.loads(line)["name"] for line in lines] == [service.full("j1"), service.full("j2")], lines


def test_register_from_standard_input(service):
    result = service.run("register", "-", text=service.spec("stdin", "sleep", STOP))
    assert result.returncode == 0 and service.app(service.full("stdin"))["state"] == "running"
    result = service.run("validate", "-", text="[app]\nnonsense = 1\n")
    assert result.returncode == 3 and "(standard input):2" in result.stderr


def test_validate_changes_nothing(service):
    path = service.write("looked", "sleep")
    assert json.loads(service.ctl("validate", "--json", path))["name"] == service.full("looked")
    assert service.json("list") == []
    assert service.run("validate", "/nowhere/file").returncode == 3


def test_colours_on_a_terminal_only(service):
    service.add("seen", "sleep", STOP)
    assert "\x1b" not in service.ctl("list") and "\x1b" in service.ctl("--color", "always", "list")
    main, side = pty.openpty()
    try:
        argv = [str(service.build / "ctl/streamctl"), "--root", str(service.root)]
        environment = {k: v for k, v in os.environ.items() if k != "NO_COLOR"} | {"TERM": "xterm"}
        subprocess.run([*argv, "list"], stdout=side, stdin=subprocess.DEVNULL, timeout=20, check=True, env=environment, user=service.user)
        assert b"\x1b" in os.read(main, 65536)
        subprocess.run([*argv, "--color", "never", "list"], stdout=side, stdin=subprocess.DEVNULL, timeout=20, check=True, env=environment,
                       user=service.user)
        assert b"\x1b" not in os.read(main, 65536)
    finally:
        os.close(main)
        os.close(side)


def test_a_reader_that_goes_away(service):
    for n in range(3):
        service.add(f"r{n}", "sleep", options=["--no-start"])
    reader, writer = os.pipe()
    os.close(reader)
    argv = [str(service.build / "ctl/streamctl"), "--root", str(service.root), "list"]
    result = subprocess.run(argv, stdout=writer, stderr=subprocess.PIPE, timeout=20, check=False, user=service.user)
    os.close(writer)
    assert result.returncode != 0 and b"Sanitizer" not in result.stderr
    result = subprocess.run(argv, stdout=open("/dev/full", "w"), stderr=subprocess.PIPE, timeout=20, check=False, user=service.user)
    assert result.returncode == 1 and b"No space" in result.stderr


def test_purge_asks_on_a_terminal(service):
    name = service.add("precious", "sleep", options=["--no-start"])
    main, side = pty.openpty()
    try:
        process = subprocess.Popen([str(service.build / "ctl/streamctl"), "--root", str(service.root), "unregister", "--purge", name],
                                   stdin=side, stdout=subprocess.PIPE, stderr=subprocess.PIPE, user=service.user)
        os.write(main, b"n\n")
        _, err = process.communicate(timeout=20)
    finally:
        os.close(main)
        os.close(side)
    assert process.returncode == 1 and b"left as it is" in err
    assert service.app(name)


def test_an_interrupted_wait_leaves_the_request(service):
    path = service.write("slow", "sleep", {"ready": {"probe": "notify"}, **STOP})
    process = subprocess.Popen([str(service.build / "ctl/streamctl"), "--root", str(service.root), "register", str(path)],
                               stdout=subprocess.PIPE, stderr=subprocess.PIPE, user=service.user)
    name = service.full("slow")
    wait_until(lambda: any(a["name"] == name and a["state"] == "starting" for a in service.json("list")), 20, "it starts")
    process.terminate()
    _, err = process.communicate(timeout=20)
    assert process.returncode == 8 and b"goes on with it" in err
    assert service.app(name)["state"] == "starting"


def test_names_for_completion(service):
    name = service.add("complete", "sleep", options=["--no-start"])
    assert service.ctl("__names").split() == [name]
    assert service.ctl("__names", name[:4]).split() == [name] and service.ctl("__names", "zz") == ""


def test_a_daemon_that_dies_under_a_request_is_7(service):
    """The request may or may not have been heard: scripts must be able to tell that from a refusal."""
    daemon = service.daemon_pid()
    os.kill(daemon, signal.SIGSTOP)
    process = subprocess.Popen([str(service.build / "ctl/streamctl"), "--root", str(service.root), "list"], stdout=subprocess.PIPE,
                               stderr=subprocess.PIPE, user=service.user)
    bound = wait_until(lambda: os.listdir(f"/proc/{process.pid}/fd"), 20, "it is connected")
    wait_until(lambda: len(os.listdir(f"/proc/{process.pid}/fd")) > 3, 20, f"it is connected: {bound}")
    os.kill(daemon, signal.SIGKILL)
    _, err = process.communicate(timeout=40)
    assert process.returncode in (0, 7), err
    if process.returncode == 7:
        assert b"closed the connection" in err
