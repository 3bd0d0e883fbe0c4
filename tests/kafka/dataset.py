# SPDX-License-Identifier: Apache-2.0
"""The real input, Debian's package index as apt-get update fetched it, and what the application must make of it, counted here
without any of the application's code."""

import collections
import re
import subprocess

FEWEST_PACKAGES = 20_000
RELATION_FIELDS = ("Pre-Depends", "Depends", "Recommends")
WINDOW_SECONDS = 3600


class Package:
    """One stanza of the index."""

    def __init__(self, fields):
        self.name = fields["Package"]
        self.section = fields.get("Section", "none")
        self.size = int(fields.get("Installed-Size", 0))
        self.relations = ", ".join(fields[field] for field in RELATION_FIELDS if field in fields)

    def line(self):
        return f"{self.name}\t{self.section}\t{self.size}\t{self.relations}\n"


def packages():
    """All packages of the index, in its order. `apt-cache dumpavail` reads it whatever way apt keeps it compressed."""
    result = subprocess.run(["apt-cache", "dumpavail"], stdout=subprocess.PIPE, check=True)
    found = []
    for stanza in result.stdout.decode("utf-8", "replace").split("\n\n"):
        fields = dict(line.split(": ", 1) for line in stanza.split("\n") if ": " in line and line[0] not in " \t")
        if "Package" in fields:
            found.append(Package(fields))
    if len(found) < FEWEST_PACKAGES:
        raise RuntimeError(f"apt knows only {len(found)} packages; run 'apt-get update' to fetch the package index")
    return found


def write(all_packages, path):
    with open(path, "w", encoding="utf-8") as file:
        file.writelines(package.line() for package in all_packages)


def expected(all_packages, epoch_seconds, count):
    """What the topics `dependants` and `section-size` must say after the first COUNT packages: {topic: {key: value}}."""
    dependants = collections.Counter()
    sizes = collections.Counter()
    for number, package in enumerate(all_packages[:count]):
        for relation in re.split(r"[,|]", package.relations):
            name = re.match(r"\s*([^\s(:<\[]+)", relation)
            if name:
                dependants[name.group(1)] += 1
        window = (epoch_seconds + number) // WINDOW_SECONDS * WINDOW_SECONDS
        sizes[f"{package.section}@{window}"] += package.size
    return {"dependants": dict(dependants), "section-size": dict(sizes)}


def totals(results):
    return {topic: sum(values.values()) for topic, values in results.items()}
