#!/usr/bin/env python3
"""Fan-out of 512-byte messages: the hub of src/ws against a raw epoll hub, side by side.

    bench/fanout/run.py [--build build/release] [--seconds 2] [--repeat 3] [--clients 1,100,1000,5000] [--json out.json]

Full rate: as fast as the slowest client takes it. Low rate: about 10,000 deliveries a second. CPU is the server's. Every row
is the median of its runs, which take turns with those of the other rows, so that what else the machine does hits all alike.

raw       the epoll hub            ws       the hub, waiting for slow clients      tls, deflate   the same so
drop      the hub, which drops for slow clients      stalled  the same with one more client that never reads
other     as ws, with one client of another path, which gets 100 messages a second and sends 100 pings: how long they take while
          all the others are served (from the moment a message was due, or a ping was sent)"""
import argparse
import json
import pathlib
import resource
import statistics
import subprocess
import sys

# name: flags of the server, flags of the load
VARIANTS = {
    "raw": (["--raw"], []),
    "ws": ([], []),
    "tls": (["--tls"], ["--tls"]),
    "deflate": (["--deflate"], ["--deflate"]),
    "drop": (["--drop"], []),
    "stalled": (["--drop"], ["--stuck", "1"]),
    "other": ([], ["--other"]),
}
MEDIANS = ("deliveries_per_second", "cpu_us_per_delivery", "p50_us", "p99_us", "bytes_per_client")
SUMS = ("missing", "disorder", "broken", "closed", "deliveries", "dropped")


def measure(folder, variant, clients, rate, seconds):
    server_flags, load_flags = VARIANTS[variant]
    server = subprocess.Popen([folder / "fanout_server", *server_flags], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    try:
        port = server.stdout.readline().split()[1]
        memory_before = rss_bytes(server.pid)
        load = subprocess.Popen([folder / "fanout_load", port, str(clients), *load_flags], stdin=subprocess.PIPE,
                                stdout=subprocess.PIPE, text=True)
        if load.stdout.readline().strip() != "ready":
            raise SystemExit("the load did not get ready")
        memory = rss_bytes(server.pid) - memory_before
        server.stdin.write(f"run {rate} {seconds}\n")
        server.stdin.flush()
        served = json.loads(server.stdout.readline())
        output, _ = load.communicate("stop\n", timeout=120)
        got = json.loads(output)
    finally:
        server.kill()
        server.wait()
    got["dropped"] = served.get("dropped", 0)
    got["deliveries_per_second"] = got["deliveries"] / served["seconds"]
    got["cpu_us_per_delivery"] = served["cpu_seconds"] * 1e6 / max(got["deliveries"], 1)
    got["bytes_per_client"] = memory / clients
    return got


def rss_bytes(pid):
    for line in pathlib.Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) * 1024
    return 0


def summary(runs):
    row = {key: statistics.median(run[key] for run in runs) for key in MEDIANS}
    row.update({key: sum(run[key] for run in runs) for key in SUMS})
    row.update({key: statistics.median(run[key] for run in runs) for key in runs[0] if key.startswith(("other_", "pong_"))})
    return row


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--build", default="build/release")
    parser.add_argument("--seconds", type=float, default=2)
    parser.add_argument("--repeat", type=int, default=3)
    parser.add_argument("--clients", default="1,100,1000,5000")
    parser.add_argument("--variants", default=",".join(VARIANTS))
    parser.add_argument("--json")
    args = parser.parse_args()
    folder = pathlib.Path(args.build) / "bench" / "fanout"
    if not (folder / "fanout_server").exists():
        sys.exit(f"{folder}/fanout_server is missing; build the targets fanout_server and fanout_load")
    counts = [int(n) for n in args.clients.split(",")]
    wanted = args.variants.split(",")
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft < max(counts) + 100:
        resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, max(counts) + 1000), hard))
    results = []
    print(f"{'clients':>7} {'rate':>5} {'hub':>8} {'deliveries/s':>13} {'us CPU each':>12} {'lost':>6} {'p50 us':>9} {'p99 us':>10} "
          f"{'B/client':>9}")
    for clients in counts:
        names = [name for name in wanted if clients >= 100 or name in ("raw", "ws")]
        for rate_name, rate in (("low", min(max(10_000 / clients, 2), 1000)), ("full", 0)):
            runs = {name: [] for name in names}
            for turn in range(args.repeat):
                for name in names if turn % 2 == 0 else reversed(names):
                    runs[name].append(measure(folder, name, clients, rate, args.seconds))
            for name in names:
                row = {"clients": clients, "rate": rate_name, "hub": name, **summary(runs[name])}
                results.append(row)
                print(f"{clients:>7} {rate_name:>5} {name:>8} {row['deliveries_per_second']:>13,.0f} {row['cpu_us_per_delivery']:>12.2f} "
                      f"{row['missing'] + row['disorder'] + row['broken']:>6} {row['p50_us']:>9,.0f} {row['p99_us']:>10,.0f} "
                      f"{row['bytes_per_client']:>9,.0f}", flush=True)
                for what, text in (("other", "a message of another path"), ("pong", "a ping of its client")):
                    if f"{what}_p50_us" in row:
                        print(f"{'':>14} {text:<34} p50 {row[what + '_p50_us']:,.0f} us, p99 {row[what + '_p99_us']:,.0f} us, "
                              f"longest {row[what + '_max_us']:,.0f} us", flush=True)
    if args.json:
        pathlib.Path(args.json).write_text(json.dumps(results, indent=1) + "\n")


if __name__ == "__main__":
    main()
