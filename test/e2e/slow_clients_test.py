"""Clients that do not read, under every policy: who loses what, and that all places count the same."""
import asyncio
import base64
import json
import os
import socket
import urllib.request

from harness import ServerTest, connect, free_port, main, wait_for

POLICIES = ("drop_oldest", "drop_newest", "conflate", "disconnect", "block")
BACKLOG = 100
MESSAGES = 3000


class Stalled:
    """A client that reads its 101 and then nothing until told to; small socket buffers make it slow soon."""

    def __init__(self, port, path):
        self.socket = socket.socket()
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        self.socket.connect(("127.0.0.1", port))
        key = base64.b64encode(os.urandom(16)).decode()
        self.socket.sendall(f"GET {path} HTTP/1.1\r\nHost: h\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                            f"Sec-WebSocket-Key: {key}\r\nSec-WebSocket-Version: 13\r\n\r\n".encode())
        head = b""
        while b"\r\n\r\n" not in head:
            head += self.socket.recv(1)
        assert b" 101 " in head, head

    def read_numbers(self, until):
        """The field i of the messages, up to the number `until` or the end of the connection."""
        self.socket.settimeout(20)
        data, position, numbers = b"", 0, []
        while not numbers or numbers[-1] < until:
            more = self.socket.recv(1 << 20)
            if not more:
                break
            data += more
            while len(data) - position >= 4:
                assert data[position + 1] == 126, "every message here has a length of two bytes"
                end = position + 4 + int.from_bytes(data[position + 2:position + 4], "big")
                if end > len(data):
                    break
                numbers.append(json.loads(data[position + 4:end])["i"])
                position = end
        return numbers


class SlowClients(ServerTest):
    def setUp(self):
        self.settings = {"HAUMEA__BASIC__PROMETHEUS": "true", "HAUMEA__BASIC__PROMETHEUSPORT": str(free_port())}
        super().setUp()

    def sink(self, policy):
        prefix = "sink_websocket_0_0_"
        return {name.removeprefix(prefix): value for name, value in self.server.status(policy).items()
                if name.startswith(prefix)}

    def endpoint(self, policy):
        connections = json.loads(self.server.must("GET", "/connections?forceAll=true"))
        return next(c["stats"] for c in connections if c["props"].get("path") == f"/{policy}")

    def prometheus(self, policy):
        port = self.settings["HAUMEA__BASIC__PROMETHEUSPORT"]
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=20) as answer:
            lines = answer.read().decode().splitlines()
        return next(int(line.rsplit(" ", 1)[1]) for line in lines
                    if line.startswith("haumea_messages_dropped_total{") and f'rule="{policy}"' in line
                    and 'type="sink"' in line)

    def test_the_others_get_everything_and_each_place_counts_the_same(self):
        self.stream(options=', SHARED="true"')
        for policy in POLICIES:
            self.rule(policy, "SELECT * FROM demo", [{"websocket": {
                "path": f"/{policy}", "sendSingle": True, "slowConsumer": policy, "backlogMessages": BACKLOG,
                "blockTimeout": "500ms"}}])
        stalled = {policy: Stalled(self.server.data_port, f"/{policy}") for policy in POLICIES}
        for client in stalled.values():
            self.addCleanup(client.socket.close)

        numbers = {policy: [] for policy in POLICIES}

        async def reader(policy, ready):
            async with connect(self.server.url(f"/{policy}"), max_queue=None) as client:
                ready.release()
                while len(numbers[policy]) < MESSAGES:
                    numbers[policy].append(json.loads(await client.recv())["i"])

        async def run():
            ready = asyncio.Semaphore(0)
            readers = [asyncio.create_task(reader(policy, ready)) for policy in POLICIES]
            for _ in POLICIES:
                await ready.acquire()
            async with connect(self.server.url("/in")) as producer:
                for i in range(MESSAGES):
                    # Never further ahead than half a backlog: only who does not read at all is slow.
                    while i - min(map(len, numbers.values())) >= BACKLOG // 2:
                        await asyncio.sleep(0.001)
                    await producer.send(json.dumps({"i": i, "pad": "x" * 2000}))
                await asyncio.gather(*readers)

        self.run_async(run())
        for policy in POLICIES:
            self.assertEqual(numbers[policy], list(range(MESSAGES)), policy)

        for policy in POLICIES:
            endpoint = self.endpoint(policy)
            missed = sum(endpoint["dropped"].values())
            with self.subTest(policy=policy):
                self.assertGreater(missed, 0)
                self.assertEqual(self.prometheus(policy), missed)
                sink = self.sink(policy)
                self.assertEqual(sink["dropped_total"], missed)
                self.assertEqual(sink["dropped_slow_client_total"], missed)
                self.assertEqual(sink["records_out_total"], MESSAGES)
                if policy in ("disconnect", "block"):
                    self.assertEqual(endpoint["clientsClosed"]["too_slow"], 1)
                    continue
                self.assertEqual(endpoint["slowClients"], 1)
                last = MESSAGES - missed - 1 if policy == "drop_newest" else MESSAGES - 1
                got = stalled[policy].read_numbers(last)
                self.assertEqual(got, sorted(set(got)), "in order, none twice")
                self.assertEqual(len(got), MESSAGES - missed)
                if policy == "drop_newest":
                    self.assertEqual(got, list(range(len(got))))
                elif policy == "conflate":
                    self.assertEqual(got[-1], MESSAGES - 1)
                else:
                    self.assertEqual(got[-BACKLOG:], list(range(MESSAGES - BACKLOG, MESSAGES)))


if __name__ == "__main__":
    main()
