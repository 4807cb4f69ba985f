"""What scripts/many-clients and scripts/guard share: programs with what they cost, a network
namespace of one's own, the kernel's counters there, and the figures of many runs.
"""

import json
import os
import re
import signal
import statistics
import subprocess
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
UDPKIT = f"{HERE}/../target/release/udpkit"
INSIDE = "UDPKIT_MEASURING_INSIDE"
PORT = 18621


class Failed(Exception):
    """A run that gave no figure, with the reason."""


class Program:
    """A program of ours: what it writes and what it costs; ended by its own id."""

    def __init__(self, command):
        self.command = command
        self.files = [tempfile.TemporaryFile(), tempfile.TemporaryFile()]
        self.process = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=self.files[0], stderr=self.files[1]
        )
        self.pid = self.process.pid
        self.code, self.cpu, self.out, self.err = None, None, None, None

    def has_ended(self):
        """Whether it has; from then on its output and its processor seconds are known."""
        if self.code is None:
            pid, status, usage = os.wait4(self.pid, os.WNOHANG)
            if pid:
                self.code = self.process.returncode = os.waitstatus_to_exitcode(status)
                self.cpu = usage.ru_utime + usage.ru_stime
                read = []
                for file in self.files:
                    file.seek(0)
                    read.append(file.read().decode(errors="replace"))
                    file.close()
                self.out, self.err = read
        return self.code is not None

    def wait(self, seconds):
        """Waits for its end; kills it and fails if that takes longer."""
        deadline = time.monotonic() + seconds
        while not self.has_ended():
            if time.monotonic() > deadline:
                self.kill()
                raise Failed(f"did not end in {seconds} s: {' '.join(self.command)}")
            time.sleep(0.01)
        return self

    def signal(self, number):
        if not self.has_ended():
            os.kill(self.pid, number)

    def kill(self):
        self.signal(signal.SIGKILL)
        while not self.has_ended():
            time.sleep(0.01)

    def report(self):
        """Its JSON document, of a run that succeeded."""
        try:
            document = json.loads(self.out)
        except ValueError:
            said = (self.err or self.out).strip().splitlines()
            raise Failed(said[0][:200] if said else f"exit code {self.code}, no report") from None
        if self.code or not document.get("complete", True):
            raise Failed(str(document.get("failure") or f"exit code {self.code}")[:200])
        return document


def enter_namespace():
    """Starts this script again in a network namespace of its own, which ends with it. Without
    root it stays where it is, and what others do on loopback counts too."""
    if os.environ.get(INSIDE):
        subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
        return
    if os.geteuid() == 0:
        os.environ[INSIDE] = "1"
        os.execvp("unshare", ["unshare", "--net", sys.executable, *sys.argv])
    print("not root: on this host's own loopback, whose counters others share", file=sys.stderr)


def udp_counters():
    """The kernel's UDP counters of this namespace."""
    with open("/proc/net/snmp", encoding="utf-8") as file:
        names, values = [line.split()[1:] for line in file if line.startswith("Udp:")]
    return dict(zip(names, map(int, values)))


def loopback_bytes():
    """Bytes that loopback has carried. A buffer of many datagrams has the headers of one."""
    with open("/proc/net/dev", encoding="utf-8") as file:
        return int(re.search(r"lo:\s*(\d+)", file.read()).group(1))


def udp_sockets(port, pid="self"):
    """The sockets on this port: how many are bound, and how many of them are connected."""
    bound = connected = 0
    try:
        with open(f"/proc/{pid}/net/udp", encoding="utf-8") as file:
            lines = file.readlines()[1:]
    except OSError:
        return 0, 0
    for line in lines:
        _, local, remote = line.split()[:3]
        if int(local.rpartition(":")[2], 16) == port:
            bound += 1
            connected += remote.rpartition(":")[2] != "0000"
    return bound, connected


def serve(binary, options, place=None, port=PORT):
    """A server that has bound its port, on 127.0.0.1 or at a place with `host` and `far`."""
    host, far = (place.host, place.far) if place else ("127.0.0.1", [])
    server = Program([*far, binary, "serve", f"{host}:{port}", "--no-stun", "-q", *options])
    deadline = time.monotonic() + 10
    while not udp_sockets(port, server.pid)[0]:
        if server.has_ended() or time.monotonic() > deadline:
            server.kill()
            raise Failed(f"no server: {(server.err or 'port not bound').strip()[:200]}")
        time.sleep(0.005)
    return server


class TwoHosts:
    """This namespace and another one, joined by a veth pair, with a processor each."""

    host, far, near = "10.78.0.2", [], []

    def __init__(self):
        here = sorted(os.sched_getaffinity(0))
        if not os.environ.get(INSIDE) or len(here) < 2:
            raise Failed("takes root and two processors")
        # The namespace ends with the program that holds it.
        self.holder = Program(["unshare", "--net", "sleep", "infinity"])
        pid, own = self.holder.pid, os.readlink("/proc/self/ns/net")
        deadline = time.monotonic() + 10
        while os.readlink(f"/proc/{pid}/ns/net") == own:
            if self.holder.has_ended() or time.monotonic() > deadline:
                raise Failed("no second namespace")
            time.sleep(0.005)
        enter = ["nsenter", "-t", str(pid), "-n"]
        for command in (
            ["ip", "link", "add", "near", "type", "veth", "peer", "name", "far", "netns", str(pid)],
            ["ip", "addr", "add", "10.78.0.1/24", "dev", "near"],
            ["ip", "link", "set", "near", "up"],
            [*enter, "ip", "addr", "add", f"{self.host}/24", "dev", "far"],
            [*enter, "ip", "link", "set", "far", "up"],
        ):
            subprocess.run(command, check=True)
        self.near = ["taskset", "-c", str(here[0])]
        self.far = [*enter, "taskset", "-c", str(here[1])]

    def close(self):
        self.holder.kill()


def span(seconds):
    """A time as udpkit takes it."""
    return f"{round(1000 * seconds)}ms"


def ask(binary, number, rate, seconds, options):
    """The command of a client on loopback, with an address of its own."""
    source = f"127.0.{1 + number // 250}.{1 + number % 250}"
    command = [binary, "blast", "127.0.0.1", "-p", str(PORT), "-B", source, "--json"]
    return [*command, "-b", rate, "-t", span(seconds), *options]


def follow(clients, seconds):
    """Waits for all clients; returns samples of time, loopback's bytes and connected sockets."""
    samples = []
    deadline = time.monotonic() + seconds + 60
    while not all([client.has_ended() for client in clients]):
        if time.monotonic() > deadline:
            raise Failed(f"clients did not end in {seconds + 60} s")
        connected = udp_sockets(PORT)[1]
        samples.append((time.monotonic(), loopback_bytes(), connected))
        time.sleep(0.05)
    return samples


def common_rate(samples, seconds):
    """Bytes per second on loopback from the first sample at which all streams were open until the
    first of them had sent for its whole time; `None` if they were never all running at once."""
    most = max((connected for _, _, connected in samples), default=0)
    if not most:
        return None
    first = next(at for at, _, connected in samples if connected)
    whole = [sample for sample in samples if sample[2] == most and sample[0] < first + seconds]
    if len(whole) < 2:
        return None
    return (whole[-1][1] - whole[0][1]) / (whole[-1][0] - whole[0][0])


def crowd(binary, count, rate, seconds, options=((), ())):
    """One server and so many clients on loopback, once; with more options of serve and blast."""
    before, bytes_before = udp_counters(), loopback_bytes()
    clients, server = [], serve(binary, options[0])
    try:
        clients = [
            Program(ask(binary, number, rate, seconds, options[1])) for number in range(count)
        ]
        samples = follow(clients, seconds)
        moved = loopback_bytes() - bytes_before
        server.signal(signal.SIGINT)
        server.wait(20)
    finally:
        for program in [*clients, server]:
            program.kill()
    reports, failures = [], []
    for client in clients:
        try:
            reports.append(client.report())
        except Failed as why:
            failures.append(str(why))
    if not reports:
        raise Failed(failures[0])
    received = [report["received"] for report in reports]
    bytes_received = sum(row["bytes"] for row in received)
    lost = [report["lost"] for report in reports]
    rate = common_rate(samples, seconds)
    return {
        "clients": count,
        "failures": failures,
        "streams": reports[0]["streams"],
        "delivered_bits_per_second": rate and 8 * rate * bytes_received / moved,
        "received_bytes": bytes_received,
        "jain": jain([row["bits_per_second"] for row in received] + [0] * len(failures)),
        "sent": sum(report["sent"]["datagrams"] for report in reports),
        "lost": sum(row["total"] for row in lost),
        "lost_at_socket": sum(row["receiver_socket"] or 0 for row in lost),
        "rcvbuf_errors": udp_counters()["RcvbufErrors"] - before["RcvbufErrors"],
        "unsent": sum(report["never_sent"] + report["unsent"] for report in reports),
        "server_cpu": server.cpu / seconds,
        "client_cpu": sum(client.cpu for client in clients) / seconds,
    }


def jain(values):
    """Jain's index of fairness: 1 where all have the same, 1/n where one has everything."""
    squares = len(values) * sum(value * value for value in values)
    return sum(values) ** 2 / squares if squares else None


def quartiles(values):
    """Lower quartile, median and upper quartile."""
    if len(values) < 2:
        return (values[0],) * 3
    return tuple(statistics.quantiles(values, n=4, method="inclusive"))


def machine():
    """What the figures were measured on, as one line."""
    with open("/proc/cpuinfo", encoding="utf-8") as file:
        model = re.search(r"model name\s*:\s*(.*)", file.read())
    model = model.group(1) if model else os.uname().machine
    return f"{os.cpu_count()} processors, {model}, Linux {os.uname().release}"
