# SPDX-License-Identifier: Apache-2.0
"""Stop, power loss and reboot, in a guest of its own: order on the way down, everything back on the way up."""

import pytest

from conftest import boot
from installed import TREE, Installed, spec

SLEEP = "/bin/sleep 1000000"

# Notes when it was asked to stop and when it was done, in hundredths of a second since boot.
SLOW_STOP = """now() { cut -d ' ' -f 1 /proc/uptime | tr -d .; }
trap 'now > "$STATE_DIRECTORY/asked"; sleep 1; now > "$STATE_DIRECTORY/done"; exit 0' TERM
echo up > "$STATE_DIRECTORY/up"
while :; do sleep 0.2; done
"""


@pytest.fixture(name="host", scope="module")
def fixture_host(vm_base, vm_product, vm_folder):
    """A guest that these tests may pull the plug of."""
    with boot(vm_base, vm_product, vm_folder / "reboot", memory=1024) as machine:
        service = Installed(machine)
        service.install()
        yield service


def times(host, klass, what):
    """When the app of that class noted it."""
    return int(host.guest.ok(["cat", f"/var/lib/streamkeeper/state/alpha/{klass}/0/{what}"]))


def test_stop_goes_by_class_and_leaves_nobody(host):
    guest = host.guest
    for klass in ["critical", "standard", "adhoc"]:
        host.shell_app(f"alpha/{klass}", SLOW_STOP, **{"class": klass})
    # It ignores SIGTERM and has a child in a session of its own: only the kill of its group ends it.
    host.shell_app(
        "beta/stubborn", "trap '' TERM\nsetsid sleep 4712 &\nwhile :; do sleep 1; done\n", stop__timeout="3s"
    )
    host.wait_all()
    for klass in ["critical", "standard", "adhoc"]:
        guest.until(["test", "-s", f"/var/lib/streamkeeper/state/alpha/{klass}/0/up"])
    guest.ok("systemctl stop streamkeeper", timeout=180)
    assert guest.run("systemctl is-active streamkeeper").output.strip() == "inactive"
    assert guest.ok("systemctl show -P Result streamkeeper").strip() == "success"
    assert times(host, "adhoc", "asked") <= times(host, "standard", "asked") <= times(host, "critical", "asked")
    assert times(host, "adhoc", "done") <= times(host, "standard", "asked")
    assert times(host, "standard", "done") <= times(host, "critical", "asked")
    left = guest.ok(f"find {TREE} -name cgroup.procs -not -path '*/keeper/*' | xargs cat").split()
    assert not left
    assert guest.run("pgrep -f 'sleep 471[2]'").status == 1
    assert guest.run("pgrep -u alpha-app,beta-app").status == 1


def test_start_brings_them_back(host):
    host.guest.ok("systemctl start streamkeeper", timeout=180)
    pids = host.wait_all()
    assert {name for name, _ in pids} == {"alpha/critical", "alpha/standard", "alpha/adhoc", "beta/stubborn"}
    host.ctl_ok("unregister", "beta/stubborn", timeout=90)


def test_tree_is_not_restarted_by_hand(host):
    """A restart of the apps' unit would end all apps at once, out of order; tools that restart services after an upgrade
    of a library try that. The slice stops both units, the supervisor first."""
    before = host.snapshot()
    for verb in ["restart", "try-restart", "stop"]:
        result = host.guest.run(f"systemctl {verb} streamkeeper-apps")
        assert result.status != 0 and "refused" in result.output, result
    assert host.snapshot() == before
    host.guest.ok("rm -f /var/lib/streamkeeper/state/alpha/*/0/asked /var/lib/streamkeeper/state/alpha/*/0/done")
    host.guest.ok("systemctl stop streamkeeper.slice", timeout=180)
    assert host.guest.run(f"test -e {TREE}").status == 1
    assert times(host, "adhoc", "done") <= times(host, "standard", "asked")
    assert times(host, "standard", "done") <= times(host, "critical", "asked")
    host.guest.ok("systemctl start streamkeeper", timeout=180)
    assert len(host.wait_all()) == 3


def test_reboot_brings_them_back(host):
    host.ctl_ok("stop", "alpha/standard", timeout=90)
    host.add(spec("beta/two", SLEEP, instances=2))
    host.wait_all(names=["alpha/critical", "alpha/adhoc", "beta/two"])
    host.guest.ok("rm -f /var/lib/streamkeeper/state/alpha/*/0/asked /var/lib/streamkeeper/state/alpha/*/0/done")
    host.guest.reboot()
    host.wait_serving()
    pids = host.wait_all(names=["alpha/critical", "alpha/adhoc", "beta/two"])
    assert len(pids) == 4
    # Going down they were stopped in order, not killed.
    assert times(host, "adhoc", "done") <= times(host, "critical", "asked")
    # What a person had stopped stays stopped.
    assert host.apps()["alpha/standard"]["state"] == "stopped"
    assert host.guest.ok("systemctl show -P NRestarts streamkeeper").strip() == "0"


def test_power_loss_loses_nothing_acknowledged(host):
    host.add(spec("beta/last", SLEEP))
    host.ctl_ok("stop", "beta/two", timeout=90)
    host.guest.kill()
    host.guest.boot()
    host.wait_serving()
    assert set(host.apps()) == {"alpha/critical", "alpha/standard", "alpha/adhoc", "beta/two", "beta/last"}
    host.wait_all(names=["alpha/critical", "alpha/adhoc", "beta/last"])
    assert host.apps()["beta/two"]["state"] == "stopped"
