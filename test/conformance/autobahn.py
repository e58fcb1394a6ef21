#!/usr/bin/env python3
"""Runs an installed Autobahn suite against ws_echo; scripts/conformance is the way to call it.

Strict: a case counts only when both verdicts of the suite, for the messages and for the close, are OK, and when the case
really ran. The three cases without a right answer (7.1.6, 7.13.1, 7.13.2) come out as INFORMATIONAL.
"""
import argparse
import collections
import json
import pathlib
import socket
import subprocess
import sys
import time

INFORMATIONAL = {"7.1.6", "7.13.1", "7.13.2"}
COMPRESSION = ("12", "13")


def chosen(case_id, name):
    """Groups 12 and 13 are the same tests with 18 sizes of messages; the short set takes three of them."""
    group, *_, number = case_id.split(".")
    return {"all": True, "plain": group not in COMPRESSION,
            "deflate-short": group in COMPRESSION and number in ("1", "2", "11")}[name]


def listens(port, process):
    while process.poll() is None:
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
            return
        except OSError:
            time.sleep(0.05)
    sys.exit(f"conformance: the server side ended with status {process.returncode}")


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Run:
    def __init__(self, args, name, role, tls):
        self.args, self.role, self.tls = args, role, tls
        self.cases = [case for case in args.known if chosen(case, name)]
        self.folder = args.suite / f"report-{name}-{role}-{'tls' if tls else 'tcp'}"
        self.folder.mkdir(exist_ok=True)
        for old in self.folder.iterdir():
            old.unlink()
        self.pem = [str(args.suite / "cert.pem"), str(args.suite / "key.pem")]
        self.title = f"{name}, ws_echo as {role}, {'TLS' if tls else 'plain TCP'}"

    def wstest(self, mode, spec, *more):
        spec = {"outdir": str(self.folder), "cases": self.cases, "exclude-cases": [], "exclude-agent-cases": {}, **spec}
        path = self.folder / "spec.json"
        path.write_text(json.dumps(spec))
        return [str(self.args.suite / "venv/bin/wstest"), "-m", mode, "-s", str(path), *more]

    def start(self, command, log):
        return subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=open(self.folder / log, "w"),
                                stderr=subprocess.STDOUT)

    def go(self):
        """The table of the suite: case -> its two verdicts."""
        port = free_port()
        url = f"{'wss' if self.tls else 'ws'}://127.0.0.1:{port}"
        if self.role == "server":
            waits = self.start([self.args.echo, "--server", str(port)] + (["--tls", *self.pem] if self.tls else []), "echo.log")
            acts = lambda: self.start(self.wstest("fuzzingclient", {"servers": [{"agent": "ws_echo", "url": url + "/echo"}]}),
                                      "wstest.log")
        else:
            spec = {"url": url, **({"cert": self.pem[0], "key": self.pem[1]} if self.tls else {})}
            waits = self.start(self.wstest("fuzzingserver", spec, "-u", "0"), "wstest.log")
            acts = lambda: self.start([self.args.echo, "--client", url, "ws_echo"], "echo.log")
        try:
            listens(port, waits)
            acting = acts()
            try:
                acting.wait()
            finally:
                acting.kill()
        finally:
            waits.kill()
            waits.wait()
        index = self.folder / "index.json"
        return json.loads(index.read_text()).get("ws_echo", {}) if index.exists() else {}

    def report(self):
        started = time.monotonic()
        print(f"{self.title}: {len(self.cases)} cases", flush=True)
        table = self.go()
        counts, bad = collections.Counter(), []
        for case in self.cases:
            entry = table.get(case, {"behavior": "MISSING", "behaviorClose": "MISSING"})
            verdicts = entry["behavior"], entry["behaviorClose"]
            word = "INFORMATIONAL" if case in INFORMATIONAL and set(verdicts) == {"INFORMATIONAL"} else \
                "OK" if set(verdicts) == {"OK"} else "BAD"
            counts[word] += 1
            if word == "BAD":
                bad.append(f"  {case}: messages {verdicts[0]}, close {verdicts[1]}")
        print("\n".join(bad + [f"  {', '.join(f'{count} {word}' for word, count in sorted(counts.items(), reverse=True))}"
                               f" ({time.monotonic() - started:.0f} s)"]), flush=True)
        return not bad


def main():
    parser = argparse.ArgumentParser(prog="scripts/conformance")
    parser.add_argument("suite", type=pathlib.Path)
    parser.add_argument("echo")
    parser.add_argument("--all", action="store_true")
    parser.add_argument("--only", choices=("plain", "deflate-short", "all"))
    parser.add_argument("--role", choices=("server", "client"))
    parser.add_argument("--tls", action="store_true")
    parser.add_argument("--tcp", action="store_true")
    args = parser.parse_args()
    args.suite = args.suite.resolve()
    names = "from autobahntestsuite.case import Cases; print(' '.join(case.__name__ for case in Cases))"
    found = subprocess.run([args.suite / "venv/bin/python", "-W", "ignore", "-c", names], capture_output=True, text=True,
                           check=True).stdout.split()
    args.known = sorted((name[len("Case"):].replace("_", ".") for name in found), key=lambda c: [int(n) for n in c.split(".")])

    sets = [args.only] if args.only else ["all"] if args.all else ["plain", "deflate-short"]
    roles = [args.role] if args.role else ["server", "client"]
    secure = [True] if args.tls else [False] if args.tcp or args.all else [False, True]
    good = [Run(args, name, role, tls).report() for name in sets for tls in secure for role in roles]
    print("conformance: " + ("passed" if all(good) else f"FAILED, reports are in {args.suite}"))
    return 0 if all(good) else 1


if __name__ == "__main__":
    sys.exit(main())
