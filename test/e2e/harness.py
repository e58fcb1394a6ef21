"""A haumea server of its own for one test: private folder, free ports, stopped by its process id."""
import asyncio
import contextlib
import json
import os
import pathlib
import random
import signal
import socket
import subprocess
import sys
import tempfile
import time
import unittest
import urllib.error
import urllib.request

import websockets

BINARY = sys.argv.pop(1) if len(sys.argv) > 1 else "build/dev/src/app/haumea"


def free_port() -> int:
    """A port for a server that binds it later. The kernel hands its own choices out again, to any client that connects in
    between, so this one lies below those; the kernel says whether it is free."""
    while True:
        with socket.socket() as s:
            with contextlib.suppress(OSError):
                s.bind(("127.0.0.1", random.randrange(16384, EPHEMERAL)))
                return s.getsockname()[1]


EPHEMERAL = int(pathlib.Path("/proc/sys/net/ipv4/ip_local_port_range").read_text().split()[0])


def wait_for(condition, what: str, seconds: float = 20.0):
    """Polls until condition() is true; the test fails with `what` when it never is."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        result = condition()
        if result:
            return result
        time.sleep(0.01)
    raise AssertionError(f"not within {seconds:g} s: {what}")


class Server:
    def __init__(self, folder=None, **settings):
        self.own_folder = None if folder else tempfile.TemporaryDirectory(prefix="haumea-e2e-")
        self.folder = folder or self.own_folder.name
        self.settings = settings
        self.rest_port, self.data_port = free_port(), free_port()
        self.process, self.wrapper = None, []
        self.start()

    def start(self):
        environment = {k: v for k, v in os.environ.items() if not k.startswith(("HAUMEA__", "KUIPER__"))}
        environment.update(HAUMEA__BASIC__RESTPORT=str(self.rest_port), HAUMEA__SOURCE__HTTPSERVERPORT=str(self.data_port),
                           HAUMEA__BASIC__RESTIP="127.0.0.1", HAUMEA__SOURCE__HTTPSERVERIP="127.0.0.1", TZ="UTC",
                           # Freed memory that AddressSanitizer holds back is none of the server's.
                           ASAN_OPTIONS="quarantine_size_mb=4")
        environment.update(self.settings)
        self.log = open(os.path.join(self.folder, "server.log"), "ab")
        self.process = subprocess.Popen([*self.wrapper, BINARY, "serve"], cwd=self.folder, env=environment, stdin=subprocess.DEVNULL,
                                        stdout=self.log, stderr=subprocess.STDOUT)
        wait_for(self._answers, "the server answers /ping")

    def _answers(self):
        if self.process.poll() is not None:
            raise AssertionError("the server ended:\n" + self.log_text())
        try:
            return self.rest("GET", "/ping")[0] == 200
        except OSError:
            return False

    def log_text(self) -> str:
        return pathlib.Path(self.folder, "server.log").read_text(errors="replace")

    def rest(self, method, path, body=None):
        """-> (status, text)"""
        data = body.encode() if isinstance(body, str) else None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(f"http://127.0.0.1:{self.rest_port}{path}", data, method=method)
        try:
            with urllib.request.urlopen(request, timeout=20) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as error:
            return error.code, error.read().decode()

    def must(self, method, path, body=None):
        status, text = self.rest(method, path, body)
        assert status in (200, 201), f"{method} {path}: {status} {text}"
        return text

    def status(self, rule):
        return json.loads(self.must("GET", f"/rules/{rule}/status"))

    def url(self, path):
        return f"ws://127.0.0.1:{self.data_port}{path}"

    def stop(self, how=signal.SIGTERM):
        """-> exit status"""
        if self.process.poll() is None:
            self.process.send_signal(how)
            try:
                self.process.wait(15)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
                raise AssertionError("the server did not stop within 15 s") from None
        self.log.close()
        return self.process.returncode

    def close(self):
        self.stop()
        if self.own_folder:
            self.own_folder.cleanup()


class ServerTest(unittest.TestCase):
    """One fresh server per test, in self.server."""

    settings: dict = {}

    def setUp(self):
        self.server = Server(**self.settings)
        self.addCleanup(self.server.close)

    def run_async(self, coroutine, seconds=60):
        return asyncio.run(asyncio.wait_for(coroutine, seconds))

    def stream(self, name="demo", path="/in", options=""):
        return self.server.must("POST", "/streams", {
            "sql": f'CREATE STREAM {name} () WITH (DATASOURCE="{path}", TYPE="websocket", FORMAT="json"{options})'})

    def rule(self, rule_id, sql, actions, **more):
        return self.server.must("POST", "/rules", {"id": rule_id, "sql": sql, "actions": actions, **more})


async def receive(socket_, count, seconds=20.0):
    return [await asyncio.wait_for(socket_.recv(), seconds) for _ in range(count)]


connect = websockets.connect
main = unittest.main
