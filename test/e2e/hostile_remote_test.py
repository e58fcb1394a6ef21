"""Remotes that mean harm, dialled by the engine: each is given up in bounded time and memory, the cause is counted where REST
shows it, and a good peer is served afterwards."""
import json
import os
import time

from harness import Server, main, wait_for
from hostile import HostileTest
from raw_peer import (BINARY, CLOSE, PING, TEXT, RawRemote, deflate, frame, rss)

MB = 1 << 20


class Remotes(HostileTest):
    """Servers that the engine dials. Each is bad at first; when it has been found out it turns good and gets a message."""

    def attack(self, script, says, counts=None, props=None, turns_good=True):
        """The connection's error has to say `says`; `counts` names the step whose failures grow."""
        name = self.id().rpartition(".")[2] + str(len(self.connections()))
        remote = RawRemote(script)
        self.addCleanup(remote.close)
        memory = rss(self.server.process.pid)
        self.rule(name, {"addr": f"127.0.0.1:{remote.port}", "path": "/p", "connectTimeout": "1s", "closeTimeout": "300ms",
                         "reconnectInitialDelay": "10ms", "reconnectMaxDelay": "100ms", **(props or {})})
        self.addCleanup(self.server.rest, "DELETE", f"/rules/{name}")

        def connection():
            return next(c for id, c in self.connections().items() if str(remote.port) in id)

        wait_for(lambda: says in json.dumps(connection()), f"the error says: {says}, {connection()}")
        if counts:
            wait_for(lambda: connection()["stats"]["handshakeFailures"][counts] > 0, f"counted as {counts}")
        self.assertLess(rss(self.server.process.pid), memory + 32 * MB)
        if turns_good:
            remote.script = remote.good
            wait_for(lambda: connection()["status"] == "connected", "connected to the remote that turned good")
            text = b'{"for":"%s"}' % name.encode()

            def arrived():
                self.push(text)
                return text in remote.got

            wait_for(arrived, f"the message arrives, not only {remote.got}")
        return connection()

    def answers(self, **change):
        return lambda raw, head: raw.send(RawRemote.answer(head, **change))

    def test_answers_that_are_no_agreement(self):
        for change, says in (({"Sec-WebSocket-Accept": "AAAAAAAAAAAAAAAAAAAAAAAAAAA="}, "Sec-WebSocket-Accept"),
                             ({"drop": ("Sec-WebSocket-Accept",)}, "Sec-WebSocket-Accept"), ({"drop": ("Upgrade",)}, "Upgrade"),
                             ({"drop": ("Connection",)}, "Connection"), ({"X": "a\r\nUpgrade: websocket"}, "Upgrade"),
                             ({"Sec-WebSocket-Extensions": "permessage-deflate"}, "not offered"),
                             ({"Sec-WebSocket-Protocol": "chat"}, "chat")):
            self.attack(self.answers(**change), says, "websocket", turns_good=False)
        self.attack(self.answers(Upgrade="h2c"), "Upgrade", "websocket")

    def test_other_http_answers(self):
        for status, extra, says in (("301 Moved Permanently", "Location: ws://127.0.0.1:1/\r\n", "ws://127.0.0.1:1/"),
                                    ("401 Unauthorized", "WWW-Authenticate: Basic\r\n", "401"), ("403 Forbidden", "", "403"),
                                    ("404 Not Found", "", "404"), ("500 Internal Server Error", "", "500"), ("200 OK", "", "200")):
            self.attack(lambda raw, head, s=status, e=extra: raw.send(f"HTTP/1.1 {s}\r\n{e}Content-Length: 0\r\n\r\n".encode()),
                        says, "http", turns_good=status.startswith("404"))

    def test_garbage_and_heads_without_end(self):
        def endless(raw, _):
            raw.send(b"HTTP/1.1 101 X\r\n")
            while raw.send(b"X-Filler: " + b"a" * 1000 + b"\r\n"):
                pass

        def interim(raw, _):
            while raw.send(b"HTTP/1.1 100 Continue\r\n\r\n" * 100):
                pass

        self.attack(lambda raw, _: raw.send(b"\x15\x03\x01\x00\x02\x02\x46"), "wss", "websocket", turns_good=False)
        self.attack(lambda raw, _: raw.send(os.urandom(100_000)), "cannot be read", "websocket", turns_good=False)
        self.attack(lambda raw, _: raw.send(b"HTTP/1.1 101 X\nUpgrade: websocket\n\n"), "carriage return", "websocket", turns_good=False)
        self.attack(lambda raw, _: raw.send(b"HTTP/1.1 101 " + b"a" * MB), "too long", "websocket", turns_good=False)
        self.attack(endless, "too large", "websocket", turns_good=False)
        self.attack(interim, "interim", "websocket")

    def test_a_byte_now_and_then_and_silence_end_at_the_connect_timeout(self):
        def trickle(raw, head):
            for byte in RawRemote.answer(head, X_Long="a" * 1000):
                if not raw.send(bytes([byte])):
                    return
                time.sleep(0.05)

        self.attack(trickle, "within 1000 ms", "http", turns_good=False)
        self.attack(lambda raw, _: raw.read(), "within 1000 ms", "http")

    def test_remotes_that_hang_up(self):
        self.attack(lambda raw, _: None, "without answering", "http", turns_good=False)
        self.attack(lambda raw, head: raw.send(RawRemote.answer(head)), "without a close frame")

    def broken(self, data, says, turns_good=False, **props):
        codes = []

        def script(raw, head):
            raw.send(RawRemote.answer(head) + data)
            codes.append(raw.close_code())

        self.attack(script, says, props=props, turns_good=turns_good)
        return codes[0]

    def test_broken_frames_are_closed_with_their_code(self):
        self.assertEqual(self.broken(os.urandom(1) and b"\xf3" + os.urandom(500), "reserved bit")[0], 1002)
        self.assertEqual(self.broken(frame(TEXT, b"hi", masked=True), "masked frame from a server")[0], 1002)
        self.assertEqual(self.broken(frame(TEXT, b"\xff", masked=False), "UTF-8")[0], 1007)
        self.assertEqual(self.broken(frame(BINARY, masked=False, announced=1 << 62), "longer than the limit")[0], 1009)
        self.assertEqual(self.broken(frame(TEXT, b"a" * 1001, masked=False), "longer than the limit", maxMessageBytes=1000)[0], 1009)
        self.assertEqual(self.broken(frame(CLOSE, b"\x03\xed", masked=False), "close code")[0], 1002)
        self.assertEqual(self.broken(frame(0x01, b"a", masked=False) + frame(0x00, masked=False) * 11, "too many frames",
                                     maxFragments=10, turns_good=True)[0], 1008)

    def test_a_close_of_the_remote_is_answered_and_shown(self):
        self.assertEqual(self.broken(frame(CLOSE, b"\x03\xf5go away", masked=False), "1013: go away", turns_good=True)[0], 1013)

    def test_a_flood_of_pings_does_not_keep_messages_from_going(self):
        def flood(raw, head):
            raw.send(RawRemote.answer(head))
            for _ in range(200):
                raw.send(frame(PING, b"x" * 125, masked=False) * 100)
            remote.good_frames(raw)

        class Flooding(RawRemote):
            def good_frames(self, raw):
                while (got := raw.frame()) is not None:
                    if got[0] == TEXT:
                        self.got.append(got[1])
                    elif got[0] == CLOSE:
                        raw.send(frame(CLOSE, got[1], masked=False))
                        return

        memory = rss(self.server.process.pid)
        remote = Flooding(flood)
        self.addCleanup(remote.close)
        self.rule("flooded", {"addr": f"127.0.0.1:{remote.port}", "path": "/p"})
        wait_for(lambda: remote.count == 1, "connected")

        def arrived():
            self.push(b'{"a":1}')
            return remote.got

        wait_for(arrived, "a message gets through")
        self.assertEqual(remote.count, 1, "the same connection")
        self.assertLess(rss(self.server.process.pid), memory + 16 * MB)
        self.server.must("DELETE", "/rules/flooded")

    def test_a_remote_that_never_answers_the_close_delays_nobody(self):
        def deaf(raw, head):
            raw.send(RawRemote.answer(head))
            while raw.read():
                pass

        remote = RawRemote(deaf)
        self.addCleanup(remote.close)
        self.rule("deaf", {"addr": f"127.0.0.1:{remote.port}", "path": "/p", "closeTimeout": "300ms"})
        wait_for(lambda: self.server.status("deaf").get("sink_websocket_0_0_connection_status") == 1, "connected")
        begin = time.monotonic()
        self.server.must("DELETE", "/rules/deaf")
        self.assertLess(time.monotonic() - begin, 5)
        wait_for(lambda: not any(str(remote.port) in id for id in self.connections()), "the connection is gone")


if __name__ == "__main__":
    main()
