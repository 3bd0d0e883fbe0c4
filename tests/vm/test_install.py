# SPDX-License-Identifier: Apache-2.0
"""What an installation leaves on the host: units, users, folders, bus policy, and a service that is up."""

import json
import re

from installed import SERVICE_TREE, TREE
from product import missing_libraries

DEGRADED = 10  # exit code of `streamctl doctor`


def test_units_are_clean(service, vm):
    units = "streamkeeper.service streamkeeper-apps.service streamkeeper.slice"
    assert vm.ok(f"systemd-analyze verify --man=no {units} 2>&1") == ""
    assert missing_libraries(vm) == ""


def test_service_and_tree_are_up(service, vm):
    assert vm.ok("systemctl is-active streamkeeper streamkeeper-apps").split() == ["active", "active"]
    shown = vm.ok("systemctl show -p Type,NotifyAccess,SubState,NRestarts,Result,Slice streamkeeper").split()
    assert "Type=notify" in shown and "NotifyAccess=main" in shown and "SubState=running" in shown
    assert "NRestarts=0" in shown and "Result=success" in shown and "Slice=streamkeeper.slice" in shown
    groups = set(vm.ok(f"ls -d {TREE}/*/").split())
    assert {f"{TREE}/{name}/" for name in ["keeper", "critical", "standard", "adhoc"]} <= groups


def test_programs_run_as_they_should(service, vm):
    launcher, daemon = service.main_pid(), service.daemon_pid()
    users = vm.ok(f"ps -o user:20= -p {launcher}; ps -o user:20= -p {daemon}").split()
    assert users == ["root", "streamkeeper"]
    status = vm.ok(f"cat /proc/{daemon}/status")
    assert re.search(r"^NoNewPrivs:\s+1$", status, re.M)
    assert re.search(r"^CapEff:\s+0+$", status, re.M) and re.search(r"^CapPrm:\s+0+$", status, re.M)
    for pid in (launcher, daemon):
        assert vm.ok(f"cat /proc/{pid}/cgroup").strip().endswith("/streamkeeper.service")
    assert vm.ok(f"cat /proc/{launcher}/oom_score_adj").strip() == "-900"


def test_folders_belong_to_whom_they_should(service, vm):
    owners = {}
    paths = ["/run/streamkeeper", "/var/lib/streamkeeper/state", "/var/lib/streamkeeper/registry"]
    for line in vm.ok(["stat", "-c", "%n %U %a", *paths]).splitlines():
        name, owner, mode = line.split()
        owners[name] = (owner, mode)
    assert owners["/run/streamkeeper"][0] == "root"
    assert owners["/var/lib/streamkeeper/state"] == ("root", "711")
    assert owners["/var/lib/streamkeeper/registry"] == ("streamkeeper", "700")
    assert vm.ok("stat -c %F /run/streamkeeper/control.sock").strip() == "socket"


def test_every_controller_reaches_the_leaves(service, vm):
    for name in ["critical", "standard", "adhoc"]:
        assert {"cpu", "io", "memory", "pids"} <= set(service.knob(f"{TREE}/{name}", "cgroup.controllers").split())
        assert {"cpu", "io", "memory", "pids"} <= set(service.knob(f"{TREE}/{name}", "cgroup.subtree_control").split())
        assert vm.ok(["stat", "-c", "%U", f"{TREE}/{name}"]).strip() == "streamkeeper"
    assert vm.ok(["stat", "-c", "%U", TREE]).strip() in ("root", "streamkeeper")
    assert vm.ok(["stat", "-c", "%U", SERVICE_TREE]).strip() == "root"


def test_doctor_says_that_isolation_is_enforced(service):
    result = service.ctl("doctor", "--json")
    checks = {check["what"]: check for check in json.loads(result.output)}
    for what in ["cgroup", "cpu", "memory", "tasks", "launcher", "daemon", "log"]:
        assert checks[what]["level"] == "ok", checks[what]
    # The guest's disk has neither iocost nor BFQ switched on: I/O weights are set, and said to have no effect.
    assert checks["io"]["level"] == "degraded"
    assert result.status == DEGRADED


def test_system_bus_name_and_its_policy(service, vm):
    vm.until("busctl --system status org.streamkeeper1 >/dev/null 2>&1", timeout=30)
    owner = vm.ok("busctl --system status org.streamkeeper1")
    assert f"PID={service.daemon_pid()}" in owner
    # Nobody else may take the name; everybody may call.
    script = (
        "import subprocess;"
        "print(subprocess.run(['busctl','--system','call','org.freedesktop.DBus','/org/freedesktop/DBus',"
        "'org.freedesktop.DBus','RequestName','su','org.streamkeeper1','4'],capture_output=True,text=True).stderr)"
    )
    denied = vm.ok(["runuser", "-u", "bob", "--", "python3", "-c", script])
    assert "not allowed to own" in denied or "AccessDenied" in denied or "Access denied" in denied
    call = ["busctl", "--system", "introspect", "org.streamkeeper1", "/org/streamkeeper1"]
    assert "org.streamkeeper1.Manager" in vm.ok(["runuser", "-u", "bob", "--", *call])


def test_watchdog_is_fed(service, vm):
    first = vm.ok("systemctl show -P WatchdogTimestampMonotonic streamkeeper").strip()
    vm.until(
        "systemctl show -P WatchdogTimestampMonotonic streamkeeper",
        lambda result: result.output.strip() not in ("", "0", first),
        timeout=90,
    )
