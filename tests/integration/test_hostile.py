# SPDX-License-Identifier: Apache-2.0
"""Clients that connect and behave badly: the daemon serves the others meanwhile, and its memory stays bounded."""

import contextlib
import os
import random
import resource
import signal
import struct
import time

import pytest

from bus import HELLO, Client, message, text_argument
from processes import wait_until

STOP = {"stop": {"timeout": "500ms"}}


@pytest.fixture
def target(services):
    service = services(conf="[api]\nclients-max = 200\nclients-per-user-max = 40\n")
    for n in range(3):
        service.add(f"app{n}", "sleep", STOP, options=["--no-start"], instances=50)
    return service


def memory(service):
    """Private and shared bytes of the daemon that are in memory."""
    with open(f"/proc/{service.daemon_pid()}/statm", encoding="ascii") as file:
        return int(file.read().split()[1]) * resource.getpagesize()


@contextlib.contextmanager
def as_user(uid):
    """Connections made here are that user's."""
    if os.geteuid() == 0:
        os.seteuid(uid)
    try:
        yield
    finally:
        if os.geteuid() == uid:
            os.seteuid(0)


def serves(service, calls=20):
    """The slowest of some well-behaved calls, each with a connection of its own; an odd daemon would hang or refuse."""
    slowest = 0.0
    for _ in range(calls):
        began = time.monotonic()
        with Client(service) as good:
            assert good.call("List")[0] == 2
        slowest = max(slowest, time.monotonic() - began)
    return slowest


def is_closed(client, seconds):
    client.socket.settimeout(seconds)
    try:
        while client.socket.recv(65536):
            pass
    except (ConnectionError, BrokenPipeError):
        pass
    return True


def test_silent_clients_and_half_messages(target):
    daemon = target.daemon_pid()
    parts = [b"\0AUTH", b"\0AUTH EXTERNAL\r\n", HELLO + message("List")[:8], HELLO + message("List")[:-1],
             HELLO + b"l\1\0\1" + struct.pack("<III", 100000, 1, 100)]
    with contextlib.ExitStack() as stack:
        with as_user(64104):
            silent = [stack.enter_context(Client(target, handshake=False)) for _ in range(30)]
        halves = [stack.enter_context(Client(target, handshake=False)) for _ in parts]
        for half, part in zip(halves, parts):
            half.socket.sendall(part)
        assert serves(target) < 2
        assert all(is_closed(client, 20) for client in silent + halves)
    assert target.daemon_pid() == daemon


@pytest.mark.parametrize("junk", [b"GET / HTTP/1.1\r\n\r\n", b"\xff" * 5000, b"\0" + b"A" * 100000, b"\0\r\n" * 3000, HELLO + b"\xff" * 1000,
                                  HELLO + b"l\1\0\1" + b"\xff" * 12, HELLO + b"B\1\0\1" + b"\0" * 40,
                                  HELLO + b"l\1\0\1" + struct.pack("<III", 2**27, 1, 8) + b"x" * 1000,
                                  HELLO + b"l\1\0\1" + struct.pack("<III", 0, 1, 2**26) + b"x" * 1000,
                                  HELLO + message("Register", 1, "says", b"\xff" * 64), HELLO + message("List", 0)],
                         ids=["http", "ones", "long-auth", "lines", "ones-after", "huge-sizes", "big-endian", "huge-body", "huge-fields", "bad-type",
                              "serial-0"])
def test_junk(target, junk):
    daemon = target.daemon_pid()
    with Client(target, handshake=False) as bad:
        with contextlib.suppress(ConnectionError):
            bad.socket.sendall(junk)
        assert serves(target, 5) < 2
    assert target.daemon_pid() == daemon


def test_random_messages(target):
    """Valid messages with a few bytes changed."""
    chance, daemon = random.Random(7), target.daemon_pid()
    good = [message("Register", 5, "sayb", text_argument("f") + b"\0\0" + struct.pack("<I", 4) + b"[app" + struct.pack("<I", 1)),
            message("Status", 6, "sb", text_argument("team/app0") + b"\0\0" + struct.pack("<I", 1)), message("List", 7),
            message("Logs", 8, "susu", text_argument("team/app0") + b"\0\0" + struct.pack("<I", 0) + text_argument("") + b"\0\0\0" +
                    struct.pack("<I", 9))]
    for _ in range(300):
        with Client(target) as bad, contextlib.suppress(ConnectionError, TimeoutError):
            data = bytearray(chance.choice(good))
            for _ in range(chance.randrange(1, 5)):
                data[chance.randrange(len(data))] = chance.randrange(256)
            bad.socket.sendall(bytes(data))
            bad.socket.settimeout(0.005)
            bad.receive()
    assert target.daemon_pid() == daemon and serves(target) < 2
    assert target.json("version")["apps"] == 3


def test_ten_thousand_messages_at_once(target):
    """As fast as they go in, from three clients; somebody else is served between them."""
    before, slowest = memory(target), 0.0
    batch = b"".join(message("List", serial + 1) for serial in range(100))
    with contextlib.ExitStack() as stack:
        floods = [stack.enter_context(Client(target)) for _ in range(3)]
        sent = [0] * 3
        for flood in floods:
            flood.socket.setblocking(False)
        left = [b""] * 3
        until = time.monotonic() + 30
        while min(sent) < 3400 * len(message("List")) and time.monotonic() < until:
            for n, flood in enumerate(floods):
                with contextlib.suppress(BlockingIOError):
                    left[n] = left[n] or batch
                    done = flood.socket.send(left[n])
                    left[n] = left[n][done:]
                    sent[n] += done
                with contextlib.suppress(BlockingIOError):
                    flood.socket.recv(1 << 20)
            if sum(sent) % 7 == 0:
                slowest = max(slowest, serves(target, 1))
        slowest = max(slowest, serves(target, 5))
        assert slowest < 2, f"a well-behaved client waited {slowest:.1f} s"
        assert min(sent) >= 3400 * len(message("List")), "the floods were not taken"
        assert memory(target) - before < 32 * 2**20
    assert serves(target) < 2


def test_a_client_that_never_reads(target):
    """Its replies are not piled up; reading its requests stops instead."""
    before = memory(target)
    with contextlib.ExitStack() as stack:
        deaf = [stack.enter_context(Client(target)) for _ in range(20)]
        batch = b"".join(message("Status", serial + 1, "sb", _pad4(text_argument("")) + struct.pack("<I", 0)) for serial in range(500))
        for client in deaf:
            client.socket.setblocking(False)
            with contextlib.suppress(BlockingIOError):
                while True:
                    client.socket.send(batch)
        assert serves(target) < 2
        assert memory(target) - before < 64 * 2**20, "the daemon keeps replies for those who do not read"
    assert serves(target) < 2


def _pad4(data):
    return data + b"\0" * (-len(data) % 4)


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root to connect as another user")
def test_many_connections_of_one_user_leave_room_for_others(target):
    with contextlib.ExitStack() as stack:
        with as_user(64104):
            many = []
            for _ in range(150):
                client = Client(target, handshake=False)
                stack.callback(client.close)
                many.append(client)
        assert serves(target) < 2
        wait_until(lambda: sum(map(_closed_now, many)) >= 110, 4, "no more than 40 of one user's connections stay")
        result = target.run("list", user=64105)
        assert result.returncode == 0, result
        for uid in range(64110, 64116):
            with as_user(uid):
                for _ in range(40):
                    client = Client(target, handshake=False)
                    stack.callback(client.close)
        assert serves(target) < 2, "root is not served when all places are taken"


def _closed_now(client):
    client.socket.setblocking(False)
    try:
        return client.socket.recv(10) == b""
    except BlockingIOError:
        return False
    except ConnectionError:
        return True


def test_clients_that_come_and_go(target):
    """Connections closed at any moment, with requests under way; no descriptor stays behind."""
    files = f"/proc/{target.daemon_pid()}/fd"
    before = len(os.listdir(files))
    for n in range(200):
        with Client(target, handshake=n % 3 != 0) as client:
            if n % 3 == 1:
                client.socket.sendall(message("Events", 1, "stu", text_argument("") + b"\0\0\0" + struct.pack("<QI", 0, 1000)))
            if n % 3 == 2:
                client.socket.sendall(message("List") * 20)
    assert serves(target) < 2
    wait_until(lambda: len(os.listdir(files)) <= before, 20, "all descriptors are closed")


def test_a_stopped_client_while_apps_need_care(target):
    """Restarts do not wait for anybody's request."""
    name = target.add("care", "sleep", {"restart": {"delay": "10ms"}, **STOP})
    with contextlib.ExitStack() as stack:
        for _ in range(10):
            client = stack.enter_context(Client(target))
            client.socket.setblocking(False)
            with contextlib.suppress(BlockingIOError):
                client.socket.send(message("List") * 3000)
        old = target.pid(name)
        began = time.monotonic()
        os.kill(old, signal.SIGKILL)
        target.await_new_pid(name, old)
        assert time.monotonic() - began < 5
