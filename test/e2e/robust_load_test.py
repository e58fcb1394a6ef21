"""Floods, slow clients, bad remotes, kills: nothing is lost silently, nothing hangs."""
import json
import os
import signal
import socket
import struct
import threading
import unittest

from harness import ServerTest, main, wait_for


class Client:
    """A bare client: sends masked text frames (mask 0) and reads what a server sends."""

    def __init__(self, server, path, receive_buffer=0):
        self.socket = socket.socket()
        if receive_buffer:
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        self.socket.connect(("127.0.0.1", server.data_port))
        self.socket.settimeout(30)
        self.socket.sendall(f"GET {path} HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                            "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n".encode())
        self.reader = self.socket.makefile("rb", 1 << 18)
        assert b" 101 " in self.reader.readline()
        while self.reader.readline() != b"\r\n":
            pass

    @staticmethod
    def frame(payload):
        size = len(payload)
        head = bytes([0x81, 0x80 | size]) if size < 126 else b"\x81\xfe" + struct.pack(">H", size)
        return head + b"\0\0\0\0" + payload

    def receive(self):
        size = self.reader.read(2)[1]
        if size == 126:
            size = struct.unpack(">H", self.reader.read(2))[0]
        return self.reader.read(size)

    def close(self):
        self.reader.close()
        self.socket.close()


class LoadTest(ServerTest):
    def client(self, path, **options):
        client = Client(self.server, path, **options)
        self.addCleanup(client.close)
        return client

    def flood(self, client, count, padding=200):
        pad = "x" * padding
        for start in range(0, count, 500):
            client.socket.sendall(b"".join(Client.frame(b'{"a":%d,"p":"%s"}' % (a, pad.encode()))
                                           for a in range(start, start + 500)))

    def test_a_fast_reader_gets_all_in_order_and_what_slow_ones_miss_is_counted(self):
        self.stream()
        policies = ("drop_oldest", "drop_newest", "conflate")
        count = 40_000
        self.rule("all", "SELECT a FROM demo WHERE a >= 0", [{"websocket": {"path": "/all", "sendSingle": True}}])
        for policy in policies:
            self.rule(policy, "SELECT * FROM demo", [{"websocket": {
                "path": "/" + policy, "sendSingle": True, "slowConsumer": policy, "backlogBytes": 65_536}}])
        _slow = [self.client("/" + policy, receive_buffer=4096) for policy in policies]
        fast = self.client("/all")
        got = []
        reader = threading.Thread(target=lambda: got.extend(json.loads(fast.receive())["a"] for _ in range(count)))
        reader.start()
        self.flood(self.client("/in"), count)
        reader.join(40)
        self.assertEqual(got, list(range(count)))
        self.assertEqual(self.server.status("all")["sink_websocket_0_0_dropped_total"], 0)
        for policy in policies:
            with self.subTest(policy):
                self.assertGreater(self.server.status(policy)["sink_websocket_0_0_dropped_total"], 0)

    def test_a_full_client_of_policy_block_slows_the_source_down(self):
        self.stream()
        self.rule("block", "SELECT * FROM demo", [{"websocket": {
            "path": "/block", "sendSingle": True, "slowConsumer": "block", "backlogBytes": 65_536}}])
        blocked = self.client("/block", receive_buffer=4096)
        source = self.client("/in")
        source.socket.settimeout(0.5)
        with self.assertRaises(TimeoutError):
            self.flood(source, 400_000)
        self.assertEqual(self.server.status("block")["sink_websocket_0_0_dropped_total"], 0)
        blocked.close()

    def test_it_stops_under_a_flood(self):
        self.stream()
        for number in range(6):
            self.rule(f"r{number}", f"SELECT * FROM demo WHERE mod(a,2) = {number % 2}",
                      [{"websocket": {"path": f"/out{number}"}}])
        source = self.client("/in")

        def endless():
            try:
                while True:
                    source.socket.sendall(Client.frame(b'{"a":1,"p":"0123456789"}') * 1000)
            except OSError:
                pass

        sender = threading.Thread(target=endless, daemon=True)
        sender.start()
        wait_for(lambda: self.server.status("r0")["source_demo_0_records_in_total"] > 20_000, "the flood flows")
        self.assertEqual(self.server.stop(), 0)
        sender.join(10)

    def test_rules_come_and_go_while_data_flows(self):
        self.stream()
        self.rule("keeps", "SELECT * FROM demo", [{"nop": {}}])
        source = self.client("/in")
        descriptors = None
        for number in range(200):
            source.socket.sendall(Client.frame(b'{"a":1}') * 10)
            self.rule("c", "SELECT count(*) FROM demo GROUP BY TUMBLINGWINDOW(ss,1)" if number % 2 else "SELECT * FROM demo",
                      [{"websocket": {"path": "/c"}}, {"memory": {"topic": "t"}}])
            self.server.must("DELETE", "/rules/c")
            if number == 20:
                descriptors = len(os.listdir(f"/proc/{self.server.process.pid}/fd"))
        wait_for(lambda: self.server.status("keeps")["sink_nop_0_0_records_out_total"] == 2000, "every message arrives")
        self.assertLessEqual(len(os.listdir(f"/proc/{self.server.process.pid}/fd")), descriptors + 2)

    def test_what_was_confirmed_survives_a_kill(self):
        self.stream()
        confirmed = []

        def create():
            try:
                while True:
                    name = f"r{len(confirmed)}"
                    self.rule(name, "SELECT * FROM demo", [{"nop": {}}])
                    confirmed.append(name)
            except OSError:
                pass

        creator = threading.Thread(target=create)
        creator.start()
        wait_for(lambda: len(confirmed) > 20, "some rules exist")
        self.server.stop(signal.SIGKILL)
        creator.join(30)
        self.server.start()
        stored = {rule["id"] for rule in json.loads(self.server.must("GET", "/rules"))}
        self.assertLessEqual(set(confirmed), stored)

    def test_who_needs_the_port_learns_that_it_is_in_use(self):
        self.stream()
        with socket.socket() as other:
            other.bind(("127.0.0.1", self.server.data_port))
            other.listen()
            status, text = self.server.rest("POST", "/rules", {"id": "r", "sql": "SELECT * FROM demo",
                                                              "actions": [{"websocket": {"path": "/out"}}]})
        self.assertEqual(status, 400)
        self.assertIn(str(self.server.data_port), json.loads(text)["message"])


if __name__ == "__main__":
    main()
