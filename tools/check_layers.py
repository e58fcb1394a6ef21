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
# Third-party headers and the folders that may include them; a header that shows one is private to its folder.
WALLS = {
    r"boost/asio": {"io"},
    r"boost/beast": {"http"},
    r"yaml-cpp/": {"config"},
    r"sqlite3\.h": {"store"},
    r"CLI/": {"cli"},
    r"spdlog/": {"base"},
    r"simdjson\.h": {"codec", "config"},
    r"openssl/": {"io", "ws", "codec", "expr", "http", "template"},
    r"re2/": {"expr", "template"},
}
RANK = {folder: rank for rank, layer in enumerate(LAYERS) for folder in layer}
INCLUDE = re.compile(r'^\s*#\s*include\s+[<"]([^">]+)[">]')


def allowed(folder: str, target: str) -> bool:
    if folder == target or target in ALSO.get(folder, ()):
        return True
    if folder in ONLY:
        return target in ONLY[folder]
    return RANK[target] < RANK[folder]


def includes(path: pathlib.Path):
    """-> (line number, name) of every include."""
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        match = INCLUDE.match(line)
        if match:
            yield number, match.group(1)


def wall_of(name: str):
    """The folders that may include the third-party header `name`, or None when anyone may."""
    return next((folders for pattern, folders in WALLS.items() if re.match(pattern, name)), None)


def violations(root: pathlib.Path):
    source = root / "src"
    files = {str(path.relative_to(source)): list(includes(path)) for path in sorted(source.rglob("*"))
             if path.suffix in (".h", ".cc")}
    # Headers that show a third-party header, themselves or through another: private to their folder.
    private = {name for name, found in files.items() if name.endswith(".h") and any(wall_of(i) for _, i in found)}
    while True:
        more = {name for name, found in files.items()
                if name.endswith(".h") and name not in private and any(i in private for _, i in found)}
        if not more:
            break
        private |= more
    for name, found in files.items():
        folder = name.split("/")[0]
        if folder not in RANK:
            yield f"src/{name}:1: folder {folder} is in no layer; add it to tools/check_layers.py"
            continue
        for number, target in found:
            place = f"src/{name}:{number}"
            other = target.split("/")[0]
            if other in RANK and target in files and not allowed(folder, other):
                yield f"{place}: {folder} may not include {other}/ (a higher or equal layer)"
            if target in private and other != folder:
                yield f"{place}: {target} shows third-party headers, so it is private to {other}/"
            folders = wall_of(target)
            if folders is not None and folder not in folders:
                yield f"{place}: {target} may be included only in {', '.join(sorted(folders))}"


def main() -> int:
    root = pathlib.Path(__file__).resolve().parent.parent
    found = list(violations(root))
    print("\n".join(found) if found else "layers: ok")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
