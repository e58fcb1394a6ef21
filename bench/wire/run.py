#!/usr/bin/env python3
"""WebSocket in, a filter rule, WebSocket out: CPU of the server per event, latency, loss, at fixed rates and at full flood; next
to each the same traffic through a bare epoll loop that forwards the same frames unread.

bench/wire/run.py [--build build/release] [--seconds 3] [--repeat 3] [--rates 10000,100000,300000,500000,0] [--json FILE]

The two take turns and every row is the median of its runs, because what the machine gives changes from minute to minute: the
ratio of the two counts. Half of the events pass the rule; the rates with a "+" are those where all pass (one read and one send
per event)."""
import argparse
import contextlib
import json
import pathlib
import statistics
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "bench"))
from server import Server, cpu_seconds  # noqa: E402


@contextlib.contextmanager
def haumea(build, above):
    server = Server(build / "src/app/haumea")
    try:
        server.rest("POST", "/streams", {"sql": 'CREATE STREAM s () WITH (TYPE="websocket", DATASOURCE="/in", FORMAT="json")'})
        server.rest("POST", "/rules", {"id": "r", "sql": f"SELECT seq, t, a, b * 2 AS c FROM s WHERE a > {above}",
                                       "actions": [{"websocket": {"path": "/out", "sendSingle": True}}]})
        yield server.data_port, server.process.pid
    finally:
        server.stop()


@contextlib.contextmanager
def raw(build, above):
    process = subprocess.Popen([build / "bench/wire/raw_wire", "--above", str(above)], stdin=subprocess.PIPE,
                               stdout=subprocess.PIPE, text=True)
    try:
        yield int(process.stdout.readline().split()[1]), process.pid
    finally:
        process.stdin.close()
        process.wait(10)
        process.stdout.close()


def measure(peer, build, rate, above, seconds):
    with peer(build, above) as (port, pid):
        before = cpu_seconds(pid)
        run = subprocess.run([build / "bench/wire/wire_load", str(port), "/in", "/out", "--rate", str(rate), "--seconds",
                              str(seconds), "--above", str(above)], check=True, capture_output=True, text=True)
        row = json.loads(run.stdout)
        row["cpu_us_per_event"] = (cpu_seconds(pid) - before) / max(1, row["sent"]) * 1e6
        row["lost"] = row["expected"] - row["received"]
        return row


def median(runs, key):
    return statistics.median(run[key] for run in runs)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--build", default=str(ROOT / "build/release"))
    parser.add_argument("--seconds", type=float, default=3)
    parser.add_argument("--repeat", type=int, default=3)
    parser.add_argument("--rates", default="10000,10000+,100000,300000,500000,0")
    parser.add_argument("--json")
    arguments = parser.parse_args()
    build = pathlib.Path(arguments.build).resolve()
    for program in ("src/app/haumea", "bench/wire/wire_load", "bench/wire/raw_wire"):
        if not (build / program).exists():
            sys.exit(f"{build / program} is missing; build the targets haumea, wire_load and raw_wire")
    rows = []
    print(f"{'':>9} {'':>10} {'CPU us per event':^24} {'':>7} {'':>9} {'p50 us':^15} {'p99 us':^15}")
    print(f"{'rate':>9} {'events/s':>10} {'Haumea':>8} {'raw':>7} {'ratio':>7} {'lost':>7} {'disorder':>9} {'Haumea':>8} {'raw':>6} "
          f"{'Haumea':>8} {'raw':>6}")
    for name in arguments.rates.split(","):
        rate, above = int(name.rstrip("+")), -1 if name.endswith("+") else 3
        ours, bare = [], []
        for _ in range(arguments.repeat):
            bare.append(measure(raw, build, rate, above, arguments.seconds))
            ours.append(measure(haumea, build, rate, above, arguments.seconds))
        row = {key: median(ours, key) for key in ("events_per_s", "cpu_us_per_event", "p50_us", "p99_us")}
        row.update({f"raw_{key}": median(bare, key) for key in ("events_per_s", "cpu_us_per_event", "p50_us", "p99_us")})
        row.update(rate=rate, passing="all" if above < 0 else "half", lost=sum(run["lost"] for run in ours),
                   disorder=sum(run["disorder"] for run in ours),
                   ratio=row["cpu_us_per_event"] / row["raw_cpu_us_per_event"])
        rows.append(row)
        print(f"{name if rate else 'flood':>9} {row['events_per_s']:>10.0f} {row['cpu_us_per_event']:>8.2f} "
              f"{row['raw_cpu_us_per_event']:>7.2f} {row['ratio']:>7.2f} {row['lost']:>7} {row['disorder']:>9} {row['p50_us']:>8.1f} "
              f"{row['raw_p50_us']:>6.1f} {row['p99_us']:>8.1f} {row['raw_p99_us']:>6.1f}", flush=True)
    if arguments.json:
        pathlib.Path(arguments.json).write_text(json.dumps(rows, indent=1) + "\n")


if __name__ == "__main__":
    main()
