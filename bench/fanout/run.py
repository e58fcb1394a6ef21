#!/usr/bin/env python3
"""Fan-out of 512-byte messages: the hub of src/ws against a raw epoll hub, side by side.

    bench/fanout/run.py [--build build/release] [--seconds 3] [--clients 1,100,1000,5000] [--json out.json]

Full rate: as fast as the slowest client takes it. Low rate: about 10,000 deliveries a second. CPU is the server's.
`stuck`: the hub with one more client that never reads."""
import argparse
import json
import pathlib
import resource
import subprocess
import sys


def measure(folder, mode, clients, rate, seconds, stuck=0):
    server = subprocess.Popen([folder / "fanout_server", *mode], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    try:
        port = server.stdout.readline().split()[1]
        memory_before = rss_bytes(server.pid)
        load = subprocess.Popen([folder / "fanout_load", port, str(clients), str(stuck)], stdin=subprocess.PIPE,
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
    got["server"] = served
    got["deliveries_per_second"] = got["deliveries"] / served["seconds"]
    got["cpu_us_per_delivery"] = served["cpu_seconds"] * 1e6 / max(got["deliveries"], 1)
    got["bytes_per_client"] = memory / clients
    return got


def rss_bytes(pid):
    for line in pathlib.Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) * 1024
    return 0


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--build", default="build/release")
    parser.add_argument("--seconds", type=float, default=3)
    parser.add_argument("--clients", default="1,100,1000,5000")
    parser.add_argument("--json")
    args = parser.parse_args()
    folder = pathlib.Path(args.build) / "bench" / "fanout"
    if not (folder / "fanout_server").exists():
        sys.exit(f"{folder}/fanout_server is missing; build the targets fanout_server and fanout_load")
    counts = [int(n) for n in args.clients.split(",")]
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft < max(counts) + 100:
        resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, max(counts) + 1000), hard))
    results = []
    print(f"{'clients':>7} {'rate':>5} {'hub':>6} {'deliveries/s':>13} {'us CPU each':>12} {'missing':>8} "
          f"{'p50 us':>9} {'p99 us':>10} {'B/client':>9}")
    for clients in counts:
        for rate_name, rate in (("low", max(10_000 / clients, 2)), ("full", 0)):
            runs = [("raw", ["--raw"], 0), ("ws", [], 0)]
            if rate_name == "low" and clients >= 100:
                runs.append(("stuck", ["--drop"], 1))
            for name, mode, stuck in runs:
                result = measure(folder, mode, clients, min(rate, 1000), args.seconds, stuck)
                result.update(clients=clients, rate=rate_name, hub=name)
                results.append(result)
                print(f"{clients:>7} {rate_name:>5} {name:>6} {result['deliveries_per_second']:>13,.0f} "
                      f"{result['cpu_us_per_delivery']:>12.2f} {result['missing'] + result['disorder'] + result['broken']:>8} "
                      f"{result['p50_us']:>9,.0f} {result['p99_us']:>10,.0f} {result['bytes_per_client']:>9,.0f}", flush=True)
    if args.json:
        pathlib.Path(args.json).write_text(json.dumps(results, indent=1) + "\n")


if __name__ == "__main__":
    main()
