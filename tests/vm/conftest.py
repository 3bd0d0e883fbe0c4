# SPDX-License-Identifier: Apache-2.0
"""Fixtures of the virtual machine tests: the base image, the product's disk, and one guest shared by most tests."""

import os
import pathlib
import shutil
import tempfile
import time

import pytest

import image
import product
from guest import Disk, Guest
from installed import Installed


def pytest_addoption(parser):
    """--vm-keep: leave the work folder (console log, disks) behind."""
    parser.addoption("--vm-keep", action="store_true", help="keep the guests' work folder and say where it is")


@pytest.fixture(scope="session")
def vm_base():
    """The base image; a host that cannot build or run one skips."""
    missing = image.missing_tools()
    if missing:
        pytest.skip(f"no virtual machine tests: not installed here: {', '.join(missing)}")
    if os.geteuid() != 0:
        pytest.skip("no virtual machine tests: building the image needs root")
    begin = time.monotonic()
    base = image.base_image()
    print(f"base image ready after {time.monotonic() - begin:.0f} s")
    return base


@pytest.fixture(scope="session")
def vm_folder(request):
    """Where overlays and logs are; not in /tmp, which may be small."""
    folder = pathlib.Path(tempfile.mkdtemp(prefix="streamkeeper-vm.", dir=os.environ.get("TMPDIR", "/var/tmp")))
    yield folder
    if request.config.getoption("--vm-keep"):
        print(f"kept: {folder}")
    else:
        shutil.rmtree(folder)


@pytest.fixture(scope="session")
def vm_product(vm_folder):
    """The product's disk."""
    return product.make_disk(product.build_dir(), vm_folder / "product.tar")


def boot(base, disk, folder, **options):
    """A guest with the product's disk, up."""
    machine = Guest(base, folder, disks=[Disk(disk, readonly=True)], **options)
    try:
        machine.boot()
    except Exception:
        machine.kill()
        raise
    print(f"guest up after {machine.boot_seconds:.0f} s")
    return machine


@pytest.fixture(scope="session")
def vm(vm_base, vm_product, vm_folder):
    """The guest that most tests share."""
    with boot(vm_base, vm_product, vm_folder / "shared", memory=1536) as machine:
        yield machine


@pytest.fixture(scope="session")
def vm_service(vm):
    """Streamkeeper, installed once in the shared guest."""
    service = Installed(vm)
    service.install()
    return service


@pytest.fixture(name="service")
def clean_service(vm_service):
    """The shared service, up and without any app; each test leaves its apps to the next one's start."""
    vm_service.guest.ok("systemctl start streamkeeper.service", timeout=180)
    vm_service.wait_serving()
    vm_service.remove_all()
    return vm_service


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item, call):
    """A failed test shows what the guest's journal and console said last."""
    outcome = yield
    report = outcome.get_result()
    machine = item.funcargs.get("vm") or getattr(item.funcargs.get("service"), "guest", None)
    if call.when == "teardown" or not report.failed or not machine or not machine.qemu:
        return
    try:
        journal = machine.run("journalctl -b --no-pager -n 60", timeout=30).output
    except Exception as error:  # pylint: disable=broad-except
        journal = f"(not to be had: {error})"
    report.sections.append(("guest's journal", journal))
    report.sections.append(("guest's console", machine.console_tail(3000)))
