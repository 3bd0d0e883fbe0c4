# SPDX-License-Identifier: Apache-2.0
"""Finds out whether KVM really works here; /dev/kvm alone says little.

A boot sector counts for a while and ends the machine with a known status, once emulated and once under KVM.
KVM is used only if it was not slower: nested or emulated virtualisation can "work" at a crawl.
"""

import functools
import os
import subprocess
import tempfile
import time

# mov ecx, 30000000; dec ecx; jnz back; mov dx, 0xf4; mov al, 0x10; out dx, al; hlt
SECTOR = bytes.fromhex("66b980c3c901" "6649" "75fc" "baf400" "b010" "ee" "f4").ljust(510, b"\0") + b"\x55\xaa"
STATUS = (0x10 << 1) | 1
EMULATED = "tcg,thread=multi"


def boot_sector_time(accel, limit):
    """Seconds until the boot sector has ended the machine, or None if it did not within the limit."""
    with tempfile.NamedTemporaryFile() as disk:
        disk.write(SECTOR)
        disk.flush()
        argv = ["qemu-system-x86_64", "-accel", accel, "-nodefaults", "-display", "none", "-no-reboot"]
        argv += ["-device", "isa-debug-exit,iobase=0xf4,iosize=1"]
        argv += ["-drive", f"file={disk.name},format=raw,if=ide"]
        begin = time.monotonic()
        try:
            done = subprocess.run(
                argv, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, timeout=limit, check=False
            )
        except subprocess.TimeoutExpired:
            return None
        return time.monotonic() - begin if done.returncode == STATUS else None


@functools.lru_cache(maxsize=None)
def choose():
    """The value for QEMU's -accel: STREAMKEEPER_VM_ACCEL if set, KVM if it works, else emulation."""
    wanted = os.environ.get("STREAMKEEPER_VM_ACCEL")
    if wanted:
        return wanted
    if not os.access("/dev/kvm", os.R_OK | os.W_OK):
        return EMULATED
    emulated = boot_sector_time("tcg", 60)
    if emulated is None:
        raise RuntimeError("qemu-system-x86_64 cannot run even a boot sector")
    hardware = boot_sector_time("kvm", emulated + 2)
    return "kvm" if hardware is not None and hardware <= emulated + 0.2 else EMULATED


if __name__ == "__main__":
    print(f"tcg {boot_sector_time('tcg', 60)} kvm {boot_sector_time('kvm', 60)}: {choose()}")
