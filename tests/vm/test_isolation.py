# SPDX-License-Identifier: Apache-2.0
"""Classes as the kernel sees them: knobs read back, processes in their leaves, hogs held and killed as a whole."""

import configparser
import pathlib

import pytest

from installed import TREE, spec

CLASSES = pathlib.Path(__file__).resolve().parents[2] / "etc" / "classes.d"
SLEEP = "/bin/sleep 1000000"
MIB = 1 << 20


def shipped(name):
    """A class file as it is shipped."""
    parser = configparser.ConfigParser(inline_comment_prefixes=(";",), interpolation=None)
    parser.read(CLASSES / f"{name}.conf")
    assert parser.sections(), f"no class file for {name}"
    return parser


@pytest.mark.parametrize("name", ["critical", "standard", "adhoc"])
def test_class_group_has_what_its_class_says(service, name):
    klass, group = shipped(name), f"{TREE}/{name}"
    service.add(spec("alpha/one", SLEEP, **{"class": name, "resources__memory": "64M", "resources__memory_max": "128M"}))
    service.wait_all()
    idle = klass.getboolean("cpu", "idle", fallback=False)
    assert service.knob(group, "cpu.idle") == ("1" if idle else "0")
    if not idle:
        assert service.knob(group, "cpu.weight") == klass.get("cpu", "weight", fallback="100")
    assert service.knob(group, "io.weight").split()[-1] == klass.get("io", "weight", fallback="100")
    class_max = klass.get("tasks", "class-max", fallback="infinity")
    assert service.knob(group, "pids.max") == class_max.replace("infinity", "max")
    guarantee = klass.getboolean("memory", "guarantee", fallback=False)
    protect = klass.getboolean("memory", "protect", fallback=False)
    for place in [group, f"{group}/alpha", service.leaf("alpha/one")]:
        assert int(service.knob(place, "memory.min")) == (64 * MIB if guarantee else 0)
        assert int(service.knob(place, "memory.low")) >= (64 * MIB if protect else 0)
    limit = klass.get("memory", "class-max", fallback="infinity")
    memory = int(service.guest.ok("awk '/^MemTotal/ {print $2 * 1024}' /proc/meminfo"))
    found = service.knob(group, "memory.max")
    if limit.endswith("%"):
        assert int(found) == pytest.approx(memory * int(limit[:-1]) / 100, rel=0.02)
    else:
        assert limit == "infinity" and found == "max"


@pytest.mark.parametrize("name", ["critical", "standard", "adhoc"])
def test_leaf_has_what_class_and_spec_say(service, name):
    klass = shipped(name)
    text = spec(
        "alpha/one",
        SLEEP,
        **{"class": name, "resources__memory_max": "200M", "resources__tasks_max": 77, "resources__cpu_max": 1.5},
    )
    service.add(text)
    service.add(spec("alpha/two", SLEEP, **{"class": name}))
    pids = service.wait_all()
    leaf = service.leaf("alpha/one")
    assert service.knob(leaf, "memory.max") == str(200 * MIB)
    assert service.knob(leaf, "memory.oom.group") == ("1" if klass.getboolean("memory", "oom-group", fallback=True) else "0")
    assert service.knob(leaf, "pids.max") == "77"
    quota, period = map(int, service.knob(leaf, "cpu.max").split())
    assert quota / period == 1.5
    assert service.knob(service.leaf("alpha/two"), "pids.max") == klass.get("tasks", "instance-max", fallback="4096")
    assert service.knob(service.leaf("alpha/two"), "cpu.max").split()[0] == "max"
    adjust = service.guest.ok(["cat", f"/proc/{pids['alpha/one', 0]}/oom_score_adj"]).strip()
    assert adjust == klass.get("memory", "oom-score-adj", fallback="0")


def test_knobs_are_there_again_after_a_restart(service):
    """systemd removes empty groups at moments of its own; whoever needs one makes it and its knobs again."""
    service.guest.ok("systemctl stop streamkeeper.slice", timeout=180)
    assert service.guest.run(f"test -e {TREE}").status == 1
    service.guest.ok("systemctl start streamkeeper", timeout=180)
    service.wait_serving()
    assert service.knob(f"{TREE}/critical", "cpu.weight") == shipped("critical").get("cpu", "weight")
    service.add(spec("alpha/one", SLEEP, **{"class": "critical"}))
    service.wait_all()
    assert service.knob(f"{TREE}/critical", "cpu.weight") == shipped("critical").get("cpu", "weight")


BIRTH = """{ cat /proc/self/cgroup; id -u; id -g; id -G; umask; pwd; } > "$STATE_DIRECTORY/birth"
cp /proc/self/status "$STATE_DIRECTORY/status"
env > "$STATE_DIRECTORY/env"
ls -l /proc/$$/fd > "$STATE_DIRECTORY/fds"
exec sleep 1000000
"""


def test_process_is_born_in_its_leaf_without_privileges(service):
    service.shell_app("alpha/born", BIRTH, **{"class": "standard", "instances": 2})
    service.wait_all()
    guest = service.guest
    uid = guest.ok("id -u alpha-app").strip()
    for number in (0, 1):
        state = f"/var/lib/streamkeeper/state/alpha/born/{number}"
        guest.until(["test", "-s", f"{state}/fds"])
        birth = guest.ok(["cat", f"{state}/birth"]).splitlines()
        assert birth[0] == "0::" + service.leaf("alpha/born", number)[len("/sys/fs/cgroup") :]
        assert birth[1] == uid and birth[2] == guest.ok("id -g alpha-app").strip()
        assert set(birth[3].split()) <= set(guest.ok("id -G alpha-app").split())
        assert "0" not in birth[3].split()
        assert birth[4:6] == ["0077", state]
        status = dict(line.split(":\t", 1) for line in guest.ok(["cat", f"{state}/status"]).splitlines())
        assert status["NoNewPrivs"] == "1"
        assert {status[key].strip("0") for key in ["CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb"]} == {""}
        assert status["SigBlk"].strip("0") == "" and status["SigIgn"].strip("0") == ""
        environment = dict(line.split("=", 1) for line in guest.ok(["cat", f"{state}/env"]).splitlines())
        assert environment["STREAMKEEPER_APP"] == "alpha/born"
        assert environment["STREAMKEEPER_INSTANCE"] == str(number)
        assert environment["STATE_DIRECTORY"] == state
        leaked = {"WATCHDOG_USEC", "RUNTIME_DIRECTORY", "LISTEN_FDS", "INVOCATION_ID"} & set(environment)
        assert not leaked
        owner = guest.ok(["stat", "-c", "%u %a", state]).split()
        assert owner == [uid, "700"]
        descriptors = [line.split("/fd")[-1] for line in guest.ok(["cat", f"{state}/fds"]).splitlines()[1:]]
        assert len(descriptors) <= 5, descriptors  # 0, 1, 2, the script, and what ls itself opened


def test_app_cannot_leave_its_group(service):
    service.add(spec("alpha/one", SLEEP, **{"class": "adhoc"}))
    service.wait_all()
    target = f"{TREE}/critical/cgroup.procs"
    result = service.guest.run(["runuser", "-u", "alpha-app", "--", "sh", "-c", f"echo $$ > {target}"])
    assert result.status != 0 and "ermission denied" in result.output


def test_logs_reach_the_journal(service):
    service.shell_app("alpha/talk", "echo to-stdout-$$; echo to-stderr >&2\nexec sleep 1000000\n")
    pid = service.wait_all()["alpha/talk", 0]
    service.guest.until(f"journalctl -b --no-pager -o cat | grep -x to-stdout-{pid}")
    logs = service.ctl_ok("logs", "alpha/talk")
    assert f"to-stdout-{pid}" in logs and "to-stderr" in logs


FORK_BOMB = """#!/usr/bin/python3
import os, time
failed = 0
while True:
    try:
        if os.fork() == 0:
            time.sleep(1000000)
    except OSError:
        failed += 1
        time.sleep(0.2)
"""


def test_fork_bomb_is_held_by_pids_max(service):
    guest = service.guest
    guest.put("/opt/bomb.py", FORK_BOMB, mode=0o755)
    service.add(spec("beta/calm", SLEEP, **{"class": "adhoc"}))
    service.add(spec("beta/bomb", "/opt/bomb.py", **{"class": "adhoc", "resources__tasks_max": 60}))
    before = service.wait_all(names=["beta/calm"])
    leaf = f"{TREE}/adhoc/beta/bomb.0"
    guest.until(f"grep -q '^max [1-9]' {leaf}/pids.events", timeout=60)
    assert int(service.knob(leaf, "pids.current")) <= 60
    assert service.wait_all(names=["beta/calm"]) == before
    service.ctl_ok("stop", "beta/bomb", timeout=120)
    guest.until(f"test ! -e {leaf} || grep -q '^populated 0' {leaf}/cgroup.events", timeout=60)
    assert guest.run("pgrep -f /opt/[b]omb.py").status == 1


HOG = """#!/usr/bin/python3
import os, time
if os.fork() == 0:
    time.sleep(1000000)
held = []
while True:
    held.append(bytearray(os.urandom(1 << 20)))
"""


def test_memory_hog_is_killed_as_a_whole_and_known(service):
    guest = service.guest
    guest.put("/opt/hog.py", HOG, mode=0o755)
    service.add(spec("alpha/calm", SLEEP, **{"class": "critical", "resources__memory": "64M"}))
    before = service.wait_all()
    service.add(
        spec(
            "beta/hog",
            "/opt/hog.py",
            **{"class": "adhoc", "resources__memory_max": "60M", "restart__policy": "never"},
        )
    )
    exits = guest.until(
        ["streamctl", "history", "beta/hog"], lambda result: result.status == 0 and "emory" in result.output, timeout=90
    ).output
    assert "out of memory" in exits.lower() or "oom" in exits.lower(), exits
    # Its child was in the same group and had to go too.
    guest.until("! pgrep -f /opt/[h]og.py", timeout=30)
    assert service.wait_all(names=["alpha/calm"]) == before


def test_cpu_goes_to_the_higher_class(service):
    """Both want all of one CPU (the other is left for the test): ad-hoc gets what critical leaves, next to nothing."""
    spin = "exec taskset -c 1 sh -c 'while :; do :; done'\n"
    service.shell_app("alpha/spin", spin, **{"class": "critical"})
    service.shell_app("beta/spin", spin, **{"class": "adhoc"})
    service.wait_all()
    script = f"cat {TREE}/critical/cpu.stat {TREE}/adhoc/cpu.stat | awk '$1 == \"usage_usec\" {{print $2}}'"
    first = list(map(int, service.guest.ok(script).split()))
    second = list(map(int, service.guest.ok(f"sleep 6; {script}").split()))
    critical, adhoc = (after - before for before, after in zip(first, second))
    assert critical > 3_000_000, (critical, adhoc)
    assert adhoc < critical / 10, (critical, adhoc)
    # Alone it may have all there is: the class is no limit.
    service.ctl_ok("stop", "alpha/spin", timeout=90)
    first = list(map(int, service.guest.ok(script).split()))
    second = list(map(int, service.guest.ok(f"sleep 4; {script}").split()))
    assert second[1] - first[1] > 2_000_000, (first, second)


def test_io_weights_have_effect_with_bfq(service):
    """The control file appears only with the module; a reload hands it over and writes it, and doctor is content."""
    guest = service.guest
    before = guest.ok("cat /sys/block/vda/queue/scheduler").split("[")[1].split("]")[0]
    guest.ok("modprobe bfq && echo bfq > /sys/block/vda/queue/scheduler")
    try:
        launcher = service.main_pid()
        daemon = service.daemon_pid()
        guest.ok("systemctl reload streamkeeper", timeout=120)
        guest.until(f"test $(pgrep -x -P {launcher} streamkeeperd) != {daemon} && streamctl list >/dev/null")
        for name in ["critical", "standard", "adhoc"]:
            assert service.knob(f"{TREE}/{name}", "io.bfq.weight").split()[-1] == shipped(name).get("io", "bfq-weight")
        result = service.ctl("doctor")
        assert result.status == 0, result
    finally:
        guest.ok(f"echo {before} > /sys/block/vda/queue/scheduler")


def test_a_broken_program_says_at_which_step(service):
    result = service.register(spec("alpha/none", "/opt/not-there", restart__policy="never"))
    assert result.status == 1, result
    assert "exec: No such file or directory: /opt/not-there" in result.output, result
    assert "No such file" in service.ctl_ok("status", "alpha/none")
