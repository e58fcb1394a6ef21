#!/usr/bin/env python3
"""WebSocket in, a filter rule, WebSocket out: CPU of the server per event, latency, loss, at fixed rates and at full flood.

bench/wire/run.py [--build build/release] [--seconds 5] [--json FILE]
"""
import argparse
import json
import pathlib
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "bench"))
from server import Server  # noqa: E402


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--build", default=str(ROOT / "build/release"))
    parser.add_argument("--seconds", type=float, default=5)
    parser.add_argument("--rates", default="10000,100000,300000,500000,0")
    parser.add_argument("--json")
    arguments = parser.parse_args()
    build = pathlib.Path(arguments.build)
    rows = []
    print(f"{'rate':>9} {'events/s':>10} {'CPU us/event':>13} {'lost':>7} {'disorder':>9} {'p50 us':>9} {'p99 us':>10}")
    for rate in [int(r) for r in arguments.rates.split(",")]:
        server = Server(build / "src/app/haumea")
        try:
            server.rest("POST", "/streams", {"sql": 'CREATE STREAM s () WITH (TYPE="websocket", DATASOURCE="/in", FORMAT="json")'})
            server.rest("POST", "/rules", {"id": "r", "sql": "SELECT seq, t, a, b * 2 AS c FROM s WHERE a > 3",
                                           "actions": [{"websocket": {"path": "/out", "sendSingle": True}}]})
            before = server.cpu_seconds()
            run = subprocess.run([str(build / "bench/wire/wire_load"), str(server.data_port), "/in", "/out", "--rate", str(rate),
                                  "--seconds", str(arguments.seconds)], check=True, capture_output=True, text=True)
            row = json.loads(run.stdout)
            row.update(rate=rate, cpu_us_per_event=(server.cpu_seconds() - before) / max(1, row["sent"]) * 1e6,
                       lost=row["expected"] - row["received"])
            rows.append(row)
            print(f"{rate or 'flood':>9} {row['events_per_s']:>10.0f} {row['cpu_us_per_event']:>13.2f} {row['lost']:>7} "
                  f"{row['disorder']:>9} {row['p50_us']:>9.1f} {row['p99_us']:>10.1f}", flush=True)
        finally:
            server.stop()
    if arguments.json:
        pathlib.Path(arguments.json).write_text(json.dumps(rows, indent=1) + "\n")


if __name__ == "__main__":
    main()
