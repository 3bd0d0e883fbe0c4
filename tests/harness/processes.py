# SPDX-License-Identifier: Apache-2.0
"""Child processes of the tests: output to a file, lines awaited with a deadline, and none of them outlives its parent."""

import ctypes
import os
import signal
import subprocess
import threading
import time

PR_SET_PDEATHSIG = 1
# Loaded here and not in the child: between fork and exec only what is loaded already is safe to call.
LIBC = ctypes.CDLL(None)


def _die_with_parent():
    LIBC.prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


class Process:
    """A child whose stdout and stderr are copied, line by line, to a log file and to whoever waits for a line."""

    def __init__(self, name, argv, log, env=None, pass_fds=(), user=None):
        self.name = name
        self.log = log
        self._lines = []
        self._more = threading.Condition()
        self._ended = False
        self._child = subprocess.Popen(
            argv, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, env=env, text=True,
            errors="replace", pass_fds=pass_fds, preexec_fn=_die_with_parent,
            **({} if user is None else {"user": user, "group": user, "extra_groups": []}))
        self._reader = threading.Thread(target=self._read, name=f"read-{name}", daemon=True)
        self._reader.start()

    @property
    def pid(self):
        return self._child.pid

    def running(self):
        return self._child.poll() is None

    def _read(self):
        with open(self.log, "a", encoding="utf-8") as log:
            for line in self._child.stdout:
                log.write(line)
                log.flush()
                with self._more:
                    self._lines.append(line.rstrip("\n"))
                    self._more.notify_all()
        with self._more:
            self._ended = True
            self._more.notify_all()

    def wait_line(self, wanted, seconds):
        """The first line, from the start, for which wanted(line) holds; TimeoutError or RuntimeError if none comes."""
        deadline = time.monotonic() + seconds
        seen = 0
        with self._more:
            while True:
                for line in self._lines[seen:]:
                    if wanted(line):
                        return line
                seen = len(self._lines)
                if self._ended:
                    raise RuntimeError(f"{self.name} ended before the awaited line; log: {self.log}")
                left = deadline - time.monotonic()
                if left <= 0:
                    raise TimeoutError(f"{self.name} did not print the awaited line in {seconds} s; log: {self.log}")
                self._more.wait(left)

    def wait(self, seconds):
        """The exit status (negative: signal)."""
        status = self._child.wait(seconds)
        # A grandchild may hold the pipe open: what the process itself wrote is read within a second.
        self._reader.join(1)
        return status

    def signal(self, number):
        if self.running():
            self._child.send_signal(number)

    def stop(self, seconds=20):
        """SIGTERM, then SIGKILL after so many seconds. Fine on a process that has ended."""
        self.signal(signal.SIGTERM)
        try:
            return self._child.wait(seconds)
        except subprocess.TimeoutExpired:
            self._child.kill()
            return self._child.wait()
        finally:
            # A grandchild may hold the pipe open: do not wait for it here.
            self._reader.join(1)


def mentioning(text):
    """Pids of the processes, other than this one, that have TEXT on their command line. TEXT must be unique to the caller,
    such as the path of its own temporary directory."""
    found = []
    for entry in os.listdir("/proc"):
        if not entry.isdigit() or int(entry) == os.getpid():
            continue
        try:
            with open(f"/proc/{entry}/cmdline", "rb") as file:
                if text.encode() in file.read():
                    found.append(int(entry))
        except OSError:
            continue
    return found


def carrying(text):
    """Pids of the processes, other than this one, that have TEXT in their environment as it was at their start."""
    found = []
    for entry in os.listdir("/proc"):
        if not entry.isdigit() or int(entry) == os.getpid():
            continue
        try:
            with open(f"/proc/{entry}/environ", "rb") as file:
                if text.encode() in file.read():
                    found.append(int(entry))
        except OSError:
            continue
    return found


def wait_until(condition, seconds, what, every=0.05):
    """The first true value of condition(), looked at every so often; TimeoutError otherwise."""
    deadline = time.monotonic() + seconds
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > deadline:
            raise TimeoutError(f"not within {seconds} s: {what}")
        time.sleep(every)
