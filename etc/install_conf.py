#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Installs configuration files, but never over one that an operator has changed:
install_conf.py FOLDER FILE... (FOLDER below $MESON_INSTALL_DESTDIR_PREFIX, or absolute and below $DESTDIR).
A file that is there and differs stays; the shipped text is put beside it as NAME.shipped (no file of that name is
read)."""
import os
import pathlib
import sys


def main(folder, *files):
    if os.path.isabs(folder):
        target = pathlib.Path(os.environ.get("DESTDIR", "") + folder)
    else:
        target = pathlib.Path(os.environ["MESON_INSTALL_DESTDIR_PREFIX"]) / folder
    target.mkdir(parents=True, exist_ok=True)
    for source in map(pathlib.Path, files):
        text = source.read_bytes()
        to = target / source.name
        beside = to.with_name(to.name + ".shipped")
        if to.exists() and to.read_bytes() != text:
            print(f"Keeping {to}, which was changed; the shipped text is {beside}")
            to = beside
        else:
            beside.unlink(missing_ok=True)
        to.write_bytes(text)
        to.chmod(0o644)


main(*sys.argv[1:])
