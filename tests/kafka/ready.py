#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Readiness probe of the application: exit status 0 if the port named in STATE/ready.port accepts a connection. A file left
over from an earlier life names a port that nobody listens on any more."""

import os
import socket
import sys


def main():
    state = sys.argv[1] if len(sys.argv) > 1 else os.environ["STATE_DIRECTORY"]
    try:
        with open(os.path.join(state, "ready.port"), encoding="ascii") as file:
            port = int(file.read())
        with socket.create_connection(("127.0.0.1", port), timeout=2):
            return 0
    except (OSError, ValueError) as error:
        print(f"not ready: {error}", file=sys.stderr)
        return 1


if __name__ == "__main__":
    sys.exit(main())
