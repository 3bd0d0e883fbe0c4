# SPDX-License-Identifier: Apache-2.0
"""The product as a disk for the guest: what `meson install` lays out, as a tar archive that the guest unpacks."""

import json
import os
import pathlib
import shutil
import tempfile

import image

HERE = pathlib.Path(__file__).resolve().parent
MESON = ["/usr/bin/python3", "/usr/bin/meson"]


def build_dir():
    """$STREAMKEEPER_BUILD, else build/ at the top of the source."""
    return pathlib.Path(os.environ.get("STREAMKEEPER_BUILD") or HERE.parent.parent / "build").resolve()


def check_prefix(build):
    """The guest gets an installation as a package would make it; any other prefix is a mistake of the caller."""
    options = json.loads(image.run(*MESON, "introspect", "--buildoptions", str(build)))
    prefix = next(option["value"] for option in options if option["name"] == "prefix")
    if prefix != "/usr":
        raise RuntimeError(f"{build} is configured for prefix {prefix}: meson configure -Dprefix=/usr {build}")


def make_disk(build, target):
    """Installs the (already built) tree to a folder and packs that to target."""
    if not (build / "build.ninja").exists():
        raise RuntimeError(f"{build} is no build directory; build first, or name one in STREAMKEEPER_BUILD")
    check_prefix(build)
    folder = tempfile.mkdtemp(prefix="destdir.", dir=target.parent)
    try:
        image.run(*MESON, "install", "-C", str(build), "--no-rebuild", "--strip", "--destdir", folder)
        image.run("tar", "--owner=0", "--group=0", "--numeric-owner", "-b", "128", "-cf", str(target), "-C", folder, ".")
    finally:
        shutil.rmtree(folder)
    return target


def missing_libraries(guest):
    """Shared libraries that an installed program wants and the guest lacks."""
    script = "ldd /usr/libexec/streamkeeper/* /usr/bin/streamctl 2>&1 | grep 'not found' | sort -u"
    return guest.run(script).output
