#!/usr/bin/env python3
"""Checks that every folder of src/ includes only folders of lower layers.

Prints each violation as file:line and exits 1 if there is one. Also refuses the heavy third-party headers outside of the
folders that wall them off.
"""
import pathlib
import re
import sys

# Folders of one line may not include each other; a folder may include everything in lines above its own.
LAYERS = [
    ["base"],
    ["data"],
    ["config", "metrics"],
    ["io", "codec", "store", "sql"],
    ["ws", "http", "expr", "template"],
    ["plan", "connect"],
    ["exec"],
    ["connectors"],
    ["rule"],
    ["api"],
    ["engine"],
    ["app", "cli"],
]
# cli talks REST: what it may use of the rest.
ONLY = {"cli": {"base", "data", "config", "metrics", "io", "ws", "http"}}
# app is the program: it ties engine and cli together.
ALSO = {"app": {"cli"}, "http": {"io"}, "ws": {"io"}}
# Third-party headers and the folders that may include them (in .cc files only).
WALLS = {
    r"boost/asio": {"io"},
    r"boost/beast": {"http"},
    r"yaml-cpp/": {"config"},
    r"sqlite3\.h": {"store"},
    r"CLI/": {"cli"},
    r"spdlog/": {"base"},
    r"simdjson\.h": {"codec", "config"},
    r"openssl/": {"io", "ws", "codec", "expr", "http", "template"},
    r"re2/": {"expr"},
}
RANK = {folder: rank for rank, layer in enumerate(LAYERS) for folder in layer}
INCLUDE = re.compile(r'^\s*#\s*include\s+(?:"([a-z_]+)/|[<"]([^">]+)[">])')


def allowed(folder: str, target: str) -> bool:
    if folder == target or target in ALSO.get(folder, ()):
        return True
    if folder in ONLY:
        return target in ONLY[folder]
    return RANK[target] < RANK[folder]


def violations(root: pathlib.Path):
    for path in sorted((root / "src").rglob("*")):
        if path.suffix not in (".h", ".cc"):
            continue
        folder = path.relative_to(root / "src").parts[0]
        if folder not in RANK:
            yield f"{path.relative_to(root)}:1: folder {folder} is in no layer; add it to tools/check_layers.py"
            continue
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
            match = INCLUDE.match(line)
            if not match:
                continue
            place = f"{path.relative_to(root)}:{number}"
            target = match.group(1)
            if target in RANK and not allowed(folder, target):
                yield f"{place}: {folder} may not include {target}/ (a higher or equal layer)"
            name = match.group(2) or line.split('"')[1]
            for pattern, folders in WALLS.items():
                if re.match(pattern, name) and (folder not in folders or path.suffix == ".h"):
                    yield f"{place}: {name} may be included only in .cc files of {', '.join(sorted(folders))}"


def main() -> int:
    root = pathlib.Path(__file__).resolve().parent.parent
    found = list(violations(root))
    print("\n".join(found) if found else "layers: ok")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
