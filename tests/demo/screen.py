# SPDX-License-Identifier: Apache-2.0
"""Draws the demo: a panel redrawn in place on a terminal, plain lines elsewhere."""
import shutil
import sys
import time

WIDTH = 80
COLOURS = {"critical": "32", "standard": "36", "adhoc": "33", "others": "90"}
LABELS = {"critical": "critical", "standard": "standard", "adhoc": "ad-hoc", "others": "others"}
EIGHTHS = " ▏▎▍▌▋▊▉█"
STEPS = "▁▂▃▄▅▆▇█"


def number(value):
    return f"{value:,.0f}"


def bar(share, width):
    """A bar of so many columns for a share of 0..1."""
    eighths = round(max(0.0, min(1.0, share)) * width * 8)
    full, rest = divmod(eighths, 8)
    return ("█" * full + (EIGHTHS[rest] if rest else "")).ljust(width)


def spark(values, width):
    values = list(values)[-width:]
    top = max(values, default=0) or 1
    return "".join(STEPS[min(7, int(value / top * 7.99))] for value in values)


class Screen:
    def __init__(self, plain):
        self.live = not plain and sys.stdout.isatty()
        self.unicode = (sys.stdout.encoding or "").lower().startswith("utf")
        self.started = time.monotonic()
        self.drawn = 0  # lines of the panel that stand on the terminal
        self.phase = ("", "")
        self.notes = []
        self.plain_due = 0.0

    def colour(self, code, text):
        return f"\033[{code}m{text}\033[0m" if self.live else text

    def clock(self):
        seconds = int(time.monotonic() - self.started)
        return f"{seconds // 60:02d}:{seconds % 60:02d}"

    def say(self, text):
        """A line that stays: above the panel on a terminal."""
        self.wipe()
        print(text, flush=True)

    def note(self, text):
        """A fact with its time; the last ones stand below the panel."""
        self.notes.append(f"{self.clock()}  {text}")
        if not self.live:
            print(f"         {self.notes[-1]}", flush=True)

    def title(self, step, text):
        self.phase = (step, text)
        if not self.live:
            print(f"\n[{self.clock()}] {step}  {text}", flush=True)
        self.plain_due = time.monotonic() + 1.5

    def wipe(self):
        if self.live and self.drawn:
            sys.stdout.write(f"\033[{self.drawn}A\033[J")
            sys.stdout.flush()
            self.drawn = 0

    def row(self, name, who, share, cores, restarts):
        graph = bar(share, 28) if self.unicode else ("#" * round(min(1, share) * 28)).ljust(28)
        times = "" if restarts is None else f"{restarts:>4}"
        return (f"  {self.colour(COLOURS[name], f'{LABELS[name]:<9}')} {who:<16.16} "
                f"{self.colour(COLOURS[name], graph)} {share * 100:4.0f} % {cores:5.2f} {times}")

    def panel(self, view):
        """The lines of the live panel for one look at the host."""
        step, text = self.phase
        lines = ["─" * WIDTH if self.unicode else "-" * WIDTH,
                 f" {self.colour('1', f'{step}  {text}'):<{WIDTH - 8 + 8 * self.live}}{self.clock():>6}",
                 "",
                 f"  {'class':<9} {'who':<16} {'share of the processors':<28}        cores  rst"]
        for name in ("critical", "standard", "adhoc", "others"):
            lines.append(self.row(name, view.who[name], view.share[name], view.cores[name], view.restarts.get(name)))
        lag = self.colour("32" if view.delay < 0.6 else "31;1",
                          f"{view.delay:.1f} s behind ({number(view.lag)} lines)")
        lines += ["", f"  wordcount  {number(view.rate)} words/s of {number(view.fed_rate)} fed, {lag}"]
        if self.unicode:
            lines.append(f"             {self.colour(COLOURS['critical'], spark(view.rates, 60))}")
        lines.append(f"  hogs       {number(view.hog_rate)} spins/s")
        lines.append("")
        lines += [f"  {note[:WIDTH - 2]}" for note in self.notes[-6:]]
        return lines

    def draw(self, view):
        if self.live:
            self.wipe()
            lines = self.panel(view)[:max(8, shutil.get_terminal_size().lines - 1)]
            sys.stdout.write("\n".join(lines) + "\n")
            sys.stdout.flush()
            self.drawn = len(lines)
        elif time.monotonic() >= self.plain_due:
            self.plain_due = time.monotonic() + 2.0
            shares = "  ".join(f"{LABELS[name]} {view.share[name] * 100:.0f} %" for name in LABELS)
            print(f"[{self.clock()}] {shares}  |  {number(view.rate)} words/s, {view.delay:.1f} s behind", flush=True)
