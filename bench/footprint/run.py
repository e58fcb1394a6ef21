#!/usr/bin/env python3
"""Size of the stripped binary, time from start to the first REST answer, memory when idle.

bench/footprint/run.py [--build build/release] [--json FILE]
"""
import argparse
import json
import pathlib
import statistics
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "bench"))
from server import Server  # noqa: E402


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--build", default=str(ROOT / "build/release"))
    parser.add_argument("--json")
    arguments = parser.parse_args()
    binary = pathlib.Path(arguments.build) / "src/app/haumea"
    with tempfile.TemporaryDirectory() as folder:
        stripped = pathlib.Path(folder) / "haumea"
        subprocess.run(["strip", "-o", str(stripped), str(binary)], check=True)
        size = stripped.stat().st_size
        starts, memory = [], []
        for _ in range(5):
            server = Server(stripped)
            starts.append(server.start_seconds)
            time.sleep(1)
            memory.append(server.rss_bytes())
            server.stop()
    row = {"stripped_bytes": size, "start_ms": statistics.median(starts) * 1e3, "idle_rss_bytes": int(statistics.median(memory))}
    print(f"stripped binary      {size / 1e6:8.1f} MB   (at most 15)")
    print(f"start to REST answer {row['start_ms']:8.1f} ms   (at most 50)")
    print(f"idle memory (RSS)    {row['idle_rss_bytes'] / 1e6:8.1f} MB   (at most 15)")
    if arguments.json:
        pathlib.Path(arguments.json).write_text(json.dumps(row, indent=1) + "\n")


if __name__ == "__main__":
    main()
