# SPDX-License-Identifier: Apache-2.0
"""What apps print, and what the service tells: logs, rotation, events, and going on as more comes."""

import json
import os
import signal
import subprocess

import pytest

from processes import Process, wait_until

STOP = {"stop": {"timeout": "500ms"}}


def printer(script, **keys):
    return f"/bin/sh -c '{script}; exec sleep 1000'"


@pytest.fixture
def follow(request, tmp_path):
    """A function that starts a streamctl that goes on; it ends with the test."""
    started = []

    def start(service, *arguments):
        argv = [str(service.build / "ctl/streamctl"), "--root", str(service.root), *arguments]
        started.append(Process("follow", argv, tmp_path / f"follow{len(started)}.log", user=service.user))
        return started[-1]

    yield start
    for process in started:
        process.stop(5)


def test_logs_show_the_last_lines_and_those_of_all_instances(anywhere):
    name = anywhere.add("talk", printer("for i in 1 2 3; do echo out %n line $i; done; echo err %n >&2"), STOP, instances=2)
    wait_until(lambda: len(anywhere.ctl("logs", name).splitlines()) == 8, 20, "all lines are there")
    lines = anywhere.ctl("logs", name).splitlines()
    assert sum("err 1" in line for line in lines) == 1 and all(line[:2] in ("0|", "1|") for line in lines)
    assert anywhere.ctl("logs", f"{name}/1").splitlines() == ["out 1 line 1", "out 1 line 2", "out 1 line 3", "err 1"]
    assert anywhere.ctl("logs", "-n", "2", f"{name}/1").splitlines() == ["out 1 line 3", "err 1"]
    first = json.loads(anywhere.ctl("logs", "--json", f"{name}/1").splitlines()[0])
    assert (first["instance"], first["text"]) == (1, "out 1 line 1")
    assert anywhere.run("logs", f"{name}/7").returncode == 4
    assert anywhere.run("logs", f"{name}x").returncode == 4


def test_logs_follow(service, follow):
    name = service.add("ticker", printer("n=0; while [ $n -lt 2000 ]; do n=$((n+1)); echo tick $n; sleep 0.05; done"), STOP)
    process = follow(service, "logs", "-f", name)
    process.wait_line(lambda line: "tick 10" in line, 20)
    process.signal(signal.SIGINT)
    assert process.wait(10) == 0
    seen = [int(line.split()[-1]) for line in process.log.read_text().splitlines()]
    assert seen == list(range(seen[0], seen[-1] + 1)), "a line is missing or told twice"


def test_logs_follow_over_a_restart_of_the_app_and_of_the_daemon(service, follow):
    name = service.add("over", printer("echo life $$"), STOP)
    process = follow(service, "logs", "-f", name)
    process.wait_line(lambda line: f"life {service.pid(name)}" in line, 20)
    service.ctl("restart", name)
    process.wait_line(lambda line: f"life {service.pid(name)}" in line, 20)


def test_what_no_terminal_should_see(service):
    """Bytes that are no text go through a pipe as they are and into JSON as text."""
    name = service.add("bytes", """/usr/bin/python3 -c "import sys, time; sys.stdout.buffer.write(bytes([27,91,51,49,109,255,0,9,65,10,66,10])); sys.stdout.flush(); time.sleep(1000)" """, STOP)
    path = service.root / f"log/{name}.0.log"
    wait_until(lambda: path.exists() and path.stat().st_size == 12, 20, "the line is written")
    first = json.loads(service.ctl("logs", "--json", name).splitlines()[0])
    assert first["text"].endswith("A") and "\x1b" in first["text"]
    argv = [str(service.build / "ctl/streamctl"), "--root", str(service.root), "logs", name]
    assert subprocess.run(argv, capture_output=True, timeout=20, check=True, user=service.user).stdout == path.read_bytes()


def test_a_flood_is_rotated_and_the_daemon_serves_on(services):
    service = services(conf="[log]\nfile-size = 1M\nfiles = 2\n")
    name = service.add("flood", "flood 200", {"stop": {"timeout": "1s"}}, class_="adhoc", instances=2)
    folder = service.root / "log" / service.tenant
    largest = 0

    def rotated():
        nonlocal largest
        sizes = {p.name: p.stat().st_blocks * 512 for p in folder.iterdir()}
        largest = max([largest, *(size for file, size in sizes.items() if file[-1] in "12")])
        return {"flood.0.log.1", "flood.0.log.2", "flood.1.log.1", "flood.1.log.2"} <= set(sizes)

    wait_until(rotated, 30, "both floods are rotated twice")
    # A flood goes on while it is copied: an old file may have what came meanwhile, up to as much again.
    assert largest <= 2.1 * 2**20, "an old file is larger than twice the limit"
    assert not list(folder.glob("*.3"))
    assert service.app(name)["state"] == "running"
    service.ctl("stop", name)
    wait_until(lambda: all(p.stat().st_size <= 1.1 * 2**20 for p in folder.glob("*.log")), 20, "every file is back in its bounds")
    lines = service.ctl("logs", f"{name}/0", "-n", "5").splitlines()
    assert len(lines) <= 5 and all("flood" in line or "~" in line for line in lines)


def test_rotation_survives_a_new_daemon(services):
    service = services(conf="[log]\nfile-size = 64K\nfiles = 1\n")
    name = service.add("flood", "flood 200", {"stop": {"timeout": "1s"}}, class_="adhoc")
    path = service.root / f"log/{name}.0.log"
    old = service.kill_daemon()
    service.await_daemon(other_than=old)
    before = os.stat(f"{path}.1").st_mtime if os.path.exists(f"{path}.1") else 0
    wait_until(lambda: os.path.exists(f"{path}.1") and os.stat(f"{path}.1").st_mtime > before, 20, "the next daemon rotates too")


def test_an_app_that_closes_its_output_runs_on(anywhere):
    name = anywhere.add("mute", "close-stdout", STOP)
    assert anywhere.app(name)["state"] == "running"
    assert anywhere.ctl("logs", name) == ""
    anywhere.ctl("stop", name)


def test_the_last_line_is_in_the_history(service):
    name = service.add("words", """/bin/sh -c 'echo first; echo "it was the disk"; exit 9'""", {"restart": {"policy": "never"}}, options=["--no-wait"])
    last = service.await_exits(name, 1)[0]
    assert last["code"] == 9
    wait_until(lambda: service.await_exits(name, 1)[0].get("last_line") == "it was the disk", 20, "its last line is read")


def test_a_log_is_not_for_others(services):
    service = services()
    name = service.add("private", printer("echo secret"), STOP)
    path = service.root / f"log/{name}.0.log"
    wait_until(lambda: path.exists() and path.stat().st_size > 0, 20, "it has spoken")
    assert not path.stat().st_mode & 0o007


def test_a_planted_link_in_the_log_folder_is_not_followed(services):
    """Only the daemon's user may write there; if it ever happens, no file elsewhere is touched."""
    service = services()
    victim = service.root / "victim"
    victim.write_text("untouched")
    victim.chmod(0o666)
    folder = service.root / "log" / service.tenant
    folder.mkdir(parents=True)
    (folder / "linked.0.log").symlink_to(victim)
    os.chown(folder, 64000, 64000)
    service.run("register", service.write("linked", printer("echo overwritten"), STOP), "--timeout", "3s")
    assert victim.read_text() == "untouched"


def test_events_tell_who_and_why(service):
    name = service.add("story", "sleep", STOP)
    service.ctl("restart", name)
    service.ctl("stop", name)
    service.ctl("unregister", name)
    events = service.json("events")
    seqs = [e["seq"] for e in events]
    assert seqs == sorted(seqs) and len(set(seqs)) == len(seqs)
    mine = [e for e in events if e.get("app") == name]
    kinds = [e["kind"] for e in mine]
    assert kinds[0] == "registered" and kinds[-1] == "unregistered"
    for kind in ("started", "asked", "exited", "stopped"):
        assert kind in kinds, kinds
    for kind in ("registered", "asked", "unregistered"):
        assert {e["uid"] for e in mine if e["kind"] == kind and "uid" in e} == {os.geteuid()}, kind
    assert [e["kind"] for e in service.json("events", "-n", "2")] == kinds[-2:]


def test_events_follow(service, follow):
    process = follow(service, "events", "-f", "--json")
    process.wait_line(lambda line: '"service"' in line, 20)
    name = service.add("live", "sleep", STOP)
    started = json.loads(process.wait_line(lambda line: '"started"' in line, 20))
    assert (started["app"], started["instance"]) == (name, 0)
    service.ctl("stop", name)
    process.wait_line(lambda line: '"stopped"' in line, 20)
    seqs = [json.loads(line)["seq"] for line in process.log.read_text().splitlines()]
    assert seqs == sorted(set(seqs))


def test_history_and_events_are_bounded(services):
    service = services(conf="[history]\nexits = 3\nevents = 100\n[start]\ninterval = 0s\n")
    name = service.add("many", "crash 1", {"restart": {"delay": "5ms", "delay-max": "5ms", "budget": "5 in 1h"}},
                       options=["--no-wait"], instances=10)
    service.await_state(name, "held", 60)
    exits = service.json("history", name, "-n", "1000")
    assert all(sum(e["number"] == n for e in exits) == 3 for n in range(10))
    events = service.json("events", "-n", "1000")
    assert 90 <= len(events) <= 110 and events[0]["seq"] > 1
