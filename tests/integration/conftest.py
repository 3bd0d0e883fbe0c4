# SPDX-License-Identifier: Apache-2.0
"""Fixtures: the programs where every user can run them, and services that leave nothing behind."""

import os
import pathlib
import shutil
import signal
import sys
import tempfile

import pytest

HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent / "harness")]
from keeper import APART, ROOT, USER, Keeper  # noqa: E402
from service import default_build  # noqa: E402

PROGRAMS = ("daemon/streamkeeper-launcher", "daemon/streamkeeperd", "daemon/streamkeeper-cgsetup", "daemon/streamkeeper-state",
            "ctl/streamctl", "tests/apps/skhog")
IS_ROOT = os.geteuid() == 0
LOG_TAIL = 8000


def _interrupted(*_):
    raise KeyboardInterrupt


def pytest_configure(config):
    # A run that is told to end, as by a time limit, cleans up behind itself too.
    signal.signal(signal.SIGTERM, _interrupted)
    config.addinivalue_line("markers", "slow: runs only with STREAMKEEPER_SLOW=1")


def pytest_collection_modifyitems(items):
    if os.environ.get("STREAMKEEPER_SLOW") == "1":
        return
    for item in items:
        if item.get_closest_marker("slow"):
            item.add_marker(pytest.mark.skip(reason="takes long: set STREAMKEEPER_SLOW=1"))


def pytest_ignore_collect(collection_path):
    """Without the switch the long tests are not even named."""
    return True if collection_path.name.startswith("test_slow_") and os.environ.get("STREAMKEEPER_SLOW") != "1" else None


@pytest.fixture(scope="session")
def build():
    """A copy of the programs under test in a folder that everybody may enter; a build that goes on does not disturb it."""
    top = pathlib.Path(tempfile.mkdtemp(prefix="sk-int-build-", dir="/tmp"))
    top.chmod(0o755)
    for program in PROGRAMS:
        if not (default_build() / program).exists():
            shutil.rmtree(top)
            pytest.exit(f"{default_build() / program} is missing; build it, or name the build in STREAMKEEPER_BUILD", 3)
        (top / program).parent.mkdir(mode=0o755, parents=True, exist_ok=True)
        shutil.copy2(default_build() / program, top / program)
    yield top
    shutil.rmtree(top)


@pytest.fixture
def services(build, request):
    """A function that makes services; all end with the test, and a test that fails shows their logs."""
    made = []

    def make(kind=APART, start=True, **options):
        if kind != USER and not IS_ROOT:
            pytest.skip("needs root to give apps users of their own")
        made.append(Keeper(kind, build, name=f"{kind}{len(made)}", **options))
        return made[-1].start() if start else made[-1]

    yield make
    for service in made:
        if service.log.exists():
            print(f"--- log of the {service.kind} service\n{service.log.read_text(errors='replace')[-LOG_TAIL:]}")
        service.destroy()


@pytest.fixture
def service(services):
    """The service as it is meant: root, the daemon as a user of its own, a tenant with its own users."""
    return services(APART if IS_ROOT else USER)


@pytest.fixture(params=[APART, ROOT, USER])
def anywhere(request, services):
    """The service in each of the ways it can run."""
    return services(request.param)


@pytest.fixture(params=[APART, USER])
def with_or_without_groups(request, services):
    return services(request.param)
