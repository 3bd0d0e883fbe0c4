# SPDX-License-Identifier: Apache-2.0
"""The application alone, without a supervisor: its counts are right, it closes cleanly on SIGTERM, and its restore figures tell
reused state from lost state. What test_streams.py concludes from those figures rests on this."""

import signal

import pytest

import statedir
from processes import wait_until
from ready import main as probe

READY_SECONDS = 60
RECORDS = 10_000


@pytest.fixture
def start(jars, cluster, tmp_path):
    processes = []

    def start_app(state):
        process = jars.start(f"app {state.name}", tmp_path / f"{state.name}.log", "app", "--bootstrap", cluster.broker.bootstrap,
                             "--state", state, "--member", state.name)
        processes.append(process)
        process.wait_line(lambda line: line.startswith("state RUNNING"), READY_SECONDS)
        return process

    yield start_app
    for process in processes:
        process.stop(0)


def ready(state, monkeypatch):
    monkeypatch.setattr("sys.argv", ["ready.py", str(state)])
    return probe() == 0


def test_restore_figures_tell_reused_state_from_lost_state(cluster, feed, start, tmp_path, timeline, monkeypatch):
    state = tmp_path / "one"
    state.mkdir()
    expected = feed.expected(RECORDS)

    app = start(state)
    timeline("running on an empty state directory")
    wait_until(lambda: ready(state, monkeypatch), 10, "the readiness probe succeeds")
    cluster.tool(*feed.arguments(0, RECORDS))
    cluster.await_totals(expected)
    timeline("all counted")
    assert app.stop(60) == 128 + signal.SIGTERM
    assert not ready(state, monkeypatch)
    results, regressions = cluster.results()
    assert results == expected
    assert regressions == 0
    changelog = cluster.changelog_records()
    assert changelog > RECORDS
    identities = statedir.identities(state)
    assert statedir.checkpoints(state) and identities

    app = start(state)
    timeline("running on the state of a clean stop")
    assert statedir.identities(state) == identities
    app.signal(signal.SIGKILL)
    app.wait(10)

    app = start(state)
    timeline("running on the state of a killed process")
    assert app.stop(60) == 128 + signal.SIGTERM

    fresh, reused, killed = statedir.starts(state)
    timeline(f"changelog {changelog}; fresh {fresh.records}, reused {reused.records}, killed {killed.records}")
    assert (fresh.records, reused.records, killed.records) == (0, 0, changelog)
    assert all(path not in identities or identities[path] != now for path, now in statedir.identities(state).items())
