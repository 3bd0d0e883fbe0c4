# SPDX-License-Identifier: Apache-2.0
"""Starts a real launcher with the fake daemon, and speaks its protocol. For test_process.py."""
import json
import os
import signal
import socket
import struct
import subprocess
import time

DEADLINE = 20  # seconds for anything that is waited for
HERE = os.path.dirname(os.path.abspath(__file__))

HELLO, SPAWN, SIGNAL, KILL, FORGET, ADOPT, STATE_REMOVE, READY, STATUS, PONG, DONE = range(1, 12)
WELCOME, CHILD, REPLAYED, SPAWNED, SPAWN_FAILED, EXITED, ADOPTED, ADOPT_FAILED, STATE_REMOVED, TERMINATE, PING = range(64, 75)
F_CGROUP, F_LOG, F_JOURNAL, F_STATE_DIR, F_AUTOGROUP, F_STATE_TOOL = (1 << i for i in range(6))
STAGES = ["request", "table", "state", "log", "clone", "session", "sched", "limits", "credentials", "workdir", "exec"]


def text(s):
    data = s.encode() + b"\0"
    return struct.pack("<I", len(data)) + data


def spawn_message(start_id, argv, flags=0, tenant="t", app="a", number=0, uid=None, gid=None, umask=0o22, nice=0,
                  policy=0, slice_usec=0, ioprio=0, oom=0, workdir="", groups=(), rlimits=(), env=()):
    uid = os.getuid() if uid is None else uid
    gid = os.getgid() if gid is None else gid
    m = struct.pack("<BQI", SPAWN, start_id, flags) + text(tenant) + text(app) + struct.pack("<I", number)
    m += text(f"{tenant}/{app}.{number}")
    m += struct.pack("<IIIiIIIi", uid, gid, umask, nice, policy, slice_usec, ioprio, oom) + text(workdir)
    m += struct.pack("<I", len(groups)) + b"".join(struct.pack("<I", g) for g in groups)
    m += struct.pack("<I", len(rlimits)) + b"".join(struct.pack("<IQQ", *r) for r in rlimits)
    for texts in (argv, env):
        m += struct.pack("<I", len(texts)) + b"".join(text(t) for t in texts)
    return m


def read_text(data, at):
    (n,) = struct.unpack_from("<I", data, at)
    return data[at + 4: at + 3 + n].decode(), at + 4 + n


def read_instance(data, at):
    tenant, at = read_text(data, at)
    app, at = read_text(data, at)
    (number,) = struct.unpack_from("<I", data, at)
    assert at + 4 == len(data)
    return tenant, app, number


def adopt_message(start_id, pid, ticks, tenant="t", app="a", number=0):
    return struct.pack("<BQIQ", ADOPT, start_id, pid, ticks) + text(tenant) + text(app) + struct.pack("<I", number)


def decode(data, fds):
    verb = data[0]
    m = {"verb": verb, "fds": fds}
    if verb == WELCOME:
        names = ("version", "pid", "can_change_uid", "journal", "systemd", "owner_uid", "owner_gid", "uid_min", "uid_max", "owner_ok")
        m.update(zip(names, struct.unpack("<xII???IIII?", data)))
    elif verb in (CHILD, SPAWNED, ADOPTED):
        m["id"], m["pid"], m["ticks"] = struct.unpack_from("<xQIQ", data)
        m["instance"] = read_instance(data, 21)
    elif verb in (SPAWN_FAILED, ADOPT_FAILED, STATE_REMOVED):
        m["id"], stage, m["error"] = struct.unpack_from("<xQII", data)
        m["stage"], m["detail"] = STAGES[stage], read_text(data, 17)[0]
    elif verb == EXITED:
        m["id"], m["pid"], m["how"], m["code"] = struct.unpack_from("<xQIII", data)
        m["at"], m["mono"], m["user"], m["system"], m["rss"] = struct.unpack_from("<QQQQQ", data, 21)
        m["instance"] = read_instance(data, 61)
    elif verb == TERMINATE:
        (m["why"],) = struct.unpack("<xI", data)
    return m


def wait_until(what, check):
    end = time.monotonic() + DEADLINE
    while time.monotonic() < end:
        result = check()
        if result:
            return result
        time.sleep(0.005)
    raise AssertionError(f"timed out waiting for {what}")


def is_alive(pid):
    try:
        with open(f"/proc/{pid}/stat", encoding="utf-8", errors="replace") as f:
            return f.read().rpartition(")")[2].split()[0] not in "ZX"
    except OSError:
        return False


class Launcher:
    """One launcher process, and a connection through the fake daemon to it."""

    def __init__(self, program, root, *options, env=None):
        self.root, self.client, self.buffered, self.started = str(root), None, b"", []
        self.log_path = os.path.join(self.root, "launcher.log")
        self.log = open(self.log_path, "ab")
        self.process = subprocess.Popen(
            [program, "--root", self.root, "--daemon", os.path.join(HERE, "fake_daemon.py"), *options],
            stderr=self.log, stdout=self.log, env={**os.environ, **(env or {})})

    def log_text(self):
        with open(self.log_path, encoding="utf-8") as f:
            return f.read()

    def daemon_pid(self):
        def find():
            with open(os.path.join(self.root, "run/launcher.lock"), encoding="utf-8") as f:
                words = f.read().split()
            return int(words[3]) if len(words) == 5 else None
        return wait_until("the daemon's pid", find)

    def connect(self):
        """A new conversation; what the replay told. Tries again when an orphan of an earlier launcher hangs up."""
        def attempt():
            assert self.process.poll() is None, self.log_text()
            if self.client:
                self.client.close()
            self.client, self.buffered = socket.socket(socket.AF_UNIX), b""
            self.client.settimeout(DEADLINE)
            try:
                self.client.connect(os.path.join(self.root, "run/control.sock"))
                self.send(struct.pack("<BI", HELLO, 1))
                return self.until(REPLAYED)
            except OSError:
                return None
        return wait_until("a conversation", attempt)

    def order(self, **order):
        self.client.sendall((json.dumps(order) + "\n").encode())

    def send(self, data, *paths):
        self.order(send=data.hex(), paths=list(paths))

    def receive(self):
        while b"\n" not in self.buffered:
            part = self.client.recv(1 << 20)
            if not part:
                raise ConnectionResetError("the daemon has gone; the launcher says:\n" + self.log_text())
            self.buffered += part
        line, self.buffered = self.buffered.split(b"\n", 1)
        got = json.loads(line)
        return decode(bytes.fromhex(got["got"]), got["fds"]) if got["got"] else {"verb": 0}

    def until(self, *verbs):
        """All messages up to the first of these verbs."""
        messages = []
        while True:
            messages.append(self.receive())
            if messages[-1]["verb"] in verbs or messages[-1]["verb"] == 0:
                return messages

    def spawn(self, start_id, argv, *paths, **fields):
        self.send(spawn_message(start_id, argv, **fields), *paths)
        m = self.until(SPAWNED, SPAWN_FAILED)[-1]
        if m["verb"] == SPAWNED:
            self.started.append((m["pid"], m["ticks"]))
        return m

    def exited(self, start_id):
        while True:
            m = self.until(EXITED)[-1]
            assert m["verb"] == EXITED
            if m["id"] == start_id:
                return m

    def stop(self, sig=signal.SIGQUIT):
        """Ends it in good order, if it still runs. Returns its exit code."""
        if self.process.poll() is None:
            if self.client is None:
                self.connect()
            self.process.send_signal(sig)
            self.until(TERMINATE)
            self.send(bytes([DONE]))
            self.order(exit=0)
        try:
            code = self.process.wait(DEADLINE)
        except subprocess.TimeoutExpired:
            raise AssertionError("it does not end; it says:\n" + self.log_text()) from None
        self.log.close()
        return code

    def kill_instances(self):
        """Kills what it has started and left running."""
        for pid, ticks in self.started:
            try:
                with open(f"/proc/{pid}/stat", encoding="utf-8", errors="replace") as f:
                    if int(f.read().rpartition(")")[2].split()[19]) == ticks:
                        os.kill(pid, signal.SIGKILL)
            except OSError:
                pass

    def clean_up(self):
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait(DEADLINE)
        self.log.close()
