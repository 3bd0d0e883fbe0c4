# SPDX-License-Identifier: Apache-2.0
"""An app from its registration to its end, in each way the service can run."""

import os
import signal

import pytest

from keeper import alive, await_death
from processes import wait_until
from service import Refused

QUICK = {"restart": {"delay": "50ms", "delay-max": "100ms"}, "stop": {"timeout": "1s"}}


def test_from_registration_to_purge(anywhere):
    name = anywhere.add("one", "sleep", class_="adhoc")
    app = anywhere.app(name)
    assert (app["state"], app["class"], app["wanted"], app["generation"]) == ("running", "adhoc", True, 1)
    pid = app["instances"][0]["pid"]
    assert os.readlink(f"/proc/{pid}/exe") == str(anywhere.hog)
    assert os.stat(f"/proc/{pid}").st_uid == anywhere.app_uid
    assert anywhere.members() == [pid]

    assert "1/1 stopped" in anywhere.ctl("stop", name)
    assert not alive(pid) and anywhere.members() == []
    assert anywhere.app(name)["wanted"] is False
    last = anywhere.history(name)[0]
    assert (last["how"], last["pid"], last["then"]) == ("signal", pid, "stopped as asked")
    assert last["signal"] == "SIGTERM"

    anywhere.ctl("start", name)
    second = anywhere.pid(name)
    assert second != pid and alive(second)
    (anywhere.state_dir(name) / "kept").touch()
    anywhere.ctl("unregister", name)
    assert not alive(second)
    assert anywhere.run("status", name).returncode == 4
    assert (anywhere.state_dir(name) / "kept").exists(), "an app's state outlives its registration"

    anywhere.ctl("register", anywhere.root / "one.spec")
    assert anywhere.app(name)["generation"] >= 1
    anywhere.ctl("unregister", "--purge", name)
    wait_until(lambda: not (anywhere.root / "state" / anywhere.tenant).exists(), 20, "the state directories are gone")
    assert list((anywhere.root / "log").rglob("*.log*")) == []
    assert anywhere.members() == [] and anywhere.json("list") == []


def test_a_child_that_ignores_sigterm_is_killed_after_its_grace(with_or_without_groups):
    service = with_or_without_groups
    name = service.add("deaf", "ignore-term", {"stop": {"timeout": "300ms"}})
    pid = service.pid(name)
    service.ctl("stop", name)
    assert not alive(pid)
    last = service.history(name)[0]
    assert (last["signal"], last["then"]) == ("SIGKILL", "stopped as asked")
    assert 250_000 <= last["run_usec"]


@pytest.mark.parametrize("how", ["stop", "kill", "unregister"])
def test_nothing_of_an_instance_survives_it(with_or_without_groups, how):
    service = with_or_without_groups
    name = service.add("tree", "double-fork", QUICK)
    main = service.pid(name)
    wait_until(lambda: len(set(service.members()) - {main}) == 1, 20, "the grandchild is there alone")
    grandchild = (set(service.members()) - {main}).pop()
    if how == "kill":
        os.kill(main, signal.SIGKILL)
        service.await_new_pid(name, main)
    else:
        service.ctl(how, name)
    assert not alive(grandchild), "the grandchild in a session of its own outlived its instance"


def test_an_end_by_signal_is_told_and_restarted(anywhere):
    name = anywhere.add("victim", "sleep", QUICK)
    old = anywhere.pid(name)
    os.kill(old, signal.SIGKILL)
    anywhere.await_new_pid(name, old)
    exits = anywhere.await_exits(name, 1)
    assert (exits[0]["how"], exits[0]["signal"], exits[0]["pid"]) == ("signal", "SIGKILL", old)
    assert (exits[0]["oom_killed"], exits[0]["core_dumped"]) == (False, False)
    assert anywhere.instances(name)[0]["restarts"] == 1


@pytest.mark.parametrize("word", ["SIGSEGV", "SIGABRT", "SIGTERM", "SIGXCPU"])
def test_no_core_is_dumped(service, word):
    name = service.add("crash", f"crash {word}", {"restart": {"policy": "never"}}, options=["--no-wait"])
    last = service.await_exits(name, 1)[0]
    assert (last["how"], last["signal"], last["core_dumped"]) == ("signal", word, False)


def test_the_budget_ends_in_held_and_a_start_by_hand_gives_a_new_one(service):
    sections = {"restart": {"delay": "10ms", "delay-max": "10ms", "budget": "2 in 1h"}}
    path = service.write("loop", "crash 3", sections)
    result = service.run("register", path)
    name = service.full("loop")
    assert result.returncode == 1, result
    app = service.await_app(name, "held")
    assert "too many restarts" in app["instances"][0]["why"]
    assert "exit code 3" in result.stderr
    exits = service.await_exits(name, 3)
    assert [e["code"] for e in exits] == [3, 3, 3]
    assert service.run("start", name).returncode == 1
    service.await_app(name, "held")
    assert len(service.await_exits(name, 6)) == 6


@pytest.mark.parametrize("keys,code,state,words", [
    ({"policy": "never"}, 1, "stopped", "never"),
    ({"policy": "on-failure"}, 0, "stopped", ""),
    ({"policy": "on-failure", "success-exit": "0 9"}, 9, "stopped", ""),
    ({"policy": "always", "no-restart-exit": "78"}, 78, "held", "forbids"),
], ids=["never", "on-failure-well", "success-exit", "no-restart-exit"])
def test_what_follows_an_exit(service, keys, code, state, words):
    name = service.add("end", f"crash {code}", {"restart": keys}, options=["--no-wait"])
    app = service.await_app(name, state)
    assert words in app["instances"][0]["why"]
    assert len(service.history(name)) == 1


def test_always_restarts_after_success_too(service):
    name = service.add("again", "crash 0", {"restart": {"delay": "10ms", "delay-max": "10ms"}}, options=["--no-wait"])
    assert len(service.await_exits(name, 2)) >= 2


def test_delays_grow_and_end_at_their_maximum(service):
    sections = {"restart": {"delay": "20ms", "delay-max": "160ms", "budget": "6 in 1h"}}
    name = service.add("delays", "crash 1", sections, options=["--no-wait"])
    service.await_app(name, "held")
    exits = list(reversed(service.await_exits(name, 7)))
    gaps = [b["started_usec"] - a["at_usec"] for a, b in zip(exits, exits[1:])]
    assert gaps[-1] > 2 * max(gaps[0], 20_000) * 0.5 and gaps[-1] >= 100_000, gaps


def test_restart_goes_one_after_another(service):
    name = service.add("rolling", "--ready-after 200 sleep", {"ready": {"probe": "notify"}, **QUICK}, instances=3)
    before = service.pids(name)
    service.ctl("restart", name)
    assert set(before).isdisjoint(service.pids(name))
    order = [(e["kind"], e["instance"]) for e in service.events(name)
             if e["kind"] in ("exited", "ready", "stopped") and "instance" in e]
    order = order[3:]  # the first start of all three
    downs = {}
    for number in range(3):
        ready = max(i for i, each in enumerate(order) if each == ("ready", number))
        gone = min(i for i, each in enumerate(order) if each == ("exited", number))
        downs[number] = (gone, ready)
    spans = sorted(downs.values())
    assert all(a[1] < b[0] for a, b in zip(spans, spans[1:])), (order, downs)


def test_restart_of_one_instance_leaves_the_others(service):
    name = service.add("three", "sleep", QUICK, instances=3)
    before = service.pids(name)
    service.ctl("restart", f"{name}/1")
    after = service.pids(name)
    assert (after[0], after[2]) == (before[0], before[2]) and after[1] != before[1]


def test_scale_up_and_down_keeps_the_lower_numbers(anywhere):
    name = anywhere.add("width", "sleep", QUICK, instances=2)
    first = anywhere.pids(name)
    anywhere.ctl("scale", name, 4)
    assert anywhere.pids(name)[:2] == first and len(anywhere.members()) == 4
    anywhere.ctl("scale", name, 1)
    assert anywhere.pids(name) == first[:1]
    wait_until(lambda: anywhere.members() == first[:1], 20, "one process is left")
    assert anywhere.state_dir(name, 3).is_dir(), "scaling down keeps the state"
    assert anywhere.run("scale", name, 0).returncode == 3
    assert anywhere.run("scale", name, 1001).returncode == 3
    assert anywhere.run("scale", name, "two").returncode == 2
    anywhere.ctl("stop", name)
    anywhere.ctl("scale", name, 2)
    assert anywhere.members() == [] and len(anywhere.instances(name)) == 2


def test_a_new_generation_replaces_and_rules_alone_do_not(service):
    name = service.add("gen", "sleep", instances=2)
    old = service.pids(name)
    service.add("gen", "sleep", {"restart": {"delay": "2s"}, "stop": {"timeout": "1s"}}, instances=2)
    assert service.pids(name) == old, "a change of rules restarted instances"
    assert service.app(name)["generation"] == 2
    service.add("gen", "--quiet sleep", {"stop": {"timeout": "1s"}}, instances=2)
    new = service.pids(name)
    assert set(old).isdisjoint(new) and service.app(name)["generation"] == 3
    wait_until(lambda: service.members() == sorted(new), 20, "only the new ones are left")
    assert {e["then"] for e in service.history(name)} == {"started again as asked"}
    again = service.json("register", service.root / "gen.spec")
    assert again["changed"] is False
    assert service.pids(name) == new


def test_a_new_generation_that_does_not_start_leaves_the_other_instances(service):
    name = service.add("careful", "sleep", QUICK, instances=2)
    old = service.pids(name)
    path = service.write("careful", "/nowhere/at-all", QUICK, instances=2)
    assert service.run("register", path).returncode == 1
    assert alive(old[1]) or alive(old[0]), "a broken generation took all instances down"


def test_what_show_prints_is_the_same_spec(service):
    sections = {"resources": {"cpu": "0.5", "memory": "64M", "memory-max": "1G", "tasks-max": "100", "open-files-max": "1000"},
                "restart": {"policy": "on-failure", "delay": "1500ms", "budget": "3 in 1h", "no-restart-exit": "64-78"},
                "stop": {"signal": "SIGINT", "timeout": "90s"},
                "ready": {"probe": 'exec:/bin/sh -c "exit 0"', "timeout": "infinity", "interval": "2s"},
                "kafka": {"cluster": "main", "group": "g", "inputs": "a b", "guarantee": "exactly-once", "lag-slo": "30s"}}
    name = service.full("print")
    text = service.spec("print", "sleep", sections, instances=2, environment=['"A=b c"', "PERCENT=%%", 'Q="\\"quoted\\""'],
                        umask="0027", working_directory="%S")
    path = service.root / "print.spec"
    path.write_text(text)
    service.ctl("register", "--no-start", path)
    printed = service.ctl("show", name)
    again = service.root / "again.spec"
    again.write_text(printed)
    assert "a valid spec" in service.ctl("validate", again)
    assert service.json("register", "--no-start", again)["changed"] is False
    assert service.ctl("show", name) == printed
    shown = service.json("show", name)
    assert shown["spec"] == printed and shown["name"] == name and shown["instances"] == 2


def test_no_start_registers_only(service):
    name = service.add("later", "sleep", options=["--no-start"])
    app = service.app(name)
    assert (app["wanted"], app["state"], app["instances"][0]["pid"]) == (False, "stopped", 0)
    service.ctl("start", name)
    assert service.app(name)["state"] == "running"


def test_stop_during_backoff_and_while_starting(service):
    name = service.add("backoff", "crash 1", {"restart": {"delay": "1h", "delay-max": "2h"}}, options=["--no-wait"])
    app = service.await_app(name, "backoff")
    assert app["instances"][0]["next_usec"] > app["instances"][0]["since_usec"]
    service.ctl("stop", name)
    assert service.app(name)["state"] == "stopped"
    name = service.add("slow", "sleep", {"ready": {"probe": "notify"}, "stop": {"timeout": "1s"}}, options=["--no-wait"])
    service.await_app(name, "starting")
    service.ctl("stop", name)
    assert service.app(name)["state"] == "stopped" and service.members() == []


def test_the_stop_signal_of_the_spec_is_sent(service):
    name = service.add("int", "sleep", {"stop": {"signal": "SIGINT", "timeout": "5s"}})
    service.ctl("stop", name)
    assert service.history(name)[0]["signal"] == "SIGINT"


def test_many_apps_in_one_command(service):
    paths = [service.write(f"m{n}", "sleep", QUICK) for n in range(5)]
    bad = service.root / "bad.spec"
    bad.write_text("[app]\nname = nonsense\n")
    result = service.run("register", *paths[:2], bad, *paths[2:])
    assert result.returncode == 3 and "bad.spec:2" in result.stderr
    names = [service.full(f"m{n}") for n in range(5)]
    assert [service.app(n)["state"] for n in names] == ["running"] * 5
    with pytest.raises(Refused) as refused:
        service.ctl("stop", *names[:2], service.full("nobody"), *names[2:])
    assert refused.value.status == 4
    assert {service.app(n)["state"] for n in names} == {"stopped"}


def test_a_process_that_is_stopped_by_a_signal_can_still_be_stopped(with_or_without_groups):
    service = with_or_without_groups
    name = service.add("frozen", "sleep", {"stop": {"timeout": "300ms"}})
    pid = service.pid(name)
    os.kill(pid, signal.SIGSTOP)
    service.ctl("stop", name)
    await_death(pid)
