#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Builds the guest's base image (Debian 12, systemd, the product's libraries) and keeps it in a cache.

The product itself is not in it: it travels on a disk of its own (see product.py), so that the base is built
once and serves until its recipe or the host's versions of the shared libraries change.
"""

import fcntl
import hashlib
import os
import pathlib
import shutil
import subprocess
import tempfile
from dataclasses import dataclass

import initramfs

HERE = pathlib.Path(__file__).resolve().parent
SUITE = "bookworm"
SIZE = "3G"
PACKAGES = ["systemd", "systemd-sysv", "dbus", "udev", "kmod", "procps", "python3", "e2fsprogs"]
LIBRARIES = ["librocksdb7.8", "libinih1", "libcgroup2", "libsystemd0", "librdkafka1"]
KERNEL = "linux-image-cloud-amd64"
EXCLUDED = ["/usr/share/doc/*", "/usr/share/man/*", "/usr/share/locale/*"]
NEEDED_TOOLS = ["mmdebstrap", "mke2fs", "qemu-system-x86_64", "qemu-img", "chroot", "dpkg-deb"]

AGENT_UNIT = """[Unit]
Description=Agent of the test host
DefaultDependencies=no
After=systemd-remount-fs.service
Before=shutdown.target

[Service]
ExecStart=/usr/bin/python3 -u /usr/local/sbin/vm-agent
Restart=always
OOMScoreAdjust=-1000
KillMode=process
TasksMax=infinity

[Install]
WantedBy=sysinit.target
"""

AUTOLOGIN = """[Service]
ExecStart=
ExecStart=-/sbin/agetty --autologin root --keep-baud 115200 %I linux
"""


@dataclass(frozen=True)
class Image:
    """What a guest boots from; the disk is never written to, each guest has an overlay."""

    kernel: pathlib.Path
    initrd: pathlib.Path
    disk: pathlib.Path


def run(*argv, **kwargs):
    """Runs a command whose failure is an error that shows what it printed."""
    done = subprocess.run(argv, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False, **kwargs)
    if done.returncode != 0:
        raise RuntimeError(f"{' '.join(map(str, argv))}: exit status {done.returncode}\n{done.stdout[-4000:]}")
    return done.stdout


def missing_tools():
    """Names of the commands that the image needs and this host does not have."""
    path = os.environ.get("PATH", "") + ":/usr/sbin:/sbin"
    return [tool for tool in NEEDED_TOOLS if not shutil.which(tool, path=path)]


def cache_dir():
    """Where images are kept: STREAMKEEPER_VM_CACHE, else the user's cache directory."""
    base = os.environ.get("XDG_CACHE_HOME") or os.path.join(os.path.expanduser("~"), ".cache")
    return pathlib.Path(os.environ.get("STREAMKEEPER_VM_CACHE") or os.path.join(base, "streamkeeper-vm"))


def library_versions():
    """The host's versions: what was linked here must find the same there."""
    done = subprocess.run(
        ["dpkg-query", "-W", "-f", "${Package}=${Version}\n", *LIBRARIES], capture_output=True, text=True, check=False
    )
    return done.stdout


def cache_key():
    """Changes when the recipe changes."""
    text = library_versions()
    for name in ["image.py", "initramfs.py", "agent.py"]:
        text += (HERE / name).read_text()
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def debian_tree(root, downloads):
    """Installs the packages to root; leaves the kernel's and busybox's package files in downloads."""
    fetch = (
        f'cd "{downloads}" && export APT_CONFIG="$MMDEBSTRAP_APT_CONFIG" && '
        f"kernel=$(apt-cache depends {KERNEL} | sed -n 's/.*Depends: //p' | head -n 1) && "
        "apt-get -q download $kernel busybox-static"
    )
    run(
        "mmdebstrap",
        "--variant=minbase",
        "--skip=cleanup/reproducible",
        "--include=" + ",".join(PACKAGES + LIBRARIES),
        *[f"--dpkgopt=path-exclude={pattern}" for pattern in EXCLUDED],
        "--customize-hook=" + fetch,
        "--format=directory",
        SUITE,
        root,
    )


def unpack_kernel(root, downloads, out):
    """Puts modules into the tree, kernel and initial RAM file system beside it."""
    for package in downloads.glob("*.deb"):
        run("dpkg-deb", "-x", package, downloads)
    kernel = next((downloads / "boot").glob("vmlinuz-*"))
    version = kernel.name[len("vmlinuz-") :]
    tree = root / "usr/lib/modules" / version
    shutil.copytree(downloads / "lib/modules" / version, tree, symlinks=True)
    run("chroot", root, "depmod", version)
    shutil.copy(kernel, out / "vmlinuz")
    initramfs.make(str(tree), str(downloads / "bin/busybox"), out / "initrd")


def write_file(root, path, text, mode=0o644):
    """One file below root, with the folders it needs."""
    target = root / path
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text(text)
    target.chmod(mode)


def configure(root):
    """Settings of the guest: the agent, a root shell on the console, a journal that stays."""
    write_file(root, "usr/local/sbin/vm-agent", (HERE / "agent.py").read_text(), 0o755)
    write_file(root, "etc/systemd/system/vm-agent.service", AGENT_UNIT)
    wants = root / "etc/systemd/system/sysinit.target.wants/vm-agent.service"
    wants.parent.mkdir(parents=True, exist_ok=True)
    wants.symlink_to("/etc/systemd/system/vm-agent.service")
    write_file(root, "etc/systemd/system/serial-getty@ttyS0.service.d/autologin.conf", AUTOLOGIN)
    write_file(root, "etc/hostname", "guest\n")
    write_file(root, "etc/hosts", "127.0.0.1 localhost guest\n::1 localhost\n")
    write_file(root, "etc/fstab", "/dev/vda / ext4 defaults 0 0\n")
    write_file(root, "etc/machine-id", "5" * 32 + "\n")
    (root / "var/log/journal").mkdir(exist_ok=True)
    for timer in ["apt-daily", "apt-daily-upgrade", "dpkg-db-backup", "e2scrub_all", "fstrim"]:
        link = root / "etc/systemd/system" / (timer + ".timer")
        link.unlink(missing_ok=True)
        link.symlink_to("/dev/null")


def build(out):
    """Makes kernel, initrd and disk in the directory out."""
    # Not below /tmp: it is often small and kept in memory.
    work = pathlib.Path(tempfile.mkdtemp(prefix="work.", dir=out.parent))
    try:
        root = work / "root"
        downloads = work / "downloads"
        downloads.mkdir()
        debian_tree(root, downloads)
        unpack_kernel(root, downloads, out)
        configure(root)
        environment = {**os.environ, "PATH": os.environ["PATH"] + ":/usr/sbin:/sbin"}
        features = ["-O", "quota,project", "-E", "quotatype=usrquota:prjquota,lazy_itable_init=1"]
        run("mke2fs", "-q", "-t", "ext4", *features, "-d", root, out / "disk.img", SIZE, env=environment)
    finally:
        shutil.rmtree(work, ignore_errors=True)


def base_image():
    """The image of the present recipe, built first if the cache has none; older ones are removed."""
    cache = cache_dir()
    cache.mkdir(parents=True, exist_ok=True)
    home = cache / cache_key()
    with open(cache / "lock", "w", encoding="ascii") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not home.exists():
            for old in cache.iterdir():
                if old.is_dir():
                    shutil.rmtree(old)
            unfinished = pathlib.Path(tempfile.mkdtemp(prefix="new.", dir=cache))
            build(unfinished)
            unfinished.rename(home)
    return Image(home / "vmlinuz", home / "initrd", home / "disk.img")


if __name__ == "__main__":
    print(base_image())
