# SPDX-License-Identifier: Apache-2.0
"""Who may do what, with real users: the kernel tells the daemon who asks."""

import json
import os
import pathlib
import signal

import pytest

from conftest import IS_ROOT
from keeper import APART, spec

ALICE, BOB, CAROL, STRANGER = 64101, 64102, 64103, 64104
TEAM_GROUP, OPERATORS = 64201, 64202
BLUE_UID, RED_UID = 64310, 64320

pytestmark = pytest.mark.skipif(not IS_ROOT, reason="needs root to ask as other users")

TENANTS = {
    "blue": f"members = {ALICE}\ngroups = {TEAM_GROUP}\nrun-as = {BLUE_UID}-{BLUE_UID + 9}\nclasses = standard adhoc\n"
            "apps-max = 3\ninstances-max = 5\n",
    "red": f"members = {BOB}\nrun-as = {RED_UID}\n",
}
STOP = {"stop": {"timeout": "500ms"}}


@pytest.fixture
def house(services):
    """Two tenants; `blue` is Alice's and a group's, `red` is Bob's, who has the default classes."""
    return services(APART, tenants=TENANTS, conf=f"[access]\noperator-group = {OPERATORS}\n")


def put(house, name, caller, groups=(), command="sleep", **keys):
    path = house.root / f"{name.replace('/', '-')}-{caller}.spec"
    path.write_text(spec(name, f"{house.hog} {command}", STOP, **keys))
    path.chmod(0o644)
    return house.run("register", path, user=caller, groups=groups)


def test_members_act_for_their_tenant(house):
    assert put(house, "blue/one", ALICE).returncode == 0
    assert put(house, "blue/two", CAROL, groups=[TEAM_GROUP]).returncode == 0
    assert put(house, "red/one", BOB).returncode == 0
    assert os.stat(f"/proc/{house.pid('blue/one')}").st_uid == BLUE_UID, "the first of the range is the default"
    assert os.stat(f"/proc/{house.pid('red/one')}").st_uid == RED_UID
    for verb in ("stop", "start", "restart"):
        assert house.run(verb, "blue/one", user=ALICE).returncode == 0
    assert house.run("scale", "blue/one", 2, user=CAROL, groups=[TEAM_GROUP]).returncode == 0
    assert house.run("unregister", "--purge", "blue/two", user=ALICE).returncode == 0


@pytest.mark.parametrize("arguments", [
    ["stop", "blue/one"], ["start", "blue/one"], ["restart", "blue/one"], ["restart", "blue/one/0"], ["scale", "blue/one", "3"],
    ["unregister", "blue/one"], ["unregister", "--purge", "blue/one"], ["status", "blue/one"], ["show", "blue/one"], ["history", "blue/one"],
    ["events", "blue/one"], ["logs", "blue/one"],
], ids=lambda a: "-".join(a).replace("/", "."))
def test_a_tenant_reaching_for_anothers_app(house, arguments):
    assert put(house, "blue/one", ALICE).returncode == 0
    pid = house.pid("blue/one")
    for user, groups in ((BOB, ()), (STRANGER, ()), (STRANGER, (TEAM_GROUP + 5,)), (BLUE_UID, ())):
        result = house.run(*arguments, user=user, groups=groups)
        assert result.returncode == 5, (user, result)
        assert "blue" in result.stderr and "skhog" not in result.stdout + result.stderr
        # Whether there is such an app is not told.
        other = house.run(*[a.replace("one", "none") for a in arguments], user=user)
        assert other.returncode == 5 and other.stderr.replace("none", "one") == result.stderr
    assert house.pid("blue/one") == pid and len(house.instances("blue/one")) == 1


def test_everybody_sees_only_his_own(house):
    put(house, "blue/one", ALICE)
    put(house, "red/one", BOB)

    def seen(user, *verb, groups=()):
        result = house.run(*verb, "--json", user=user, groups=groups)
        assert result.returncode == 0, result
        return json.loads(result.stdout)

    for verb in (["list"], ["status"]):
        assert [a["name"] for a in seen(ALICE, *verb)] == ["blue/one"]
        assert [a["name"] for a in seen(BOB, *verb)] == ["red/one"]
        assert seen(STRANGER, *verb) == []
        assert len(seen(STRANGER, *verb, groups=[OPERATORS])) == 2
        assert len(seen(0, *verb)) == 2
    assert {e.get("app") for e in seen(ALICE, "events")} == {"blue/one"}
    assert seen(STRANGER, "events") == []
    assert {e.get("app") for e in seen(STRANGER, "events", groups=[OPERATORS])} == {"blue/one", "red/one", None}
    assert house.run("__names", user=BOB).stdout.split() == ["red/one"]
    assert [t["name"] for t in seen(ALICE, "tenants")] == ["blue"]
    assert [t["name"] for t in seen(STRANGER, "tenants")] == []
    assert len(seen(0, "tenants")) == 2
    # No suggestion gives another's names away.
    assert "blue" not in house.run("stop", "bleu/one", user=BOB).stderr


def test_operators_act_for_all(house):
    put(house, "blue/one", ALICE)
    assert house.run("stop", "blue/one", user=STRANGER, groups=[OPERATORS]).returncode == 0
    assert put(house, "red/two", STRANGER, groups=[OPERATORS], class_="critical").returncode in (0, 5)
    assert house.run("unregister", "blue/one", user=STRANGER, groups=[OPERATORS]).returncode == 0


@pytest.mark.parametrize("name,user,keys,status,word", [
    ("blue/a", ALICE, {"class_": "critical"}, 5, "critical"),
    ("red/a", BOB, {"class_": "critical"}, 5, "critical"),
    ("blue/a", ALICE, {"class_": "royal"}, 3, "royal"),
    ("blue/a", ALICE, {"user": str(BLUE_UID + 10)}, 5, "run-as"),
    ("blue/a", ALICE, {"user": str(BLUE_UID - 1)}, 5, "run-as"),
    ("blue/a", ALICE, {"user": str(ALICE)}, 5, "run-as"),
    ("blue/a", ALICE, {"user": "0"}, 5, "run-as"),
    ("blue/a", ALICE, {"user": "root"}, 5, "run-as"),
    ("blue/a", ALICE, {"user": "-1"}, 3, "user"),
    ("blue/a", ALICE, {"user": "4294967295"}, 3, "user"),
    ("blue/a", ALICE, {"user": "4294967296"}, 3, "user"),
    ("red/a", ALICE, {}, 5, "red"),
    ("green/a", ALICE, {}, 5, "green"),
    ("green/a", 0, {}, 4, "green"),
    ("blue/a", STRANGER, {}, 5, "blue"),
    ("blue/a", ALICE, {"instances": 6}, 6, "instances"),
], ids=lambda v: str(v).replace("/", "."))
def test_what_is_refused(house, name, user, keys, status, word):
    result = put(house, name, user, **keys)
    assert result.returncode == status, result
    assert word in result.stderr
    assert json.loads(house.run("list", "--json").stdout) == []


def test_quotas(house):
    for n in range(3):
        assert put(house, f"blue/q{n}", ALICE).returncode == 0
    result = put(house, "blue/q3", ALICE)
    assert result.returncode == 6 and "3" in result.stderr
    assert house.run("scale", "blue/q0", 3, user=ALICE).returncode == 0
    result = house.run("scale", "blue/q0", 4, user=ALICE)
    assert result.returncode == 6 and "5" in result.stderr
    assert len(house.instances("blue/q0")) == 3
    # A stopped app still counts; one that is gone does not.
    assert house.run("stop", "blue/q2", user=ALICE).returncode == 0
    assert put(house, "blue/q3", ALICE).returncode == 6
    assert house.run("unregister", "blue/q2", user=ALICE).returncode == 0
    assert put(house, "blue/q3", ALICE).returncode == 0


def test_every_uid_of_a_range_can_be_used(house):
    for uid in (BLUE_UID, BLUE_UID + 5, BLUE_UID + 9):
        assert put(house, f"blue/u{uid}", ALICE, user=str(uid)).returncode == 0
        assert os.stat(f"/proc/{house.pid(f'blue/u{uid}')}").st_uid == uid


def test_a_changed_user_meets_the_state_of_the_old_one(house):
    """The state directory belongs to the first user; it is not given away in silence."""
    put(house, "blue/moves", ALICE)
    path = house.root / "moves.spec"
    path.write_text(spec("blue/moves", f"{house.hog} sleep", {**STOP, "restart": {"delay": "1h", "delay-max": "1h"}}, user=str(BLUE_UID + 1)))
    path.chmod(0o644)
    result = house.run("register", path, user=ALICE)
    assert result.returncode == 1 and "state directory" in result.stderr
    assert house.state_dir("blue/moves").stat().st_uid == BLUE_UID


def test_a_spec_is_read_as_the_caller_not_as_the_service(house):
    secret = house.root / "secret.spec"
    secret.write_text("[app]\nname = blue/secret\npassword = hunter2\n")
    secret.chmod(0o600)
    for verb in ("register", "validate"):
        result = house.run(verb, secret, user=ALICE)
        assert result.returncode == 3 and "hunter2" not in result.stderr and "Permission denied" in result.stderr


def test_validate_has_no_more_rights_than_register(house):
    path = house.root / "v.spec"
    path.write_text(spec("red/a", "/bin/true"))
    path.chmod(0o644)
    assert house.run("validate", path, user=ALICE).returncode == 5
    assert house.run("validate", path, user=BOB).returncode == 0


def test_an_app_has_no_rights_of_its_tenant(house):
    """The run-as user is no member: an app that is taken over cannot steer."""
    put(house, "blue/one", ALICE)
    for arguments in (["list"], ["stop", "blue/one"]):
        result = house.run(*arguments, user=BLUE_UID)
        assert result.returncode == 5 or result.stdout.splitlines()[1:] == []
    assert house.app("blue/one")["state"] == "running"


def test_the_daemons_user_is_nobodys_run_as(services):
    service = services(APART, tenants={"team": "members = 64002\nrun-as = 63990-64019\nclasses = *\n"})
    path = service.write("spy", "sleep", {"restart": {"delay": "1h", "delay-max": "1h"}, **STOP}, user="64000")
    result = service.run("register", path)
    assert result.returncode != 0, "an app runs as the daemon's own user"
    assert service.members() == []


def test_uids_outside_of_the_launchers_range(services):
    service = services(APART, tenants={"team": "members = 64002\nrun-as = 64010-64019\nclasses = *\n"}, arguments=["--uid-range", "64010-64014"])
    assert service.run("register", service.write("in", "sleep", STOP, user="64014")).returncode == 0
    result = service.run("register", service.write("out", "sleep", STOP, user="64015"))
    assert result.returncode == 5 and "64010" in result.stderr


def test_without_tenant_files_all_is_the_starters(services):
    service = services("root")
    name = service.add("mine", "sleep", STOP)
    result = service.run("stop", name, user=STRANGER)
    assert result.returncode == 5
    assert json.loads(service.run("list", "--json", user=STRANGER).stdout) == []
    assert service.app(name)["state"] == "running"


def test_an_unprivileged_service_is_its_owners_and_roots(services):
    service = services("user")
    name = service.add("mine", "sleep", STOP)
    assert service.run("stop", name, user=STRANGER).returncode == 5
    assert json.loads(service.run("list", "--json", user=0).stdout)[0]["name"] == name
    result = service.run("register", service.write("other", "sleep", STOP, user="64010"))
    assert result.returncode == 5


def test_a_tenant_that_was_taken_away(house):
    """Its apps run on, only operators reach them, and nothing crashes."""
    put(house, "red/one", BOB)
    pid = house.pid("red/one")
    (house.root / "etc/tenants.d/red.conf").unlink()
    daemon = house.daemon_pid()
    house.launcher.signal(signal.SIGHUP)
    house.await_daemon(other_than=daemon)
    assert house.pid("red/one") == pid
    assert house.run("stop", "red/one", user=BOB).returncode in (4, 5)
    result = house.run("restart", "--timeout", "3s", "red/one")
    assert "red" in result.stderr + result.stdout
    assert house.run("stop", "red/one").returncode == 0
    assert house.run("unregister", "--purge", "red/one").returncode == 0


def test_sources_of_rights_are_roots(house):
    for path in [house.root / "etc", *pathlib.Path(house.root / "etc").rglob("*")]:
        assert path.stat().st_uid == 0
    assert (house.root / "run").stat().st_uid == 0 and not (house.root / "run").stat().st_mode & 0o022
