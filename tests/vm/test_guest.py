# SPDX-License-Identifier: Apache-2.0
"""The test ground itself: what the other tests rely on is there before they blame the product."""

import pytest

from guest import GuestError


def test_unified_cgroups_with_all_controllers(vm):
    assert vm.ok("stat -f -c %T /sys/fs/cgroup").strip() == "cgroup2fs"
    controllers = vm.ok("cat /sys/fs/cgroup/cgroup.controllers").split()
    assert {"cpuset", "cpu", "io", "memory", "pids"} <= set(controllers)
    assert "some" in vm.ok("cat /proc/pressure/memory")


def test_systemd_is_first(vm):
    assert vm.ok("cat /proc/1/comm").strip() == "systemd"
    assert vm.run("test -e /sys/fs/selinux/enforce").status != 0


def test_commands_report_how_they_ended(vm):
    assert vm.run("echo out; echo err >&2; exit 3").status == 3
    assert vm.run("echo out; echo err >&2").output == "out\nerr\n"
    assert vm.run("kill -9 $$").status == 128 + 9
    assert vm.run(["/no/such/program"]).status == 127


def test_time_out_ends_the_command(vm):
    with pytest.raises(GuestError, match="not done in 1 s"):
        vm.run("sleep 4711", timeout=1)
    assert vm.run("pgrep -f 'sleep 471[1]'").status == 1


def test_commands_run_side_by_side(vm):
    first = vm.start("while [ ! -e /run/side ]; do sleep 0.1; done; echo seen", timeout=30)
    vm.ok("touch /run/side")
    assert vm.finish(first).output == "seen\n"


def test_files_arrive_whole(vm):
    data = bytes(range(256)) * 100
    vm.put("/tmp/whole", data, mode=0o600)
    assert vm.ok("stat -c '%a %s' /tmp/whole").split() == ["600", "25600"]
    assert vm.ok("tail -c 3 /tmp/whole | od -An -tx1").split() == ["fd", "fe", "ff"]
