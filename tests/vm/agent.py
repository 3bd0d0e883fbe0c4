#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Runs in the guest: carries out commands that arrive on a virtio serial port.

One line of JSON per request and answer. On start it says hello with the boot's id, by which the host
notices a reboot. Requests run side by side, each in a thread, as root, in a session of their own.
"""

import base64
import glob
import json
import os
import signal
import subprocess
import sys
import threading
import time

PORT_NAME = "streamkeeper.agent"


def find_port():
    """The device of our port; the kernel has it before any service starts."""
    while True:
        for name in glob.glob("/sys/class/virtio-ports/*/name"):
            with open(name, encoding="ascii") as text:
                if text.read().strip() == PORT_NAME:
                    return "/dev/" + os.path.basename(os.path.dirname(name))
        time.sleep(0.1)


class Agent:
    """The port, and a lock so that answers of two threads do not mix."""

    def __init__(self):
        self.port = os.open(find_port(), os.O_RDWR | os.O_CLOEXEC)
        self.lock = threading.Lock()

    def send(self, message):
        """Writes one message as a line of its own, whatever stood half written before."""
        data = b"\n" + json.dumps(message).encode() + b"\n"
        with self.lock:
            while data:
                data = data[os.write(self.port, data):]

    def execute(self, request):
        """Runs one request to its end or its time-out and answers it."""
        answer = {"id": request["id"], "timeout": False}
        child = subprocess.Popen(
            request["argv"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            cwd="/root",
        )
        try:
            out, _ = child.communicate(base64.b64decode(request.get("input", "")), request["timeout"])
        except subprocess.TimeoutExpired:
            answer["timeout"] = True
            os.killpg(child.pid, signal.SIGKILL)
            try:
                out, _ = child.communicate(timeout=5)
            except subprocess.TimeoutExpired as late:
                out = late.stdout or b""
        answer["status"] = child.poll() if child.poll() is not None else -signal.SIGKILL
        answer["output"] = base64.b64encode(out).decode()
        self.send(answer)

    def guarded(self, request):
        """A request must get an answer, even one that cannot be run."""
        try:
            self.execute(request)
        except Exception as error:  # pylint: disable=broad-except
            text = f"agent: {error}\n".encode()
            self.send(
                {"id": request["id"], "timeout": False, "status": 127, "output": base64.b64encode(text).decode()}
            )

    def serve(self):
        """Reads requests for ever."""
        with open("/proc/sys/kernel/random/boot_id", encoding="ascii") as boot:
            self.send({"hello": boot.read().strip()})
        rest = b""
        while True:
            data = os.read(self.port, 65536)
            if not data:
                time.sleep(0.2)
                continue
            *lines, rest = (rest + data).split(b"\n")
            for line in filter(None, lines):
                try:
                    request = json.loads(line)
                except ValueError:
                    print(f"agent: not a request: {line[:80]!r}", file=sys.stderr)
                    continue
                threading.Thread(target=self.guarded, args=(request,), daemon=True).start()


if __name__ == "__main__":
    Agent().serve()
