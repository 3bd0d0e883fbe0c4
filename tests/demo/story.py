# SPDX-License-Identifier: Apache-2.0
"""The demo's acts: what is registered, what is done to it, and what is measured meanwhile."""
import collections
import os
import pathlib
import re
import select
import signal
import statistics
import subprocess
import time

from sampler import CLASSES, Sampler, leaf_group, read_pairs
from screen import number
from service import DemoError, wait_until

COUNTERS = 2    # instances of the critical topology
PARTITIONS = 32
DEMAND = 0.6    # of a processor, for each counter
OVERHEAD = 1.35  # what a record costs with Kafka around it, over counting alone
WORD = re.compile(rb"[a-z0-9\x80-\xff]+")
TEXTS = "/usr/share/common-licenses"

View = collections.namedtuple("View", "who share cores restarts rate fed_rate lag delay rates hog_rate")
Reading = collections.namedtuple("Reading", "rate fed_rate lag delay cores share hog_rate")
Figures = collections.namedtuple("Figures", "at words lines")  # what a program said of itself, and when
Sample = collections.namedtuple("Sample", "at used busy counters feed spins")


def figures(path):
    pairs = read_pairs(path)
    return Figures(int(pairs.get("at_usec", 0)) / 1e6, int(pairs.get("words", 0)), int(pairs.get("lines", 0)))


def slope(first, last, key):
    """Units per second between two figures of a program, by its own clock readings."""
    if not first.at or last.at <= first.at:
        return 0.0
    return max(0, getattr(last, key) - getattr(first, key)) / (last.at - first.at)


def projected_lines(first, last, now):
    """The line a program is at by now: it says so ten times a second only."""
    return last.lines + slope(first, last, "lines") * min(1.0, max(0.0, now - last.at))


def watch_closely(on):
    """Lets the stopwatch run before anybody else, where that is allowed: waiting for a processor to look at the
    clock is no downtime of the app."""
    policy, priority = (os.SCHED_RR | os.SCHED_RESET_ON_FORK, 1) if on else (os.SCHED_OTHER, 0)
    try:
        os.sched_setscheduler(0, policy, os.sched_param(priority))
    except OSError:
        pass


class Story:
    def __init__(self, service, screen, fast):
        self.service, self.screen, self.fast = service, screen, fast
        self.cpus = len(os.sched_getaffinity(0))
        self.hogs = 2 * self.cpus
        self.apps_dir = service.build / "tests" / "apps"
        self.work = service.root / "demo"
        self.sampler = Sampler(service)
        self.samples = collections.deque(maxlen=400)
        self.rates = collections.deque(maxlen=60)
        self.readings, self.facts = {}, {}
        self.words_per_line = 1.0

    # --- material ---------------------------------------------------------------------------------------------

    def prepare(self):
        """The text, and how much of it one processor can count here."""
        self.work.mkdir(mode=0o777)
        self.work.chmod(0o777)
        self.text = self.work / "text"
        sources = sorted(path for path in pathlib.Path(TEXTS).glob("*") if path.is_file() and not path.is_symlink())
        if not sources:
            sources = [pathlib.Path(__file__).resolve().parents[2] / "LICENSE"]
        data = b"".join(path.read_bytes().replace(b"\0", b" ").rstrip(b"\n") + b"\n" for path in sources)
        self.text.write_bytes(data)
        self.lines = data.split(b"\n")[:-1]
        self.words_per_line = sum(len(WORD.findall(line.lower())) for line in self.lines) / len(self.lines)
        sample = data * (1 + 5000 // len(self.lines))
        cost = min(self.measure(sample, str(i)) for i in range(3))
        self.rate = int(min(60000, DEMAND * min(COUNTERS, self.cpus) / (cost * OVERHEAD)))
        self.facts["text"] = f"{len(sources)} licence texts of this host, {number(len(self.lines))} lines, over and over"

    def measure(self, sample, name):
        """Processor seconds that counting a line takes here."""
        done = subprocess.run([self.apps_dir / "wordcount", "--measure", "5000", "--batch-lines", "1", "--state",
                               self.work / f"measure{name}"], input=sample, stdout=subprocess.PIPE, check=True)
        result = dict(line.split("=") for line in done.stdout.decode().splitlines())
        return float(result["cpu_seconds"]) / int(result["lines"])

    def register(self, name, class_name, command, instances=1, probe="none", extra=""):
        self.service.register(name, f"[app]\nname = default/{name}\nclass = {class_name}\ncommand = {command}\n"
                                    f"instances = {instances}\n{extra}\n[ready]\nprobe = {probe}\n\n"
                                    f"[stop]\ntimeout = 10s\n")

    def register_pipeline(self):
        apps, work = self.apps_dir, self.work
        self.register("broker", "standard", f"{apps}/devbroker --partitions {PARTITIONS} --topic lines "
                      f"--topic counts:4 --address-file {work}/address", probe="notify")
        self.register_feed()
        self.register("wordcount", "critical", f"{apps}/wordcount --bootstrap-file {work}/address --state %S "
                      f"--share %n/{COUNTERS} --batch-lines 1 --client-id wordcount-%n --stats {work}/count%n.stats",
                      COUNTERS, "notify", "\n[restart]\nstable = 3s\n")
        for name in ("broker", "feed", "wordcount"):
            self.service.wait_running(f"default/{name}")

    def register_feed(self):
        self.register("feed", "standard", f"{self.apps_dir}/linefeed --bootstrap-file {self.work}/address "
                      f"--text {self.text} --rate {self.rate} --stats {self.work}/feed.stats", probe="notify")

    def register_hogs(self):
        hog = self.apps_dir / "skhog"
        self.register("spin", "adhoc", f"{hog} --quiet --rate-file {self.work}/spin%n.rate cpu", self.hogs)
        self.register("flood", "adhoc", f"{hog} flood")
        self.register("crasher", "adhoc", f"{hog} crash 3 300", extra="\n[restart]\ndelay = 500ms\n")

    # --- measuring --------------------------------------------------------------------------------------------

    def counted(self, key="words"):
        return sum(getattr(figures(self.work / f"count{i}.stats"), key) for i in range(COUNTERS))

    def fed(self):
        return figures(self.work / "feed.stats").lines

    def spins(self):
        return sum(int(read_pairs(path).get("total", 0)) for path in self.work.glob("spin*.rate"))

    def look(self):
        """Takes one sample and draws it."""
        now, used, busy, apps = self.sampler.look()
        counters = [figures(self.work / f"count{i}.stats") for i in range(COUNTERS)]
        self.samples.append(Sample(now, used, busy, counters, figures(self.work / "feed.stats"), self.spins()))
        before = [item for item in self.samples if item.at < now - 1.8]
        reading = self.reading(before[-1] if before else self.samples[0], self.samples[-1])
        self.rates.append(reading.rate)
        restarts = {name: sum(item["restarts"] for app in apps.values() if app["class"] == name
                              for item in app["instances"]) for name in CLASSES}
        who = {name: ", ".join(app["name"].split("/")[1] + (f" x{len(app['instances'])}" if len(app["instances"]) > 1
                                                            else "") for app in apps.values() if app["class"] == name)
               for name in CLASSES}
        who["others"] = "(this host)"
        self.screen.draw(View(who, reading.share, reading.cores, restarts, reading.rate, reading.fed_rate,
                              reading.lag, reading.delay, self.rates, reading.hog_rate))
        return apps

    def reading(self, first, last):
        seconds = max(last.at - first.at, 1e-6)
        cores = {name: max(0.0, last.used[name] - first.used[name]) / seconds for name in CLASSES}
        cores["others"] = max(0.0, (last.busy - first.busy) / seconds - sum(cores.values()))
        pairs = list(zip(first.counters, last.counters))
        lag = projected_lines(first.feed, last.feed, last.at) - sum(projected_lines(*pair, last.at) for pair in pairs)
        fed = slope(first.feed, last.feed, "lines")
        lag = max(0.0, lag)
        return Reading(sum(slope(*pair, "words") for pair in pairs), fed * self.words_per_line, lag,
                       lag / fed if fed else 0.0, cores,
                       {name: value / self.cpus for name, value in cores.items()},
                       max(0, last.spins - first.spins) / seconds)

    def watch(self, seconds):
        """Draws for so long and returns what happened meanwhile."""
        end = time.monotonic() + seconds
        self.look()
        first = self.samples[-1]
        while time.monotonic() < end:
            select.select([], [], [], max(0.0, min(0.45, end - time.monotonic())))
            self.look()
        return self.reading(first, self.samples[-1])

    def caught_up(self, seconds):
        """Waits until what is fed is counted, to about half a second. False: not in this time."""
        def look():
            self.look()
            counted = self.counted("lines")
            return counted > 0 and self.fed() - counted < max(1000, self.rate // 2)
        try:
            return wait_until("the counters have caught up", look, seconds, 0.3)
        except DemoError:
            return False

    def settle(self):
        """Finds a rate that the counters keep up with: this host may have other work just now."""
        for _ in range(3):
            if self.caught_up(6):
                return
            self.rate = int(self.rate * 0.7)
            self.screen.note(f"the host is busy: feeding {number(self.rate)} lines/s only")
            self.register_feed()
            self.service.wait_running("default/feed")
        self.caught_up(10)

    # --- acts -------------------------------------------------------------------------------------------------

    def alone(self):
        self.settle()
        self.readings["alone"] = reading = self.watch(3 if self.fast else 7)
        self.screen.note(f"critical alone: {number(reading.rate)} words/s on {reading.cores['critical']:.2f} cores")

    def hogs_as_equals(self):
        """The same hogs in the class of the pipeline: the contrast."""
        self.register("equal", "critical", f"{self.apps_dir}/skhog --quiet --rate-file {self.work}/spine%n.rate cpu",
                      self.hogs)
        self.service.wait_running("default/equal")
        self.watch(1)
        self.readings["equal"] = reading = self.watch(5)
        self.service.run("unregister", "default/equal")
        wait_until("the equals are gone", lambda: "default/equal" not in self.service.apps(), 20, 0.05)
        self.screen.note(f"beside {self.hogs} hogs of the same class: {number(reading.rate)} words/s, "
                         f"{reading.delay:.1f} s behind")
        self.caught_up(15)

    def hogs_as_adhoc(self):
        self.register_hogs()
        self.service.wait_running("default/spin")
        self.watch(1)
        self.readings["ad-hoc"] = reading = self.watch(4 if self.fast else 9)
        self.facts["means"] = self.sampler.means(self.service.apps())
        self.facts["doctor"] = self.service.json("doctor", check=False)  # its status tells what it found
        self.screen.note(f"beside {self.hogs} ad-hoc hogs: {number(reading.rate)} words/s; the hogs had "
                         f"{reading.cores['adhoc']:.2f} cores")

    def kill_counter(self, instance):
        """Kills one instance; returns (ms to the new process, ms until it counts, lines of lag then)."""
        pid, number_ = instance["pid"], instance["number"]
        leaf, stats = leaf_group(pid), self.work / f"count{number_}.stats"
        program = os.readlink(f"/proc/{pid}/exe")

        def successor():
            try:
                pids = [int(text) for text in (leaf / "cgroup.procs").read_text().split()]
            except (OSError, TypeError):
                pids = [] if leaf else [self.service.instances("default/wordcount")[number_]["pid"]]
            for other in pids:
                try:
                    if other and other != pid and os.readlink(f"/proc/{other}/exe") == program:
                        return other
                except OSError:
                    continue
            return None

        watch_closely(True)
        began = time.monotonic()
        os.kill(pid, signal.SIGKILL)
        new = wait_until(f"wordcount {number_} is back", successor, 15, 0.0002)
        back = time.monotonic() - began
        wait_until(f"wordcount {number_} counts", lambda: read_pairs(stats).get("pid") == str(new), 15, 0.002)
        watch_closely(False)
        return back * 1000, (time.monotonic() - began) * 1000

    def verdict(self, instance):
        """What the daemon decided about the end of this process."""
        exits = self.service.json("history", "default/wordcount")
        return next((item["then"] for item in exits if item["pid"] == instance["pid"]), "not in the history")

    def kill_counters(self):
        measured = []
        for instance in self.service.instances("default/wordcount"):
            back, counts = self.kill_counter(instance)
            measured.append((back, counts))
            then = self.verdict(instance)
            self.screen.note(f"kill -9 wordcount/{instance['number']}: new process in {back:.1f} ms, "
                             f"counting in {counts:.0f} ms" + ("" if then == "restarted at once" else f" ({then})"))
            self.watch(1 if self.fast else 2.5)
        self.facts["back"] = statistics.median(item[0] for item in measured)
        self.facts["counting"] = statistics.median(item[1] for item in measured)

    def kill_daemon(self):
        pids = {(name, item["number"]): item["pid"] for name, app in self.service.apps().items()
                for item in app["instances"] if not name.endswith("/crasher")}
        victim = self.service.daemon_pid()
        if not victim:
            raise DemoError("no streamkeeperd below the launcher")
        words = self.counted()
        began = time.monotonic()
        os.kill(victim, signal.SIGKILL)
        wait_until("a new streamkeeperd answers", lambda: self.service.daemon_pid() not in (None, victim) and
                   self.service.run("version", check=False).returncode == 0 and
                   self.service.run("list", "--json", check=False).returncode == 0, 20, 0.005)
        gone = time.monotonic() - began
        after = {(name, item["number"]): item["pid"] for name, app in self.service.apps().items()
                 for item in app["instances"] if not name.endswith("/crasher")}
        same = sum(after.get(key) == pid for key, pid in pids.items())
        self.facts["daemon"] = (gone * 1000, same, len(pids))
        self.screen.note(f"kill -9 streamkeeperd: answers after {gone * 1000:.0f} ms; "
                         f"{same} of {len(pids)} pids kept")
        self.watch(1 if self.fast else 4)
        self.facts["counted meanwhile"] = self.counted() > words

    def stop_and_verify(self):
        self.facts["restarts"] = self.service.restarts()
        self.service.run("stop", "default/feed")
        wait_until("the feed told its total", lambda: read_pairs(self.work / "feed.stats").get("done") == "1", 20)
        total = self.fed()
        wait_until("every line is counted", lambda: (self.look(), self.counted("lines") >= total)[1], 60, 0.2)
        apps = self.service.apps()
        self.service.run("stop", *[name for name in apps if name != "default/broker"])
        wait_until("the apps have stopped", lambda: all(not item["pid"] for name, app in self.service.apps().items()
                                                        if name != "default/broker" for item in app["instances"]), 40)
        self.facts["words"], self.facts["distinct"], self.facts["exact"] = self.verify(total)
        self.facts["lines"] = total

    def verify(self, total):
        """Counts independently. Returns (words, different words, whether all counts are equal)."""
        expected = collections.Counter()
        rounds, rest = divmod(total, len(self.lines))
        for index, line in enumerate(self.lines):
            for word in WORD.findall(line.lower()):
                expected[word[:255]] += rounds + (index < rest)
        states = [self.service.root / "state" / "default" / "wordcount" / str(i) for i in range(COUNTERS)]
        text = subprocess.run([self.apps_dir / "wordcount", "--dump", *states], stdout=subprocess.PIPE,
                              check=True).stdout
        found = collections.Counter()
        for line in text.splitlines():
            fields = line.split(b" ")
            if fields[0] == b"word":
                found[fields[2]] += int(fields[3])
        expected = +expected
        return sum(found.values()), len(found), found == expected
