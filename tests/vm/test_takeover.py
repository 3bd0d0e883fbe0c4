# SPDX-License-Identifier: Apache-2.0
"""Nothing that happens to the supervisor touches an app, and afterwards the supervisor knows them all again."""

import pytest

from installed import LIBEXEC, TREE, spec

SLEEP = "/bin/sleep 1000000"
KNOBS = f"cd {TREE} && head -n 5 cgroup.subtree_control */*.weight */memory.m?? */pids.max */*/*/memory.m??"
APPS = {"alpha/bill": ("critical", 2), "alpha/clean": ("standard", 1), "beta/count": ("adhoc", 2)}


@pytest.fixture(name="running", scope="module")
def fixture_running(vm_service):
    """Five instances in three classes of two tenants; the whole module uses the same ones."""
    vm_service.guest.ok("systemctl start streamkeeper", timeout=180)
    vm_service.wait_serving()
    vm_service.remove_all()
    for name, (klass, instances) in APPS.items():
        vm_service.add(spec(name, SLEEP, **{"class": klass, "instances": instances}))
    vm_service.wait_all()
    return vm_service


def restart(service):
    service.guest.ok("systemctl restart streamkeeper", timeout=180)


def reload(service):
    service.guest.ok("systemctl reload streamkeeper", timeout=180)


def daemon_reexec(service):
    service.guest.ok("systemctl daemon-reexec", timeout=120)


def daemon_reload(service):
    service.guest.ok("systemctl daemon-reload", timeout=120)


def set_property(service):
    service.guest.ok("systemctl set-property --runtime streamkeeper-apps.service CPUWeight=300")


def kill_launcher(service):
    service.guest.ok(f"kill -9 {service.main_pid()}")


def kill_daemon(service):
    service.guest.ok(f"kill -9 {service.daemon_pid()}")


def kill_both(service):
    service.guest.ok(f"kill -9 {service.main_pid()} {service.daemon_pid()}")


# What is done, and which of (launcher, daemon) is another process afterwards.
DISRUPTIONS = [
    (restart, (True, True)),
    (reload, (False, True)),
    (daemon_reexec, (False, False)),
    (daemon_reload, (False, False)),
    (set_property, (False, False)),
    (kill_daemon, (False, True)),
    (kill_launcher, (True, True)),
    (kill_both, (True, True)),
]


def programs_changed(service, before):
    """True when each program is, or is not, another process than before, as wanted; for until()."""
    (launcher, daemon), (new_launcher, new_daemon) = before

    def accept(result):
        pids = result.output.split()
        if result.status != 0 or len(pids) != 2 or pids[0] == "0":
            return False
        return (int(pids[0]) != launcher) == new_launcher and (int(pids[1]) != daemon) == new_daemon

    script = 'm=$(systemctl show -P MainPID streamkeeper) && echo $m && pgrep -x -P "$m" streamkeeperd'
    service.guest.until(script, accept, timeout=90)
    service.wait_serving()


@pytest.mark.parametrize("disrupt, changes", DISRUPTIONS, ids=[one[0].__name__ for one in DISRUPTIONS])
def test_apps_keep_their_processes(running, disrupt, changes):
    before = running.snapshot()
    restarts = {key: one["restarts"] for key, one in running.instances().items()}
    programs = running.main_pid(), running.daemon_pid()
    knobs = running.guest.ok(KNOBS)
    disrupt(running)
    programs_changed(running, (programs, changes))
    assert running.snapshot() == before
    assert running.guest.ok(KNOBS) == knobs
    assert {key: one["restarts"] for key, one in running.instances().items()} == restarts
    assert len(before) == sum(instances for _, instances in APPS.values())
    for (name, number), (pid, _) in before.items():
        assert running.knob(running.leaf(name, number), "cgroup.procs").split() == [str(pid)]


def wait_replaced(service, pid):
    """Waits until the daemon knows that this process is gone; snapshot() then waits for its successor."""

    def accept(result):
        return result.status == 0 and f'"pid":{pid},' not in result.output.replace(" ", "")

    service.guest.until(["streamctl", "list", "--json"], accept, timeout=60)


def test_one_process_each_after_all_that(running):
    """Nothing was started twice: the tree holds the apps, the keeper, and nobody else."""
    pids = {str(pid) for pid, _ in running.snapshot().values()}
    inside = set(running.guest.ok(f"find {TREE} -name cgroup.procs -not -path '*/keeper/*' | xargs cat").split())
    assert inside == pids
    assert len(running.knob(f"{TREE}/keeper", "cgroup.procs").split()) == 1


def test_fd_store_holds_one_pidfd_each(running):
    """It is with the service manager that the pidfds outlive launcher and daemon."""
    instances = len(running.snapshot())
    running.guest.until(
        "systemctl show -P NFileDescriptorStore streamkeeper",
        lambda result: result.output.strip() == str(instances),
        timeout=30,
    )


def test_adopted_instances_are_supervised(running):
    """An app whose launcher died is no child of the new one; its end must be seen all the same."""
    kill_both(running)
    running.wait_serving()
    before = running.snapshot()
    pid, _ = before["alpha/clean", 0]
    running.guest.ok(f"kill -9 {pid}")
    wait_replaced(running, pid)
    after = running.snapshot()
    assert after["alpha/clean", 0] != before["alpha/clean", 0]
    assert {key: value for key, value in after.items() if key[0] != "alpha/clean"} == {
        key: value for key, value in before.items() if key[0] != "alpha/clean"
    }


def test_reload_brings_new_programs_in(running):
    """An upgrade: files replaced below the running programs, then reload; nothing of the old is left."""
    before = running.snapshot()
    for program in ["streamkeeper-launcher", "streamkeeperd"]:
        running.guest.ok(f"cp -a {LIBEXEC}/{program} {LIBEXEC}/new && mv {LIBEXEC}/new {LIBEXEC}/{program}")
    launcher, daemon = running.main_pid(), running.daemon_pid()
    assert running.guest.ok(f"readlink /proc/{launcher}/exe").strip().endswith("(deleted)")
    reload(running)
    programs_changed(running, ((launcher, daemon), (False, True)))
    for pid in (running.main_pid(), running.daemon_pid()):
        assert not running.guest.ok(f"readlink /proc/{pid}/exe").strip().endswith("(deleted)")
    assert running.snapshot() == before


def test_apps_that_end_while_nobody_looks(running):
    """Launcher halted (not dead), daemon and app killed, launcher goes on: exactly one restart, its reason known."""
    running.ctl_ok("restart", "alpha/bill", timeout=120)  # children of the present launcher
    before = running.snapshot()
    pid, _ = before["alpha/bill", 1]
    launcher, daemon = running.main_pid(), running.daemon_pid()
    running.guest.ok(f"kill -STOP {launcher} && kill -9 {daemon} && kill -9 {pid} && kill -CONT {launcher}")
    wait_replaced(running, pid)
    after = running.snapshot()
    assert after["alpha/bill", 0] == before["alpha/bill", 0]
    assert after["alpha/bill", 1] != before["alpha/bill", 1]
    last = next(one for one in running.json("history", "alpha/bill") if one["number"] == 1)
    assert last["how"] == "signal" and "SIGKILL" in last["text"], last


def test_an_end_that_nobody_saw(running):
    """Launcher, daemon and app die together: on a kernel that cannot tell, the status is said to be unknown."""
    before = running.snapshot()
    pid, _ = before["beta/count", 1]
    running.guest.ok(f"kill -9 {running.main_pid()} {running.daemon_pid()} {pid}")
    running.wait_serving()
    wait_replaced(running, pid)
    after = running.snapshot()
    assert {key for key in after if after[key] != before[key]} == {("beta/count", 1)}
    last = next(one for one in running.json("history", "beta/count") if one["number"] == 1)
    assert last["how"] in ("unknown", "signal"), last
    assert "unknown" in last["text"] or "KILL" in last["text"], last


WATCHDOG = "/run/systemd/system/streamkeeper.service.d/watchdog.conf"


def test_hanging_programs_are_replaced(running):
    """The daemon hangs: the launcher replaces it. The launcher hangs: systemd does. The apps do not notice."""
    guest = running.guest
    before = running.snapshot()
    guest.put(WATCHDOG, "[Service]\nWatchdogSec=12s\n")
    guest.ok("systemctl daemon-reload && systemctl restart streamkeeper", timeout=180)
    try:
        programs = running.main_pid(), running.daemon_pid()
        guest.ok(f"kill -STOP {programs[1]}")
        programs_changed(running, (programs, (False, True)))
        programs = running.main_pid(), running.daemon_pid()
        guest.ok(f"kill -STOP {programs[0]}")
        programs_changed(running, (programs, (True, True)))
        assert running.snapshot() == before
    finally:
        guest.ok(f"rm -f {WATCHDOG} && systemctl daemon-reload && systemctl restart streamkeeper", timeout=180)
    assert running.snapshot() == before
