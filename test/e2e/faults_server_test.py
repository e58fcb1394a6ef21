"""Clients of the data server that fall silent or never read, a port that is taken, descriptors that run out: the others are
served, the state is told, and all is well again afterwards."""
import asyncio
import contextlib
import json
import os
import resource
import socket
import threading
import time

from faults import FaultTest
from harness import connect, free_port, main, receive, wait_for

REQUEST = (b"GET %s HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
           b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n")


def open_client(port, path, receive_buffer=0):
    """A client that reads its 101 and then nothing."""
    client = socket.socket()
    if receive_buffer:
        client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
    client.settimeout(20)
    client.connect(("127.0.0.1", port))
    client.sendall(REQUEST % path.encode())
    head = b""
    while not head.endswith(b"\r\n\r\n"):
        head += client.recv(1)
    assert b" 101 " in head, head
    return client


class Clients(FaultTest):
    def setUp(self):
        super().setUp()
        self.stream()

    def endpoint(self, path):
        return self.connections()["$$ws/" + path]["stats"]

    def test_half_open_clients_are_found_by_pings_and_the_others_miss_nothing(self):
        self.push("r", {"path": "/out", "pingInterval": "300ms", "pongTimeout": "500ms", "closeTimeout": "300ms", "backlogMessages": 100})
        tap = self.tap(self.server.data_port)
        quiet = open_client(tap.port, "/out")  # its link is cut while nothing is sent
        full = open_client(tap.port, "/out", receive_buffer=4096)  # and this one's while its backlog is full
        self.addCleanup(quiet.close)
        self.addCleanup(full.close)

        async def flow():
            async with connect(self.server.url("/out")) as alive, connect(self.server.url("/in")) as into:
                self.assertEqual((await self.do(self.endpoint, "/out"))["clients"], 3)
                tap.freeze()
                for number in range(300):
                    await into.send(json.dumps({"a": number, "p": "x" * 5000}))
                    self.assertEqual(json.loads(await asyncio.wait_for(alive.recv(), 20))["a"], number)
                await self.until(lambda: self.endpoint("/out")["clients"] == 1, "both are closed")
                stats = await self.do(self.endpoint, "/out")
                self.assertEqual(stats["clientsClosed"]["no_pong"], 2)
                self.assertEqual(len(json.loads(await self.do(
                    self.server.must, "GET", "/connection/websocket/clients?endpoint=/out"))), 1)
                status, metrics = await self.do(self.server.status, "r"), await self.do(self.metrics)
                self.assertEqual(status["sink_websocket_0_0_connection_clients"], 1)
                self.assertEqual(status["sink_websocket_0_0_connection_clients_closed_no_pong_total"], 2)
                self.assertEqual(metrics['haumea_endpoint_clients{endpoint="/out"}'], "1")
                self.assertEqual(metrics['haumea_endpoint_clients_closed_total{endpoint="/out",reason="no_pong"}'], "2")
                await into.send('{"a":300}')
                self.assertEqual(await receive(alive, 1), ['{"a":300}'])

        self.run_async(flow())
        self.assertEqual(self.server.status("r")["status"], "running")

    def test_a_slow_client_that_lives_is_not_cut(self):
        """It takes little at a time, in pauses longer than a ping may wait; the kernel's user timeout is not for it."""
        self.push("r", {"path": "/out", "pingInterval": "200ms", "pongTimeout": "4s"})
        slow = open_client(self.server.data_port, "/out", receive_buffer=4096)
        self.addCleanup(slow.close)

        async def flood():
            async with connect(self.server.url("/in")) as into:
                for _ in range(100):
                    await into.send(json.dumps({"p": "x" * 20_000}))
                await into.ping()

        self.run_async(flood())
        wait_for(lambda: self.sink("r", "records_in_total") == 100, "all are published")
        end = time.monotonic() + 6
        while time.monotonic() < end:
            slow.recv(8192)
            time.sleep(0.2)
        self.assertEqual(self.endpoint("/out")["clients"], 1)
        self.assertEqual(self.endpoint("/out")["clientsClosed"]["no_pong"], 0)

    def test_clients_that_never_read_delay_no_rule_in_starting_stopping_or_going(self):
        for policy in ("drop_oldest", "block"):
            self.push(policy, {"path": "/" + policy, "slowConsumer": policy, "blockTimeout": "1m", "pingInterval": 0})
            for _ in range(2):
                self.addCleanup(open_client(self.server.data_port, "/" + policy, receive_buffer=4096).close)
        self.stream("other", "/other")

        def flood():
            with contextlib.suppress(OSError):
                source = open_client(self.server.data_port, "/in")
                self.addCleanup(source.close)
                payload = b'{"a":"' + b"x" * 60_000 + b'"}'
                frame = b"\x81\xfe" + len(payload).to_bytes(2, "big") + b"\0\0\0\0" + payload
                for _ in range(2000):
                    source.sendall(frame)
        threading.Thread(target=flood, daemon=True).start()
        wait_for(lambda: self.endpoint("/block")["logMessages"] > 100, "messages wait")
        for method, path, body in (
                ("POST", "/rules", {"id": "o", "sql": "SELECT * FROM other", "actions": [{"websocket": {"path": "/o"}}]}),
                ("POST", "/rules/o/stop", None), ("POST", "/rules/o/start", None),
                ("GET", "/connections?forceAll=true", None), ("POST", "/rules/drop_oldest/stop", None),
                ("POST", "/rules/drop_oldest/start", None), ("POST", "/rules/block/restart", None),
                ("DELETE", "/rules/block", None), ("DELETE", "/rules/drop_oldest", None), ("DELETE", "/rules/o", None)):
            self.soon(method, path, body)


class Ports(FaultTest):
    def test_who_needs_a_port_in_use_gets_the_error_and_a_later_start_works(self):
        with socket.socket() as taken:
            taken.bind(("127.0.0.1", self.server.data_port))
            taken.listen()
            self.stream()
            rule = {"id": "r", "sql": "SELECT * FROM demo", "actions": [{"websocket": {"path": "/out"}}]}
            for method, path, body in (
                    ("POST", "/rules", rule), ("POST", "/connection/websocket", {"endpoint": "/x"}),
                    ("POST", "/connections", {"id": "c", "typ": "websocket", "props": {"path": "/x"}}),
                    ("POST", "/metadata/sinks/connection/websocket", {"path": "/x"})):
                said = self.message(method, path, body)
                self.assertIn(f"cannot listen on 127.0.0.1:{self.server.data_port}: address already in use", said)
            self.assertEqual(self.server.rest("GET", "/rules/r")[0], 404)
            self.assertEqual(self.connections(), {})
            self.server.must("POST", "/rules", {**rule, "triggered": False})
            self.assertIn("address already in use", self.message("POST", "/rules/r/start"))
            self.assertIn("stopped", self.server.status("r")["status"])
        self.server.must("POST", "/rules/r/start")
        self.server.must("POST", "/connection/websocket", {"endpoint": "/x"})

        async def flow():
            async with connect(self.server.url("/out")) as out, connect(self.server.url("/in")) as into:
                await into.send('{"a":1}')
                self.assertEqual(await receive(out, 1), ['[{"a":1}]'])
        self.run_async(flow())


class Descriptors(FaultTest):
    LIMIT = 96

    def cpu_seconds(self):
        with open(f"/proc/{self.server.process.pid}/stat", encoding="ascii") as file:
            fields = file.read().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def open_descriptors(self):
        return len(os.listdir(f"/proc/{self.server.process.pid}/fd"))

    def limit(self):
        resource.prlimit(self.server.process.pid, resource.RLIMIT_NOFILE, (self.LIMIT, self.LIMIT))

    def test_the_data_server_serves_who_is_there_and_recovers_when_they_leave(self):
        self.stream()
        self.push("r", {"path": "/out"})
        self.push("far", {"addr": f"127.0.0.1:{free_port()}", "path": "/x", "reconnectMaxDelay": "100ms"})
        self.limit()

        async def flow():
            async with connect(self.server.url("/out"), ping_interval=None) as out, \
                    connect(self.server.url("/in"), ping_interval=None) as into:
                crowd = await self.do(self.crowd, self.server.data_port)
                self.assertGreaterEqual(self.open_descriptors(), self.LIMIT - 1)
                await self.events_flow(into, out)
                for client in crowd:
                    client.close()
                async with connect(self.server.url("/out"), open_timeout=20) as late:
                    await into.send('{"a":"again"}')
                    for client in (out, late):
                        self.assertEqual(await receive(client, 1), ['{"a":"again"}'])

        self.run_async(flow(), 90)
        self.assertEqual(self.server.status("r")["status"], "running")
        log = self.server.log_text()
        # Once for each time that it comes to that, not for each attempt: the rule that dials frees a descriptor now and then.
        self.assertIn(log.count("cannot accept connections on 127.0.0.1:" + str(self.server.data_port)), range(1, 6))
        self.assertIn("raise the limit of open files", log)
        wait_for(lambda: "refused" in self.sink("far", "last_exception"), "dials go on as well")

    async def events_flow(self, into, out):
        """For two seconds, and the processor has little to do."""
        begin, cpu = time.monotonic(), self.cpu_seconds()
        for number in range(10):
            await into.send(json.dumps({"a": number}))
            self.assertEqual(await receive(out, 1), ['{"a":%d}' % number])
            await asyncio.sleep(0.2)
        share = (self.cpu_seconds() - cpu) / (time.monotonic() - begin)
        self.assertLess(share, 0.3, "no busy loop")

    def crowd(self, port):
        """Connections until the server has no descriptors left; the last ones wait in the kernel."""
        crowd = []
        for _ in range(self.LIMIT + 20):
            client = socket.create_connection(("127.0.0.1", port))
            client.sendall(REQUEST % b"/out")
            crowd.append(client)
            self.addCleanup(client.close)
        wait_for(lambda: self.open_descriptors() >= self.LIMIT - 1, "no descriptor is left")
        return crowd

    def test_rest_answers_again_when_descriptors_are_free(self):
        self.stream()
        self.push("r", {"path": "/out"})
        self.limit()

        async def flow():
            async with connect(self.server.url("/out"), ping_interval=None) as out, \
                    connect(self.server.url("/in"), ping_interval=None) as into:
                crowd = await self.do(self.crowd, self.server.rest_port)
                await self.events_flow(into, out)
                for client in crowd:
                    client.close()
                await self.until(lambda: self.server.rest("GET", "/ping")[0] == 200, "REST answers")

        self.run_async(flow(), 90)
        self.server.must("POST", "/rules/r/restart")


if __name__ == "__main__":
    main()
