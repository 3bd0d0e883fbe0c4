# SPDX-License-Identifier: Apache-2.0
"""Makes the small initial RAM file system that finds the guest's root disk.

Debian's own one starts udev and probes for everything; the test guest knows its few devices, so
a shell script that loads their modules in order and hands over to systemd boots many seconds sooner.
"""

import os
import stat

MODULES = ["virtio_pci", "virtio_blk", "virtio_console", "quota_v2"]

INIT = """#!/bin/sh
/bin/busybox mount -t devtmpfs dev /dev
/bin/busybox mount -t proc proc /proc
for module in $(/bin/busybox cat /modules/order); do
    /bin/busybox insmod "/modules/$module" || echo "cannot load $module"
done
tries=0
until [ -b /dev/vda ]; do
    tries=$((tries + 1))
    [ $tries -lt 100 ] || { echo "no root disk /dev/vda"; /bin/busybox poweroff -f; }
    /bin/busybox usleep 100000
done
/bin/busybox mount -t ext4 -o rw /dev/vda /root || { echo "cannot mount the root disk"; /bin/busybox poweroff -f; }
/bin/busybox umount /proc
/bin/busybox mount --move /dev /root/dev
exec /bin/busybox switch_root /root /sbin/init
"""


class Archive:
    """A cpio archive in the format that the kernel unpacks ("newc")."""

    def __init__(self):
        self.parts = []
        self.inode = 1

    def add(self, name, mode, data=b"", device=(0, 0)):
        """Adds one entry; mode holds the file type and the permissions."""
        path = name.encode() + b"\0"
        fields = [self.inode, mode, 0, 0, 1, 0, len(data), 0, 0, device[0], device[1], len(path), 0]
        header = b"070701" + b"".join(b"%08X" % field for field in fields)
        self.parts.append(header + path + b"\0" * (-(len(header) + len(path)) % 4))
        self.parts.append(data + b"\0" * (-len(data) % 4))
        self.inode += 1

    def bytes(self):
        """The whole archive, with its end mark."""
        self.add("TRAILER!!!", 0)
        return b"".join(self.parts)


def module_order(tree, names):
    """Paths below the module tree, each after all that it needs, as depmod wrote them down."""
    needs = {}
    with open(os.path.join(tree, "modules.dep"), encoding="ascii") as deps:
        for line in deps:
            path, _, rest = line.partition(":")
            needs[path] = rest.split()
    with open(os.path.join(tree, "modules.builtin"), encoding="ascii") as builtin:
        inside = {os.path.basename(line.strip()) for line in builtin}
    order = []
    for name in names:
        if name + ".ko" in inside:
            continue
        path = next(p for p in needs if os.path.basename(p) == name + ".ko")
        for module in reversed([path] + needs[path]):
            if module not in order:
                order.append(module)
    return order


def make(tree, busybox, target):
    """Writes the archive to target, from a kernel's module tree and a static busybox."""
    archive = Archive()
    for folder in ["bin", "dev", "proc", "root", "modules"]:
        archive.add(folder, stat.S_IFDIR | 0o755)
    archive.add("dev/console", stat.S_IFCHR | 0o600, device=(5, 1))
    with open(busybox, "rb") as binary:
        archive.add("bin/busybox", stat.S_IFREG | 0o755, binary.read())
    archive.add("bin/sh", stat.S_IFLNK | 0o777, b"busybox")
    order = module_order(tree, MODULES)
    for path in order:
        with open(os.path.join(tree, path), "rb") as module:
            archive.add("modules/" + os.path.basename(path), stat.S_IFREG | 0o644, module.read())
    archive.add("modules/order", stat.S_IFREG | 0o644, "\n".join(map(os.path.basename, order)).encode())
    archive.add("init", stat.S_IFREG | 0o755, INIT.encode())
    with open(target, "wb") as out:
        out.write(archive.bytes())
