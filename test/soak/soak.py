"""A long flood through one rule to many clients, of which one in a hundred never reads.

    test/soak/soak.py build/release/src/app/haumea --seconds 1800

The readers set the pace: the source stays at most --ahead messages in front of the slowest of them, which is less than
their backlog. What they get has to equal, byte for byte, what was sent: no loss, no repetition, no wrong order. Those who
never read lose messages, are closed for want of pongs, and come again. Memory has to stay flat. Exit status 0 when all
of this held."""
import argparse
import json
import os
import pathlib
import selectors
import socket
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "e2e"))
if len(sys.argv) > 1 and os.path.exists(sys.argv[1]):
    sys.argv[1] = os.path.abspath(sys.argv[1])
from harness import Server  # noqa: E402  (takes the program's path from the command line)

PADDING = "x" * 170
FIRST = 1_000_000_000  # so that all numbers have the same length
BLOCK = 500  # messages that are made at once


def message(number):
    return b'{"a":%d,"p":"%s"}' % (FIRST + number, PADDING.encode())


LENGTH = len(message(0))
assert 126 <= LENGTH < 65536
HEAD = b"\x81\x7e" + LENGTH.to_bytes(2, "big")
MASKED_HEAD = b"\x81\xfe" + LENGTH.to_bytes(2, "big") + bytes(4)  # a mask of zeros
FRAME = len(HEAD) + LENGTH


def open_client(port, path, receive_buffer=0):
    client = socket.socket()
    if receive_buffer:
        client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
    client.settimeout(60)
    client.connect(("127.0.0.1", port))
    client.sendall(f"GET {path} HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                   "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n".encode())
    head = b""
    while not head.endswith(b"\r\n\r\n"):
        byte = client.recv(1)
        assert byte, f"no handshake: {head}"
        head += byte
    assert b" 101 " in head, head
    client.setblocking(False)
    return client


class Reader:
    """Compares what comes with what was sent."""

    def __init__(self, client):
        self.client, self.position = client, 0  # bytes of the stream of frames
        self.kept = b""  # the beginning of a ping

    def read(self, sent):
        for _ in range(4):
            try:
                data = self.client.recv(1 << 18)
            except BlockingIOError:
                return
            assert data, f"a reader was cut after {self.position // FRAME} messages"
            data = self.kept + data
            self.kept = b""
            if data != sent.get(self.position, len(data)):
                data = self.without_pings(data)
                assert data == sent.get(self.position, len(data)), \
                    f"a reader got something else than was sent, near message {self.position // FRAME}"
            self.position += len(data)

    def without_pings(self, data):
        """Pings stand between messages; they are answered here."""
        at = -self.position % FRAME
        while at < len(data):
            if data[at] != 0x89:
                at += FRAME
                continue
            end = at + 2 + (data[at + 1] if at + 1 < len(data) else 0)
            if end > len(data) or end == at + 2:
                self.kept = data[at:]
                return data[:at]
            self.client.send(b"\x8a" + bytes([0x80 | data[at + 1]]) + bytes(4) + data[at + 2:end])
            data = data[:at] + data[end:]
        return data


class Sent:
    """The last part of the stream of frames that every reader has to get."""

    def __init__(self):
        self.base, self.bytes, self.count = 0, bytearray(), 0

    def make(self):
        """-> the next block as a client's frames"""
        block = [message(self.count + i) for i in range(BLOCK)]
        self.count += BLOCK
        self.bytes += b"".join(HEAD + one for one in block)
        return b"".join(MASKED_HEAD + one for one in block)

    def get(self, position, size):
        return self.bytes[position - self.base:position - self.base + size]

    def forget(self, position):
        if position - self.base > 8 << 20:
            del self.bytes[:position - self.base]
            self.base = position


class Soak:
    def __init__(self, options):
        self.options = options
        self.server = Server()
        self.sent = Sent()
        self.rss, self.stalled, self.cut = [], [], 0

    def run(self):
        server, options = self.server, self.options
        server.must("POST", "/streams", {"sql": 'CREATE STREAM demo () WITH (DATASOURCE="/in", TYPE="websocket", FORMAT="json")'})
        server.must("POST", "/rules", {"id": "soak", "sql": "SELECT * FROM demo", "actions": [{"websocket": {
            "path": "/out", "sendSingle": True, "pingInterval": "10s", "pongTimeout": "5s"}}]})
        count = max(options.clients // 100, 1)
        readers = [Reader(open_client(server.data_port, "/out")) for _ in range(options.clients - count)]
        self.stalled = [open_client(server.data_port, "/out", 4096) for _ in range(count)]
        source = open_client(server.data_port, "/in")
        poll = selectors.DefaultSelector()
        for reader in readers:
            poll.register(reader.client, selectors.EVENT_READ, reader)
        poll.register(source, selectors.EVENT_READ)  # only to see its end
        waiting = memoryview(b"")
        begin = report = time.monotonic()
        print(f"{'s':>6} {'messages':>12} {'per s':>9} {'deliveries':>14} {'RSS MiB':>8} {'stalled came again':>18}", flush=True)
        while True:
            now = time.monotonic()
            over = now - begin >= options.seconds
            slowest = min(reader.position for reader in readers)
            if over and slowest == self.sent.count * FRAME and not waiting:
                break
            assert now - begin < options.seconds + 120, "the readers did not get the last messages"
            if now >= report:
                report = now + options.report
                self.report(now - begin, readers)
                self.renew_stalled()
            if not waiting and not over and self.sent.count - slowest // FRAME < options.ahead:
                waiting = memoryview(self.sent.make())
            if waiting:
                try:
                    waiting = waiting[source.send(waiting):]
                except BlockingIOError:
                    pass
            for key, _ in poll.select(0.01 if not waiting else 0.0005):
                if key.data is not None:
                    key.data.read(self.sent)
            self.sent.forget(slowest)
        self.report(time.monotonic() - begin, readers)
        return self.judge(readers)

    def renew_stalled(self):
        """Who was closed for want of pongs comes again."""
        alive = {client["address"] for client in json.loads(self.server.must("GET", "/connection/websocket/clients?endpoint=/out"))}
        for index, client in enumerate(self.stalled):
            if "%s:%d" % client.getsockname() not in alive:
                client.close()
                self.cut += 1
                self.stalled[index] = open_client(self.server.data_port, "/out", 4096)

    def report(self, elapsed, readers):
        with open(f"/proc/{self.server.process.pid}/status", encoding="ascii") as lines:
            rss = next(int(line.split()[1]) for line in lines if line.startswith("VmRSS:")) / 1024
        self.rss.append(rss)
        total = sum(reader.position for reader in readers) // FRAME
        print(f"{elapsed:6.0f} {self.sent.count:12,} {self.sent.count / max(elapsed, 1):9,.0f} {total:14,} {rss:8.1f} {self.cut:18}",
              flush=True)

    def judge(self, readers):
        status = self.server.status("soak")
        listed = {c["address"]: c for c in json.loads(self.server.must("GET", "/connection/websocket/clients?endpoint=/out"))}
        dropped = [listed["%s:%d" % reader.client.getsockname()]["dropped"] for reader in readers]
        # The first quarter is for the program to reach its size.
        settled = self.rss[max(len(self.rss) // 4, 1):]
        growth = max(settled[len(settled) // 2:]) - max(settled[:max(len(settled) // 2, 1)])
        bound = 8 + 0.05 * max(settled)
        print(f"sent {self.sent.count:,}, in {status['source_demo_0_records_in_total']:,}, readers that lost something "
              f"{sum(1 for one in dropped if one)} of {len(dropped)}, dropped for those who never read "
              f"{status.get('sink_websocket_0_0_dropped_slow_client_total', 0):,}, memory grew by {growth:.1f} MiB (bound {bound:.1f})")
        assert status["source_demo_0_records_in_total"] == self.sent.count
        assert not any(dropped)
        assert status["sink_websocket_0_0_dropped_total"] == status.get("sink_websocket_0_0_dropped_slow_client_total", 0)
        assert growth <= bound, "memory is not flat"
        assert " error " not in self.server.log_text()

    def close(self):
        self.server.close()


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=20)
    parser.add_argument("--clients", type=int, default=100, help="one in a hundred of them never reads")
    parser.add_argument("--ahead", type=int, default=20_000, help="messages that the source may be in front of the slowest reader")
    parser.add_argument("--report", type=float, default=None, help="seconds between two lines")
    options = parser.parse_args()
    options.report = options.report or max(options.seconds / 40, 1)
    soak = Soak(options)
    try:
        soak.run()
    finally:
        soak.close()
    return 0


if __name__ == "__main__":
    sys.exit(main())
