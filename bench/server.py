"""A haumea server of its own for one benchmark: private folder, ports chosen by the kernel. Python's standard library only."""
import json
import os
import pathlib
import socket
import subprocess
import tempfile
import time
import urllib.error
import urllib.request


def free_port() -> int:
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def cpu_seconds(pid: int) -> float:
    """User and system time of all threads that are alive, to the nanosecond where the kernel counts them so."""
    try:
        return sum(int(task.read_text().split()[0]) for task in pathlib.Path(f"/proc/{pid}/task").glob("*/schedstat")) / 1e9
    except FileNotFoundError:
        fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


class Server:
    def __init__(self, binary: pathlib.Path, settings=None):
        self.dir = tempfile.TemporaryDirectory(prefix="haumea-bench-")
        self.rest_port, self.data_port = free_port(), free_port()
        environment = dict(os.environ, HAUMEA__BASIC__RESTPORT=str(self.rest_port),
                           HAUMEA__SOURCE__HTTPSERVERPORT=str(self.data_port), HAUMEA__BASIC__RESTIP="127.0.0.1",
                           HAUMEA__SOURCE__HTTPSERVERIP="127.0.0.1", **(settings or {}))
        started = time.monotonic()
        self.log = open(os.path.join(self.dir.name, "server.log"), "wb")
        self.process = subprocess.Popen([str(binary), "serve"], cwd=self.dir.name, env=environment, stdout=self.log,
                                        stderr=subprocess.STDOUT)
        while True:
            try:
                self.rest("GET", "/ping")
                break
            except OSError:
                if self.process.poll() is not None:
                    raise SystemExit("the server ended: " + pathlib.Path(self.log.name).read_text())
                time.sleep(0.001)
        self.start_seconds = time.monotonic() - started

    def rest(self, method, path, body=None):
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(f"http://127.0.0.1:{self.rest_port}{path}", data, method=method)
        try:
            with urllib.request.urlopen(request, timeout=10) as answer:
                return answer.read().decode()
        except urllib.error.HTTPError as error:
            raise SystemExit(f"{method} {path}: {error.code} {error.read().decode()}") from None

    def rss_bytes(self) -> int:
        for line in pathlib.Path(f"/proc/{self.process.pid}/status").read_text().splitlines():
            if line.startswith("VmRSS:"):
                return int(line.split()[1]) * 1024
        return 0

    def stop(self):
        self.process.terminate()
        try:
            self.process.wait(10)
        finally:
            self.process.kill()
            self.log.close()
            self.dir.cleanup()
