# SPDX-License-Identifier: Apache-2.0
"""D-Bus by hand: just enough to be a bad client of the control socket, and a quick good one."""

import socket
import struct

PATH, INTERFACE = "/org/streamkeeper1", "org.streamkeeper1.Manager"
HELLO = b"\0AUTH EXTERNAL\r\nDATA\r\nBEGIN\r\n"


def _pad(data, to):
    return data + b"\0" * (-len(data) % to)


def _string(text):
    raw = text.encode()
    return struct.pack("<I", len(raw)) + raw + b"\0"


def message(member, serial=1, signature="", body=b"", path=PATH):
    """A method call as bytes."""
    fields = b""
    for code, kind, value in ((1, "o", path), (2, "s", INTERFACE), (3, "s", member), (8, "g", signature)):
        if kind == "g" and not value:
            continue
        fields = _pad(fields, 8) + bytes([code, 1]) + kind.encode() + b"\0"
        if kind == "g":
            fields += bytes([len(value)]) + value.encode() + b"\0"
        else:
            fields = _pad(fields, 4) + _string(value)
    head = b"l\1\0\1" + struct.pack("<III", len(body), serial, len(fields)) + fields
    return _pad(head, 8) + body


def text_argument(text):
    return _string(text)


def register_arguments(name, spec, start=True):
    body = _pad(_string(name), 4) + struct.pack("<I", len(spec)) + spec
    return _pad(body, 4) + struct.pack("<I", start)


class Client:
    """A connection of the control socket, after its handshake unless told otherwise."""

    def __init__(self, service, handshake=True, seconds=20):
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.socket.settimeout(seconds)
        self.socket.connect(str(service.root / "run/control.sock"))
        self.rest = b""
        self.serial = 0
        if handshake:
            self.socket.sendall(HELLO)
            while self.rest.count(b"\r\n") < 2:
                self.rest += self.receive()
            self.rest = self.rest.split(b"\r\n", 2)[2]

    def receive(self):
        data = self.socket.recv(65536)
        if not data:
            raise ConnectionResetError("the daemon closed the connection")
        return data

    def reply(self):
        """(kind, length) of the next message: 2 a reply, 3 an error."""
        while len(self.rest) < 16:
            self.rest += self.receive()
        kind = self.rest[1]
        body, _, fields = struct.unpack("<III", self.rest[4:16])
        length = 16 + fields + (-fields % 8) + body
        while len(self.rest) < length:
            self.rest += self.receive()
        self.rest = self.rest[length:]
        return kind, length

    def call(self, member, signature="", body=b""):
        self.serial += 1
        self.socket.sendall(message(member, self.serial, signature, body))
        return self.reply()

    def close(self):
        self.socket.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()
