#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""A daemon without a will: whoever connects to the control socket (fd 4) speaks to the launcher through it.

Each line from the client is {"send": HEX, "paths": [...]} (one datagram, with these paths opened beside it),
{"exit": CODE}, {"close": true} or {"handover": true}; each datagram of the launcher becomes a line
{"got": HEX, "fds": N}, and its end {"got": null}. Pidfds are kept under the start id of their message."""
import array
import json
import os
import select
import socket
import struct
import sys

MESSAGE_MAX = 160 * 1024


def receive(wire):
    data, ancillary, _flags, _address = wire.recvmsg(MESSAGE_MAX, socket.CMSG_SPACE(8))
    fds = array.array("i")
    for level, kind, part in ancillary:
        if level == socket.SOL_SOCKET and kind == socket.SCM_RIGHTS:
            fds.frombytes(part[: len(part) - len(part) % fds.itemsize])
    return data, list(fds)


def send(wire, data, fds):
    ancillary = [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", fds))] if fds else []
    wire.sendmsg([data], ancillary)


def obey(line, wire):
    order = json.loads(line)
    if "exit" in order:
        sys.exit(order["exit"])
    if "close" in order:
        wire.shutdown(socket.SHUT_RDWR)
        wire.close()
        return
    fds = [os.open(p, os.O_RDWR | os.O_CREAT if not os.path.isdir(p) else os.O_RDONLY | os.O_DIRECTORY, 0o600)
           for p in order.get("paths", [])]
    send(wire, bytes.fromhex(order["send"]), fds)
    for fd in fds:
        os.close(fd)


def hand_over(kept):
    """As an orphan: give all pidfds to the next launcher."""
    server = socket.socket(fileno=5)
    server.settimeout(20)
    peer, _ = server.accept()
    for message, fd in kept.values():
        send(peer, bytes([65]) + message[1:21] + bytes([1, 0, 0, 0, 0] * 2 + [0] * 4), [fd])
    send(peer, bytes([66]), [])
    sys.exit(0)


def main():
    wire = socket.socket(fileno=3)
    listener = socket.socket(fileno=4)
    client, kept, buffered = None, {}, b""
    while True:
        if client is None:
            # The launcher may end while nobody is connected.
            ready, _, _ = select.select([listener, wire], [], [])
            if listener not in ready:
                if not wire.recv(1, socket.MSG_PEEK):
                    hand_over(kept)
                select.select([listener], [], [], 0.05)
                continue
            listener.setblocking(True)
            client, _ = listener.accept()
            client.setblocking(True)
            continue
        ready, _, _ = select.select([client, wire], [], [])
        if wire in ready:
            data, fds = receive(wire)
            if data and data[0] in (65, 67, 70) and fds:
                kept[struct.unpack_from("<Q", data, 1)[0]] = (data, fds[0])
            else:
                for fd in fds:
                    os.close(fd)
            try:
                client.sendall((json.dumps({"got": data.hex() if data else None, "fds": len(fds)}) + "\n").encode())
            except OSError:
                client = None
            if not data:
                hand_over(kept)
        if client is not None and client in ready:
            try:
                part = client.recv(1 << 20)
            except OSError:
                part = b""
            if not part:
                client, buffered = None, b""
                continue
            buffered += part
            *lines, buffered = buffered.split(b"\n")
            for line in lines:
                obey(line, wire)


if __name__ == "__main__":
    main()
