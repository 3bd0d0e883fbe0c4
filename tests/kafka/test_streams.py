# SPDX-License-Identifier: Apache-2.0
"""The main job on real input: a stateful, exactly-once Kafka Streams application with two instances counts Debian's package index
as a critical app beside ad-hoc hogs, is killed, stopped and started, and its results are exactly right; its second start reuses
the state directory."""

import os
import signal
import sys

import pytest

import statedir
from javatools import HERE, MAIN
from processes import mentioning, wait_until

APP = "default/relations"
HOG = "default/hog"
INSTANCES = 2
READY_SECONDS = 90
RESTART_SECONDS = 60
STOP_SECONDS = 75
# Slow enough that both kills fall into the feed.
FEED_RATE = 2000
FIRST_PART = 0.8

APP_SPEC = """\
[app]
name = {app}
class = critical
command = {command}
instances = {instances}

[resources]
cpu = 0.25
memory = 256M
tasks-max = 512

[restart]
policy = always
delay = 200ms
success-exit = 0 143

[stop]
timeout = 60s

[ready]
probe = exec:{python} {here}/ready.py %S
timeout = 90s

[kafka]
group = relations
inputs = packages
outputs = dependants section-size
guarantee = exactly-once
"""

HOG_SPEC = """\
[app]
name = {hog}
class = adhoc
command = {python} -c "while True: pass" %S
instances = {instances}
"""


def python():
    return "/usr/bin/python3" if os.path.exists("/usr/bin/python3") else sys.executable


def app_spec(jars, bootstrap, scratch):
    argv = jars.command(MAIN, "app", "--bootstrap", bootstrap, "--state", "%S", "--member", "%i",
                        options=[f"-Djava.io.tmpdir={scratch}"])
    assert not any(set(word) & set(" \"'\\") for word in argv), "the spec below does not quote"
    return APP_SPEC.format(app=APP, command=" ".join(argv), instances=INSTANCES, python=python(), here=HERE)


def state_directories(service):
    return [service.root / "state" / APP / str(number) for number in range(INSTANCES)]


def start_and_wait(service):
    service.ctl("start", APP)
    return service.await_state(APP, "running", READY_SECONDS)


def stop_and_check(service):
    """Stops the app; every store must have been closed cleanly, and no process may be left."""
    service.ctl("stop", APP)
    service.await_state(APP, "stopped", STOP_SECONDS)
    for state in state_directories(service):
        assert mentioning(str(state)) == []
        assert statedir.checkpoints(state), f"the instance in {state} did not close its stores cleanly"


def latest_restores(service):
    return [statedir.starts(state)[-1] for state in state_directories(service)]


def kill_instance(service, feed):
    """SIGKILL for the first instance's main process: it comes back, and nobody else notices."""
    before = service.instances(APP)
    hogs = service.pids(HOG)
    os.kill(before[0]["pid"], signal.SIGKILL)
    assert feed.running(), "the kill was to come in the middle of the feed"

    def back():
        now = service.instances(APP)
        return now if now[0]["pid"] not in (0, None, before[0]["pid"]) and now[0]["state"] == "running" else None

    after = wait_until(back, RESTART_SECONDS, "the killed instance is running again", every=0.2)
    assert after[0]["restarts"] == before[0]["restarts"] + 1
    assert (after[1]["pid"], after[1]["restarts"]) == (before[1]["pid"], before[1]["restarts"])
    assert service.pids(HOG) == hogs


def kill_daemon(service, feed):
    """SIGKILL for streamkeeperd: a new one takes over the same processes."""
    before, hogs = service.instances(APP), service.pids(HOG)
    daemon = service.daemon_pid()
    assert daemon
    os.kill(daemon, signal.SIGKILL)
    assert feed.running(), "the kill was to come in the middle of the feed"
    wait_until(lambda: service.daemon_pid() not in (None, daemon), RESTART_SECONDS, "there is a new daemon")

    def answers():
        try:
            return service.pids(APP)
        except (RuntimeError, KeyError):
            return None

    wait_until(answers, RESTART_SECONDS, "the new daemon answers", every=0.2)
    after = service.await_state(APP, "running", RESTART_SECONDS)
    assert [i["pid"] for i in after] == [i["pid"] for i in before]
    assert [i["restarts"] for i in after] == [i["restarts"] for i in before]
    assert service.pids(HOG) == hogs


def start_beside_hogs(service, cluster, jars, tmp_path):
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    scratch.chmod(0o777)
    service.register("hog", HOG_SPEC.format(hog=HOG, instances=INSTANCES, python=python()))
    service.ctl("start", HOG)
    service.await_state(HOG, "running", RESTART_SECONDS)
    spec = app_spec(jars, cluster.broker.bootstrap, scratch)
    service.register("relations", spec)
    start_and_wait(service)
    return spec


def feed_with_kills(service, cluster, jars, feed, tmp_path, count, timeline):
    process = jars.start("feed", tmp_path / "feed.log",
                         *feed.arguments(0, count, rate=FEED_RATE), "--bootstrap", cluster.broker.bootstrap)
    try:
        cluster.await_totals(feed.expected(count), share=0.2)
        timeline("a fifth is counted")
        kill_instance(service, process)
        timeline("instance killed and running again")
        kill_daemon(service, process)
        timeline("daemon killed, its successor has the same processes")
        assert process.wait(120) == 0
    finally:
        process.stop(0)


def check_results(cluster, expected):
    results, regressions = cluster.results()
    assert results == expected
    assert regressions == 0, "a committed count went backwards"


def test_counts_are_right_and_state_is_reused(service, cluster, jars, feed, tmp_path, timeline):
    part = int(len(feed) * FIRST_PART)
    spec = start_beside_hogs(service, cluster, jars, tmp_path)
    hogs = service.pids(HOG)
    timeline(f"running, {len(feed)} packages to count")

    feed_with_kills(service, cluster, jars, feed, tmp_path, part, timeline)
    cluster.await_totals(feed.expected(part))
    stop_and_check(service)
    timeline(f"{part} packages counted, stopped")
    check_results(cluster, feed.expected(part))
    identities = [statedir.identities(state) for state in state_directories(service)]
    assert all(identities)
    killed = statedir.starts(state_directories(service)[0])[-1]
    assert killed.records > 0, "a killed exactly-once instance has to restore: the figures below would mean nothing"

    start_and_wait(service)
    timeline("running again")
    for state, known in zip(state_directories(service), identities):
        assert statedir.identities(state).items() >= known.items(), f"the stores in {state} are not the ones of before"
    cluster.tool(*feed.arguments(part, len(feed)))
    cluster.await_totals(feed.expected(len(feed)))
    stop_and_check(service)
    timeline("all packages counted, stopped")
    check_results(cluster, feed.expected(len(feed)))
    reused = latest_restores(service)
    assert [start.records for start in reused] == [0] * INSTANCES, "the second start restored what it should have kept"

    changelog = cluster.changelog_records()
    service.ctl("unregister", APP, "--purge")
    assert not any(state.exists() for state in state_directories(service))
    service.register("relations", spec)
    start_and_wait(service)
    stop_and_check(service)
    fresh = latest_restores(service)
    timeline(f"restored: {killed.records} after the kill, {sum(s.records for s in reused)} after the stop, "
             f"{sum(s.records for s in fresh)} without state (changelogs: {changelog})")
    assert sum(start.records for start in fresh) == changelog

    assert service.pids(HOG) == hogs, "the hogs were to run all the time"
    assert service.stop() == 0
    assert mentioning(str(service.root)) == []
