#!/usr/bin/env python3
"""Every benchmark: builds the release preset with its benchmarks, runs them and prints their tables; JSON goes to one folder.

bench/run.py [--only pipeline,cache,wire,fanout,footprint] [--out build/bench]
"""
import argparse
import pathlib
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parents[1]
BUILD = ROOT / "build/release"
ALL = ["pipeline", "cache", "wire", "fanout", "footprint"]


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("--only", default=",".join(ALL))
    parser.add_argument("--out", default=str(ROOT / "build/bench"))
    arguments = parser.parse_args()
    wanted = arguments.only.split(",")
    for name in wanted:
        if name not in ALL:
            parser.error(f"unknown benchmark {name!r}; known: {', '.join(ALL)}")
    out = pathlib.Path(arguments.out)
    out.mkdir(parents=True, exist_ok=True)
    subprocess.run(["cmake", "--preset", "release"], cwd=ROOT, check=True, stdout=subprocess.DEVNULL)
    subprocess.run(["cmake", "--build", str(BUILD)], cwd=ROOT, check=True, stdout=subprocess.DEVNULL)
    failed = []
    for name in wanted:
        print(f"\n== {name}", flush=True)
        script = ROOT / "bench" / name / "run.py"
        command = [sys.executable, str(script)] if script.exists() else [str(BUILD / "bench" / name / f"{name}_bench")]
        if subprocess.run(command + ["--json", str(out / f"{name}.json")], cwd=ROOT).returncode != 0:
            failed.append(name)
    print(f"\nJSON: {out}")
    if failed:
        print(f"failed: {', '.join(failed)}")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
