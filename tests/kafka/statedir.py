# SPDX-License-Identifier: Apache-2.0
"""Reads the state directory of one instance of the application from outside: what its starts restored, and which store files
are the same as before."""

import collections
import pathlib

APPLICATION = "relations"


class Start:
    """What one process of the application wrote down."""

    def __init__(self, pid):
        self.pid = pid
        self.running = False
        self.records = 0
        self.by_store = collections.Counter()

    def __repr__(self):
        return f"start of pid {self.pid}: {self.records} records restored {dict(self.by_store)}, running={self.running}"


def starts(state):
    """The starts of the application in this state directory, oldest first. A restore that was given up counts with what it
    had restored by then; one that never ended, because the process was killed, with nothing."""
    found = []
    path = pathlib.Path(state) / "restores.tsv"
    if not path.exists():
        return found
    for line in path.read_text(encoding="utf-8").splitlines():
        what, pid, *details = line.split("\t")
        if what == "start":
            found.append(Start(int(pid)))
        elif what == "running":
            found[-1].running = True
        elif what == "end":
            store, _partition, records = details
            found[-1].records += int(records)
            found[-1].by_store[store] += int(records)
    return found


def checkpoints(state):
    """The checkpoint files; Streams leaves them only when it has closed cleanly."""
    return sorted((pathlib.Path(state) / APPLICATION).glob("*_*/.checkpoint"))


def identities(state):
    """{path of a store's IDENTITY file: (inode, mtime, content)}. RocksDB writes that file once, when it creates a database;
    the same file afterwards is the same database, opened again."""
    found = {}
    for path in sorted((pathlib.Path(state) / APPLICATION).rglob("IDENTITY")):
        status = path.stat()
        found[str(path)] = (status.st_ino, status.st_mtime_ns, path.read_text(encoding="utf-8"))
    return found
