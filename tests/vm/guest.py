#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""One virtual machine: boots the base image on an overlay of its own and runs commands in it.

    with Guest(base_image(), workdir) as guest:
        guest.boot()
        print(guest.ok("uname -r"))

Commands go through the agent on a virtio serial port, so neither network nor login is needed. What the guest
prints on its console is kept in workdir/console.log. As a program it gives a root shell in a fresh guest.
"""

import argparse
import base64
import ctypes
import itertools
import json
import os
import pathlib
import select
import shlex
import signal
import socket
import subprocess
import tempfile
import time
from dataclasses import dataclass

import accel
import image

# Few features on purpose: what the emulator need not emulate makes the guest faster.
CPU = "qemu64,+rdrand"
KERNEL_LINE = "root=/dev/vda rw console=ttyS0 loglevel=4 psi=1 panic=-1 systemd.firstboot=off"


class GuestError(Exception):
    """The guest did not do what was asked of it; the text has the end of the console."""


@dataclass(frozen=True)
class Disk:
    """A further disk (/dev/vdb, vdc, … in order), raw; bps and iops throttle it where not 0."""

    path: pathlib.Path
    readonly: bool = False
    bps: int = 0
    iops: int = 0

    def option(self):
        """The value for QEMU's -drive."""
        text = f"file={self.path},format=raw,if=virtio,cache=unsafe"
        text += ",readonly=on" if self.readonly else ""
        text += f",throttling.bps-total={self.bps}" if self.bps else ""
        return text + (f",throttling.iops-total={self.iops}" if self.iops else "")


@dataclass(frozen=True)
class Result:
    """How a command ended in the guest: exit status (128 + signal when killed), and stdout with stderr."""

    argv: list
    status: int
    output: str

    def __str__(self):
        return f"{shlex.join(self.argv)}: exit status {self.status}\n{self.output}"


def die_with_parent():
    """The machine must not outlive a test run that was killed."""
    ctypes.CDLL(None).prctl(1, signal.SIGKILL)


class Guest:
    """A machine with its overlay disk; boot() and kill() may follow each other as often as wanted."""

    def __init__(self, base, workdir, *, memory=1024, smp=2, disks=(), append=""):
        self.base = base
        self.workdir = pathlib.Path(workdir)
        self.memory = memory
        self.smp = smp
        self.disks = list(disks)
        self.append = append
        self.console_path = self.workdir / "console.log"
        self.overlay = self.workdir / "disk.qcow2"
        self.qemu = None
        self.link = None
        self.boot_id = None
        self.boot_seconds = None
        self.pending = b""
        self.answers = {}
        self.ids = itertools.count(1)

    def __enter__(self):
        return self

    def __exit__(self, *exc):
        self.kill()

    def argv(self, serial):
        """The command line of the machine, without the agent's port."""
        argv = ["qemu-system-x86_64", "-accel", accel.choose(), "-cpu", CPU, "-nodefaults", "-display", "none"]
        argv += ["-m", str(self.memory), "-smp", str(self.smp), "-serial", serial]
        argv += ["-kernel", str(self.base.kernel), "-initrd", str(self.base.initrd)]
        argv += ["-append", f"{KERNEL_LINE} {self.append}"]
        argv += ["-drive", f"file={self.overlay},format=qcow2,if=virtio,cache=unsafe"]
        for disk in self.disks:
            argv += ["-drive", disk.option()]
        return argv

    def make_overlay(self):
        """The guest's own disk, made once: what it wrote stays over boots of this object."""
        if not self.overlay.exists():
            backing = ["-b", str(self.base.disk), "-F", "raw"]
            image.run("qemu-img", "create", "-q", "-f", "qcow2", *backing, str(self.overlay))

    def boot(self, timeout=180):
        """Starts the machine and waits until systemd says that it is up."""
        if self.qemu:
            raise GuestError("the guest is running already")
        self.workdir.mkdir(parents=True, exist_ok=True)
        self.make_overlay()
        ours, theirs = socket.socketpair()
        argv = self.argv(f"file:{self.console_path}")
        argv += ["-device", "virtio-serial-pci", "-chardev", f"socket,id=agent,fd={theirs.fileno()}"]
        argv += ["-device", "virtserialport,chardev=agent,name=streamkeeper.agent"]
        if self.console_path.exists():
            self.console_path.rename(self.console_path.with_suffix(".previous.log"))
        with open(self.workdir / "qemu.log", "wb") as log:
            self.qemu = subprocess.Popen(
                argv,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                pass_fds=[theirs.fileno()],
                preexec_fn=die_with_parent,
            )
        theirs.close()
        self.link, self.pending, self.answers = ours, b"", {}
        self.wait_boot(None, timeout)

    def wait_boot(self, old_id, timeout=180):
        """Waits for a boot other than old_id to be complete."""
        begin = time.monotonic()
        deadline = begin + timeout
        while self.boot_id in (None, old_id):
            self.receive(deadline, "the agent's greeting")
        left = max(1, deadline - time.monotonic())
        state = self.run("systemctl is-system-running --wait", timeout=left)
        if state.output.strip() != "running":
            failed = self.run("systemctl --failed --no-legend; systemctl list-jobs").output
            raise GuestError(f"the guest is up but {state.output.strip()}:\n{failed}")
        self.boot_seconds = time.monotonic() - begin

    def receive(self, deadline, what):
        """Takes in what the agent says next; GuestError at the deadline or when the machine has ended."""
        left = deadline - time.monotonic()
        if left <= 0 or not select.select([self.link], [], [], left)[0]:
            raise GuestError(f"no {what} in time\n{self.console_tail()}")
        data = self.link.recv(1 << 20)
        if not data:
            self.kill()
            log = (self.workdir / "qemu.log").read_text(errors="replace")
            raise GuestError(f"the machine ended while waiting for {what}\n{log}\n{self.console_tail()}")
        *lines, self.pending = (self.pending + data).split(b"\n")
        for line in filter(None, lines):
            try:
                message = json.loads(line)
            except ValueError:
                continue  # a line that a reboot cut off
            if "hello" in message:
                self.boot_id = message["hello"]
            else:
                self.answers[message["id"]] = message

    def start(self, command, timeout=60, stdin=b""):
        """Sends a command (a list, or a text for sh) and returns its number for finish()."""
        argv = ["/bin/sh", "-c", command] if isinstance(command, str) else list(command)
        number = next(self.ids)
        request = {"id": number, "argv": argv, "timeout": timeout, "input": base64.b64encode(stdin).decode()}
        self.link.sendall(json.dumps(request).encode() + b"\n")
        return number, argv, timeout

    def finish(self, started):
        """Waits for a started command's end; a time-out or a reboot meanwhile is a GuestError."""
        number, argv, timeout = started
        deadline = time.monotonic() + timeout + 30
        boot_id = self.boot_id
        while number not in self.answers:
            self.receive(deadline, f"answer to: {shlex.join(argv)}")
            if self.boot_id != boot_id:
                raise GuestError(f"the guest rebooted during: {shlex.join(argv)}\n{self.console_tail()}")
        answer = self.answers.pop(number)
        output = base64.b64decode(answer["output"]).decode(errors="replace")
        if answer["timeout"]:
            raise GuestError(f"not done in {timeout:.0f} s: {shlex.join(argv)}\n{output}")
        status = answer["status"]
        return Result(argv, status if status >= 0 else 128 - status, output)

    def run(self, command, timeout=60, stdin=b""):
        """Runs a command as root and returns its Result, whatever its exit status."""
        return self.finish(self.start(command, timeout, stdin))

    def ok(self, command, timeout=60, stdin=b""):
        """Runs a command that must succeed and returns what it printed."""
        result = self.run(command, timeout, stdin)
        if result.status != 0:
            raise GuestError(str(result))
        return result.output

    def put(self, path, data, mode=0o644):
        """Writes a file in the guest."""
        data = data.encode() if isinstance(data, str) else data
        quoted = shlex.quote(str(path))
        self.ok(f'mkdir -p "$(dirname {quoted})" && cat > {quoted} && chmod {mode:o} {quoted}', stdin=data)

    def until(self, command, accept=lambda result: result.status == 0, timeout=60):
        """Runs a command again and again until its Result is accepted, and returns that."""
        deadline = time.monotonic() + timeout
        while True:
            result = self.run(command)
            if accept(result):
                return result
            if time.monotonic() > deadline:
                raise GuestError(f"not in {timeout} s; last: {result}")
            time.sleep(0.3)

    def reboot(self, command="systemctl --no-block reboot", timeout=240):
        """Reboots in good order and waits until the system is up again."""
        old_id = self.boot_id
        self.ok(command)
        self.wait_boot(old_id, timeout)

    def kill(self):
        """Takes the power away; the disk keeps what the guest's kernel had written to it."""
        if self.qemu:
            self.qemu.kill()
            self.qemu.wait()
        if self.link:
            self.link.close()
        self.qemu = self.link = self.boot_id = None

    def console_tail(self, size=6000):
        """The end of what the console shows."""
        try:
            text = self.console_path.read_text(errors="replace")
        except OSError:
            return "(no console log)"
        return "--- end of the console ---\n" + text[-size:]

    def shell(self):
        """Gives the terminal to the guest's console (Ctrl-A X ends it)."""
        self.workdir.mkdir(parents=True, exist_ok=True)
        self.make_overlay()
        subprocess.run(self.argv("mon:stdio"), check=False)


def main():
    """Shell in a fresh guest, with what --disk names as /dev/vdb."""
    parser = argparse.ArgumentParser(description="a root shell in a fresh guest; Ctrl-A X ends it")
    parser.add_argument("--memory", type=int, default=1024, help="MiB")
    parser.add_argument("--disk", action="append", default=[], help="a raw disk for the guest to read")
    arguments = parser.parse_args()
    disks = [Disk(pathlib.Path(path), readonly=True) for path in arguments.disk]
    with tempfile.TemporaryDirectory(prefix="guest.", dir=os.environ.get("TMPDIR", "/var/tmp")) as workdir:
        Guest(image.base_image(), workdir, memory=arguments.memory, disks=disks).shell()


if __name__ == "__main__":
    main()
