"""Peers that fail on purpose, and one view of a connection from everywhere it is shown."""
import asyncio
import base64
import contextlib
import hashlib
import json
import os
import socket
import struct
import subprocess
import sys
import threading
import time
import urllib.request

from harness import free_port, wait_for
from weakness import WeaknessTest

REMOTE_PROCESS = """
import asyncio, sys, websockets
async def handle(peer, path=None):
    try:
        async for message in peer:
            print(message, flush=True)
    except websockets.ConnectionClosed:
        pass
async def run():
    async with websockets.serve(handle, "127.0.0.1", int(sys.argv[1]), ping_interval=None):
        await asyncio.Future()
asyncio.run(run())
"""


class RemoteProcess:
    """A WebSocket server in a process of its own, which can be killed; what it gets is kept over its deaths."""

    def __init__(self, folder):
        self.port, self.file, self.process = free_port(), os.path.join(folder, "remote.txt"), None

    @property
    def addr(self):
        return f"127.0.0.1:{self.port}"

    def start(self):
        with open(self.file, "ab") as output:
            self.process = subprocess.Popen([sys.executable, "-c", REMOTE_PROCESS, str(self.port)], stdout=output)
        wait_for(self.listens, "the remote listens")

    def listens(self):
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", self.port), 1):
            return True
        return False

    def kill(self):
        """SIGKILL; no goodbye but the kernel's."""
        if self.process and self.process.poll() is None:
            self.process.kill()
        if self.process:
            self.process.wait()

    def got(self):
        with open(self.file, encoding="utf-8") as lines:
            return lines.read().split()


class Listener:
    """Accepts connections in a thread of its own; a subclass says in `connected(socket)` what it does with them."""

    def __init__(self, receive_buffer=0):
        self.listening = socket.socket()
        if receive_buffer:
            self.listening.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        self.listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.listening.bind(("127.0.0.1", 0))
        self.listening.listen(128)
        self.port = self.listening.getsockname()[1]
        threading.Thread(target=self.accept, daemon=True).start()

    @property
    def addr(self):
        return f"127.0.0.1:{self.port}"

    def accept(self):
        with contextlib.suppress(OSError):
            while True:
                self.connected(self.listening.accept()[0])

    def close(self):
        self.listening.close()


class Tap(Listener):
    """A TCP proxy that can stop forwarding without closing anything (a cable pulled out, a NAT that forgot), and that
    can reset a connection after a number of bytes of the answer."""

    def __init__(self, target_port):
        self.target_port, self.frozen, self.cut_after = target_port, False, None
        self.sockets, self.lock = [], threading.Lock()
        super().__init__()

    def connected(self, near):
        with self.lock:
            self.sockets.append(near)
        if not self.frozen:
            try:
                far = socket.create_connection(("127.0.0.1", self.target_port), 10)
            except OSError:
                near.close()
                return
            with self.lock:
                self.sockets.append(far)
            limit = self.cut_after
            for source, sink, cut in ((near, far, None), (far, near, limit)):
                threading.Thread(target=self.pump, args=(source, sink, cut), daemon=True).start()

    def pump(self, source, sink, cut):
        with contextlib.suppress(OSError):
            if cut == 0:
                reset(sink)
            while data := source.recv(65536):
                if self.frozen:
                    return  # taken from the sender and never delivered; both ends stay open
                if cut is not None and len(data) >= cut:
                    sink.sendall(data[:cut])
                    reset(sink)
                    reset(source)
                    return
                cut = None if cut is None else cut - len(data)
                sink.sendall(data)
            sink.shutdown(socket.SHUT_WR)

    def freeze(self):
        self.frozen = True

    def thaw(self):
        """New connections are forwarded again; those of before are dead."""
        with self.lock:
            old, self.sockets = self.sockets, []
        self.frozen = False
        for one in old:
            with contextlib.suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)
            one.close()

    def close(self):
        super().close()
        self.frozen = True
        self.thaw()


def reset(peer):
    """Ends a connection by RST."""
    with contextlib.suppress(OSError):
        peer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        peer.shutdown(socket.SHUT_RD)  # wakes a thread that reads it and would keep it open
    peer.close()


def accept_for(head):
    """The 101 for a request."""
    key = next(line.split(b": ", 1)[1] for line in head.split(b"\r\n") if line.lower().startswith(b"sec-websocket-key:"))
    accept = base64.b64encode(hashlib.sha1(key.strip() + b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11").digest())
    return b"HTTP/1.1 101 x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: " + accept + b"\r\n\r\n"


def read_head(peer):
    """A request or answer up to its empty line."""
    head = b""
    while b"\r\n\r\n" not in head:
        more = peer.recv(4096)
        if not more:
            raise ConnectionError("ended within the head")
        head += more
    return head


class ScriptedRemote(Listener):
    """Does with each connection what `script(socket, number)` says, in a thread each."""

    def __init__(self, script, receive_buffer=0):
        self.script, self.count = script, 0
        super().__init__(receive_buffer)

    def connected(self, peer):
        threading.Thread(target=self.run, args=(peer, self.count), daemon=True).start()
        self.count += 1

    def run(self, peer, number):
        with contextlib.suppress(OSError):
            self.script(peer, number)


class Frames:
    """What a server reads and writes on one connection after its 101."""

    def __init__(self, reader, writer):
        self.reader, self.writer = reader, writer

    async def next(self):
        """-> (opcode, payload) of a frame of a client"""
        first, second = await self.reader.readexactly(2)
        size = second & 0x7F
        if size == 126:
            size = struct.unpack(">H", await self.reader.readexactly(2))[0]
        elif size == 127:
            size = struct.unpack(">Q", await self.reader.readexactly(8))[0]
        mask = await self.reader.readexactly(4)
        payload = await self.reader.readexactly(size)
        whole = int.from_bytes(payload, "big") ^ int.from_bytes((mask * (size // 4 + 1))[:size], "big")
        return first & 0x0F, whole.to_bytes(size, "big")

    def send(self, opcode, payload):
        assert len(payload) < 126
        self.writer.write(bytes([0x80 | opcode, len(payload)]) + payload)


class FaultTest(WeaknessTest):
    def setUp(self):
        self.prometheus_port = free_port()
        self.settings = {**type(self).settings, "HAUMEA__BASIC__PROMETHEUS": "true",
                         "HAUMEA__BASIC__PROMETHEUSPORT": str(self.prometheus_port)}
        super().setUp()

    def tap(self, port):
        tap = Tap(port)
        self.addCleanup(tap.close)
        return tap

    def scripted(self, script, **options):
        remote = ScriptedRemote(script, **options)
        self.addCleanup(remote.close)
        return remote

    def soon(self, method, path, body=None):
        """A change that has to be over within 2 s (contract §2); on a machine so busy that /ping takes long, in as many times
        more."""
        begin = time.monotonic()
        self.server.must("GET", "/ping")
        ping = time.monotonic() - begin
        begin = time.monotonic()
        self.server.must(method, path, body)
        self.assertLess(time.monotonic() - begin, max(2, 20 * ping), path)

    def metrics(self):
        with urllib.request.urlopen(f"http://127.0.0.1:{self.prometheus_port}/metrics", timeout=20) as answer:
            lines = answer.read().decode().splitlines()
        return dict(line.rsplit(" ", 1) for line in lines if not line.startswith("#"))

    def named(self, name, addr, path="/x", **props):
        """A named connection in client role; rules select it, so that every view has it."""
        self.server.must("POST", "/connections", {"id": name, "typ": "websocket", "props": {"addr": addr, "path": path, **props}})

    def views(self, rule, name, url, node="sink_websocket_0"):
        """-> what the status of the rule, /connections, /connections/{id} and Prometheus say: one list each"""
        status, metrics = self.server.status(rule), self.metrics()
        listed = {c["id"]: c for c in json.loads(self.server.must("GET", "/connections"))}[name]
        single = json.loads(self.server.must("GET", f"/connections/{name}"))
        states = {"connected": 1, "connecting": 0, "disconnected": -1}
        steps = ("dns", "tcp", "proxy", "tls", "http", "websocket")
        reasons = ("oldest", "newest", "conflated", "closed")

        def of_status(key):
            return status.get(f"{node}_0_connection_{key}", 0)

        def of_metrics(key, label=""):
            return int(metrics[f'haumea_connection_{key}{{connection="{url}"{label}}}'])

        def of_rest(one):
            stats = one["stats"]
            return [states[one["status"]], stats.get("lastError", ""), stats["reconnects"], stats["disconnects"],
                    {s: stats["handshakeFailures"][s] for s in steps}, {r: stats["dropped"][r] for r in reasons}]
        return [
            [of_status("status"), of_status("last_disconnected_message") or "", of_status("reconnects_total"),
             of_status("disconnects_total"), {s: of_status(f"handshake_failures_{s}_total") for s in steps},
             {r: of_status(f"dropped_{r}_total") for r in reasons}],
            of_rest(listed), of_rest(single),
            [of_metrics("status"), None, of_metrics("reconnects_total"), of_metrics("disconnects_total"),
             {s: of_metrics("handshake_failures_total", f',step="{s}"') for s in steps},
             {r: of_metrics("dropped_total", f',reason="{r}"') for r in reasons}]]

    def agreed(self, rule, name, url, node="sink_websocket_0"):
        """Waits until all views say the same (they are read one after the other) and returns it."""
        last = []

        def same():
            last[:] = self.views(rule, name, url, node)
            last[3][1] = last[0][1]  # Prometheus has no texts
            return all(view == last[0] for view in last)
        try:
            wait_for(same, "all views agree")
        except AssertionError:
            self.fail(f"the views differ: {last}")
        return dict(zip(("state", "error", "reconnects", "disconnects", "failures", "dropped"), last[0]))

    def numbers(self, first, last):
        return [json.dumps({"a": a}, separators=(",", ":")) for a in range(first, last + 1)]

    async def feed(self, into, first, last):
        for text in self.numbers(first, last):
            await into.send(text)
        await into.ping()
