# SPDX-License-Identifier: Apache-2.0
"""Real users of the host, and what tenants.d lets them do. alice belongs to alpha, carol (by her group) to beta, bob to
nobody, olga is an operator; see installed.py."""

import pytest

from installed import spec

SLEEP = "/bin/sleep 1000000"
DENIED = 5


def test_members_act_for_their_own_tenant(service):
    service.add(spec("alpha/a", SLEEP), user="alice")
    service.add(spec("beta/b", SLEEP), user="carol")
    pids = service.wait_all()
    users = {key: service.guest.ok(f"ps -o user:20= -p {pid}").strip() for key, pid in pids.items()}
    assert users == {("alpha/a", 0): "alpha-app", ("beta/b", 0): "beta-app"}
    service.ctl_ok("stop", "alpha/a", user="alice", timeout=90)
    service.ctl_ok("start", "alpha/a", user="alice", timeout=90)
    service.ctl_ok("unregister", "beta/b", user="carol", timeout=90)


def test_members_read_what_is_theirs(service):
    service.shell_app("alpha/talk", "echo for-alice-only\nexec sleep 1000000\n")
    service.wait_all()
    service.guest.until(["runuser", "-u", "alice", "--", "streamctl", "logs", "alpha/talk"], lambda r: "for-alice-only" in r.output)
    assert "for-alice-only" not in service.ctl("logs", "alpha/talk", user="carol").output
    assert {entry["name"] for entry in service.json("list", user="alice")} == {"alpha/talk"}
    assert service.json("list", user="carol") == []


def test_reload_brings_a_new_tenant(service):
    guest = service.guest
    assert service.register(spec("gamma/x", SLEEP), user="bob").status != 0
    guest.put("/etc/streamkeeper/tenants.d/gamma.conf", "[tenant]\nmembers = bob\nrun-as = beta-app\n")
    try:
        guest.ok("systemctl reload streamkeeper", timeout=120)
        guest.until(["streamctl", "tenants"], lambda result: result.status == 0 and "gamma" in result.output)
        service.add(spec("gamma/x", SLEEP), user="bob")
        service.wait_all()
        service.ctl_ok("unregister", "gamma/x", user="bob", timeout=90)
        guest.until(["streamctl", "list"], lambda result: "gamma/x" not in result.output)
    finally:
        guest.ok("rm /etc/streamkeeper/tenants.d/gamma.conf && systemctl reload streamkeeper", timeout=120)
        guest.until(["streamctl", "tenants"], lambda result: result.status == 0 and "gamma" not in result.output)


@pytest.mark.parametrize("user", ["alice", "bob"])
def test_others_apps_are_out_of_reach(service, user):
    service.add(spec("beta/b", SLEEP))
    before = service.wait_all()
    for verb in ["stop", "restart", "unregister", "start"]:
        result = service.ctl(verb, "beta/b", user=user)
        assert result.status == DENIED, result
    assert service.ctl("scale", "beta/b", "3", user=user).status == DENIED
    assert service.register(spec("beta/c", SLEEP), user=user).status == DENIED
    for verb in ["show", "history", "logs", "status"]:
        assert service.ctl(verb, "beta/b", user=user).status in (4, DENIED)
    assert "beta/b" not in service.ctl("list", user=user).output
    assert service.wait_all() == before


def test_class_above_the_ceiling_is_refused(service):
    result = service.register(spec("beta/b", SLEEP, **{"class": "critical"}), user="carol")
    assert result.status == DENIED and "critical" in result.output, result
    assert "beta/b" not in service.apps()
    service.add(spec("alpha/a", SLEEP, **{"class": "critical"}), user="alice")


@pytest.mark.parametrize("user", ["root", "0", "beta-app", "alice", "streamkeeper"])
def test_users_outside_the_tenants_own_are_refused(service, user):
    result = service.register(spec("alpha/a", SLEEP, user=user), user="alice")
    assert result.status == DENIED, result
    assert "alpha/a" not in service.apps()


def test_operator_group_administers(service):
    service.add(spec("alpha/a", SLEEP), user="olga")
    service.add(spec("beta/b", SLEEP), user="carol")
    assert {"alpha/a", "beta/b"} <= {entry["name"] for entry in service.json("list", user="olga")}
    service.ctl_ok("stop", "beta/b", user="olga", timeout=90)


def test_unknown_tenant_is_said_so(service):
    result = service.register(spec("gamma/x", SLEEP))
    assert result.status in (4, DENIED, 3) and "gamma" in result.output, result


def test_app_cannot_reach_another_tenants_state(service):
    service.add(spec("alpha/a", SLEEP))
    service.wait_all()
    path = "/var/lib/streamkeeper/state/alpha/a/0"
    assert service.guest.run(["runuser", "-u", "beta-app", "--", "ls", path]).status != 0
    assert service.guest.run(["runuser", "-u", "beta-app", "--", "ls", "/var/lib/streamkeeper/registry"]).status != 0
