"""Peers that mean harm, against the running server: each is refused in bounded time and memory, the cause is counted
where REST shows it, and a good peer is served afterwards. First clients of the data server, then remotes that the engine
dials."""
import contextlib
import json
import os
import socket
import ssl
import struct
import subprocess
import tempfile
import time
import unittest

from harness import Server, main, wait_for
from raw_peer import (BINARY, CLOSE, PING, TEXT, Raw, RawRemote, deflate, dribble, frame, request, rss)

MB = 1 << 20


class HostileTest(unittest.TestCase):
    """One server for the tests of a class: what one peer did must not show in the next test."""

    settings: dict = {}

    @classmethod
    def setUpClass(cls):
        cls.server = Server(HAUMEA__SOURCE__HANDSHAKETIMEOUT="1s", **cls.settings)
        cls.addClassCleanup(cls.server.close)
        cls.server.must("POST", "/streams", {"sql": 'CREATE STREAM demo () WITH (DATASOURCE="/in", TYPE="websocket", FORMAT="json")'})
        cls.rule("out", {"path": "/out"})

    @classmethod
    def rule(cls, rule_id, props):
        cls.server.must("POST", "/rules", {"id": rule_id, "sql": "SELECT * FROM demo",
                                           "actions": [{"websocket": {"sendSingle": True, **props}}]})

    @classmethod
    def connections(cls):
        """By path or URL."""
        return {c["id"].removeprefix("$$ws/"): c for c in json.loads(cls.server.must("GET", "/connections?forceAll=true"))}

    def connect(self, path="/out", **headers):
        raw = Raw(self.server.data_port)
        self.addCleanup(raw.socket.close)
        raw.send(request(path, **headers))
        self.assertIn(" 101 ", raw.head().split("\r\n")[0])
        return raw

    def push(self, text: bytes):
        source = self.connect("/in")
        source.send(frame(TEXT, text) + frame(CLOSE, b"\x03\xe8"))
        self.assertEqual(source.close_code(), (1000, ""))

    def tearDown(self):
        """A good peer is served."""
        if self.server.process.poll() is not None:
            self.fail("the server ended:\n" + self.server.log_text()[-3000:])
        client = self.connect("/out")
        text = b'{"test":"%s"}' % self.id().encode()
        self.push(text)
        self.assertEqual(client.frame(), (TEXT, text))


class Clients(HostileTest):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.rule("small", {"path": "/small", "maxMessageBytes": 100_000, "maxFragments": 100, "maxControlFramesPerSecond": 50})
        cls.rule("deflate", {"path": "/deflate", "permessageDeflate": True})

    def handshakes(self):
        return json.loads(self.server.must("GET", "/connection/websocket/server"))["stats"]["handshakes"]

    def closed(self, path):
        return self.connections()[path]["stats"]["clientsClosed"]

    def raw(self):
        raw = Raw(self.server.data_port)
        self.addCleanup(raw.socket.close)
        return raw

    def refused(self, data: bytes, status: int, cause: str):
        """One answer of that status and no second one, whatever stands behind the request."""
        before = self.handshakes()[cause]
        raw = self.raw()
        raw.send(data)
        answer = raw.all()
        self.assertTrue(answer.startswith(b"HTTP/1.1 %d " % status), (data[:200], answer[:300]))
        self.assertEqual(answer.count(b"HTTP/1.1 "), 1, answer)
        wait_for(lambda: self.handshakes()[cause] == before + 1, f"{cause} counts {data[:100]!r}")
        return answer.decode("latin-1")

    def fails(self, path, data: bytes, code: int, **headers):
        """The connection is closed with that code, without waiting for more."""
        raw = self.connect(path, **headers)
        raw.send(data)
        got = raw.close_code()
        self.assertIsNotNone(got, data[:50])
        self.assertEqual(got[0], code, (data[:50], got))
        return got[1]

    # ---- before the handshake is over ----

    def test_a_byte_every_100_ms_ends_at_the_handshake_timeout(self):
        before = self.handshakes()["timed_out"]
        raw = self.raw()
        self.assertTrue(dribble(raw, request("/out") * 3, 0.1, until=20), "given up")
        self.assertIn(b" 408 ", raw.data)
        self.assertEqual(self.handshakes()["timed_out"], before + 1)

    def test_silent_and_half_closed_connections_end(self):
        before = self.handshakes()
        for data in (b"", b"GET /out HT", request("/out")[:-2]):
            raw = self.raw()
            raw.send(data)
            raw.socket.shutdown(socket.SHUT_WR)
            raw.all()
        wait_for(lambda: self.handshakes()["ended_early"] >= before["ended_early"] + 3, "half-closed ones are counted")
        silent = self.raw()
        self.assertIn(b" 408 ", silent.all())

    def test_a_client_that_half_closes_behind_its_request_is_let_go(self):
        raw = self.raw()
        raw.send(request("/out"))
        raw.socket.shutdown(socket.SHUT_WR)
        self.assertTrue(raw.all().startswith(b"HTTP/1.1 101 "))
        wait_for(lambda: self.connections()["/out"]["stats"]["clients"] == 0, "the client is gone")

    def test_garbage_is_refused_at_its_first_line(self):
        for data in (b"\0" * 1000, b"\x16\x03\x01\x02\x00\x01" + os.urandom(300), b"\xff" * 70_000,
                     b"GET /out HTTP/1.1\nHost: a\n\n", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", b"<html>\r\n\r\n",
                     b"GET /out HTTP/1.1\r\nHost: a\x00b\r\n\r\n", b"GET /out HTTP/1.1\r\nX: a\r\n b\r\n\r\n"):
            self.refused(data, 400, "malformed")

    def test_giant_and_endless_heads_are_refused_early(self):
        memory = rss(self.server.process.pid)
        self.refused(request("/out", X_Long="a" * 70_000), 431, "malformed")
        self.refused(request("/" + "a" * 70_000), 431, "malformed")
        self.refused(b"GET /out HTTP/1.1\r\n" + b"A: b\r\n" * 5_000 + b"\r\n", 431, "malformed")
        raw = self.raw()
        raw.send(b"GET /out HTTP/1.1\r\n")
        sent = 0
        while sent < 64 * MB and raw.send(b"X-Filler: " + b"a" * 4000 + b"\r\n"):
            sent += 4012
        self.assertLess(sent, 32 * MB, "an endless head is read on for ever")
        self.assertLess(rss(self.server.process.pid), memory + 32 * MB)

    def test_plain_http_is_told_what_is_served_here(self):
        self.assertIn("WebSocket", self.refused(b"GET /out HTTP/1.1\r\nHost: a\r\n\r\n", 400, "malformed"))
        self.assertIn("Allow: GET", self.refused(request("/out", method="POST"), 405, "wrong_method"))
        self.refused(b"POST /out HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello", 405, "wrong_method")
        self.assertIn("Sec-WebSocket-Version: 13",
                      self.refused(request("/out", Sec_WebSocket_Version="8"), 426, "wrong_version"))
        self.assertIn("/nowhere", self.refused(request("/nowhere"), 404, "unknown_path"))

    def test_requests_that_two_readers_could_read_differently_are_refused(self):
        second = request("/out")
        for extra in ({"Content-Length": str(len(second))}, {"Transfer-Encoding": "chunked"},
                      {"Transfer-Encoding": "identity"}, {"Content-Length": "0", "Transfer-Encoding": "chunked"},
                      {"Content-Length": "+0"}, {"Content-Length": "0, 0"}, {"Content-Length ": "0"},
                      {"Host": "a\r\nHost: b"}, {"X": "a\r\nContent-Length: 5\r\nContent-Length: 0"},
                      {"X": "a\nContent-Length: 5"}, {"X": "a\rContent-Length: 5"}, {"Transfer-Encoding": "\x0bchunked"}):
            self.refused(request("/out", **extra) + second, 400, "malformed")

    def test_pages_of_other_origins_are_refused(self):
        for origin in ("http://evil.example", "https://127.0.0.1.evil.example", "http://localhost.evil.example",
                       "file://evil", "http://", "evil", "http://user@evil.example", "http://evil.example#127.0.0.1"):
            answer = self.refused(request("/out", Origin=origin), 403, "origin_refused")
            self.assertIn("allowedOrigins", answer)
        for origin in ("http://127.0.0.1:3000", "https://localhost", "http://[::1]:8080", "null", "http://127.0.0.1"):
            self.connect("/out", Origin=origin)
        self.connect("/out", Host="app.example:1", Origin="https://app.example:2")

        def logged():  # refusals are written down ten times a second at most
            self.refused(request("/out", Origin="http://evil.example"), 403, "origin_refused")
            return "allowedOrigins" in self.server.log_text()

        wait_for(logged, "the log names the setting")

    # ---- frames ----

    def test_frames_behind_the_request_are_read(self):
        client = self.connect("/out")
        source = self.raw()
        source.send(request("/in") + frame(TEXT, b'{"early":1}') + frame(CLOSE, b"\x03\xe8"))
        self.assertIn(" 101 ", source.head())
        self.assertEqual(source.close_code(), (1000, ""))
        self.assertEqual(client.frame(), (TEXT, b'{"early":1}'))

    def test_a_client_that_got_its_101_misses_nothing(self):
        source = self.connect("/in")
        for i in range(50):
            client = self.connect("/out")
            text = b'{"i":%d}' % i
            source.send(frame(TEXT, text))
            self.assertEqual(client.frame(), (TEXT, text))
            client.socket.close()

    def test_broken_frames_end_with_the_code_of_the_rfc(self):
        before = self.closed("/out")["protocol_error"]
        broken = [
            (frame(TEXT, b"hi", masked=False), 1002), (frame(PING, masked=False), 1002),
            (frame(0x83, b"a"), 1002), (frame(0x8B), 1002), (frame(0xC1, b"a"), 1002), (frame(0xA1, b"a"), 1002),
            (frame(0x91, b"a"), 1002), (frame(0x80, b"a"), 1002), (frame(0x01, b"a") + frame(TEXT, b"b"), 1002),
            (frame(0x09), 1002), (frame(PING, b"a" * 126), 1002), (frame(CLOSE, b"\x03"), 1002),
            (frame(TEXT, b"hi", announced=2), 1002), (b"\x81\xfe\x00\x02\0\0\0\0hi", 1002),
            (frame(BINARY, announced=1 << 63), 1002), (frame(BINARY, announced=(1 << 64) - 1), 1002),
            (frame(BINARY, announced=(1 << 63) - 1), 1009), (frame(TEXT, announced=1 << 40), 1009),
            (frame(TEXT, b"\xff"), 1007), (frame(TEXT, b"\xed\xa0\x80"), 1007), (frame(CLOSE, b"\x03\xe8\xff"), 1007),
        ]
        for data, code in broken:
            self.fails("/out", data, code)
        wait_for(lambda: self.closed("/out")["protocol_error"] == before + len(broken), "each is counted")

    def test_close_codes_that_may_not_be_sent_are_refused(self):
        for code in (0, 999, 1004, 1005, 1006, 1015, 1016, 2000, 2999, 5000, 65535):
            self.fails("/out", frame(CLOSE, struct.pack("!H", code)), 1002)
        for code in (1000, 1001, 1003, 1007, 1011, 3000, 4999):
            self.fails("/out", frame(CLOSE, struct.pack("!H", code) + b"bye"), code)

    def test_bad_text_is_cut_before_its_message_ends(self):
        self.fails("/out", frame(TEXT, announced=1_000_000) + b"abc\xff", 1007)
        self.fails("/out", frame(0x01, b"abc\xe2\x28"), 1007)

    def test_what_a_header_announces_takes_no_memory(self):
        memory = rss(self.server.process.pid)
        clients = [self.connect("/out") for _ in range(100)]
        for client in clients:
            client.send(frame(BINARY, announced=16 * MB) + b"x" * 100)
        time.sleep(0.2)  # nothing to wait for: they are read and waited on
        self.assertLess(rss(self.server.process.pid), memory + 32 * MB)

    def test_long_messages_and_many_fragments_have_their_limits(self):
        self.fails("/small", frame(TEXT, announced=100_001), 1009)
        self.fails("/small", (frame(0x01, b"a" * 50_000) + frame(0x00, b"a" * 50_000) + frame(0x00, b"a")), 1009)
        self.fails("/small", frame(0x01, b"a") + frame(0x00, b"a") * 100, 1008)
        client = self.connect("/small")
        client.send(frame(TEXT, b"a" * 100_000) + frame(0x01) + frame(0x00) * 98 + frame(0x80) + frame(CLOSE, b"\x03\xe8"))
        self.assertEqual(client.close_code(), (1000, ""))

    def test_a_message_of_65537_frames_is_taken_unless_the_setting_says_otherwise(self):
        client, source = self.connect("/out"), self.connect("/in")
        source.send(frame(0x01, b'{"a":"') + frame(0x00, b"x") * 65_535 + frame(0x80, b'"}'))
        self.assertEqual(client.frame(), (TEXT, b'{"a":"' + b"x" * 65_535 + b'"}'))

    def test_bombs_stop_while_they_inflate(self):
        memory = rss(self.server.process.pid)
        bomb = deflate(b"\0" * (100 * MB))
        for data in (frame(0xC2, bomb), frame(0x42, bomb[:50_000]) + frame(0x80, bomb[50_000:])):
            self.fails("/deflate", data, 1009, Sec_WebSocket_Extensions="permessage-deflate")
        self.fails("/deflate", frame(0xC1, deflate(b"ok\xff" + b"a" * MB)), 1007, Sec_WebSocket_Extensions="permessage-deflate")
        self.fails("/deflate", frame(0xC2, b"\xff" * 100), 1007, Sec_WebSocket_Extensions="permessage-deflate")
        self.fails("/deflate", frame(0xC9, b"p"), 1002, Sec_WebSocket_Extensions="permessage-deflate")
        # One message of 16 MiB may be there, twice while it grows.
        self.assertLess(rss(self.server.process.pid), memory + 64 * MB)

    def test_a_flood_of_pings_ends(self):
        before = self.closed("/small")["control_flood"]
        for kind in (PING, 0x8A):
            self.fails("/small", frame(kind, b"x") * 10_000, 1008)
        self.assertEqual(self.closed("/small")["control_flood"], before + 2)
        # Below the limit everyone gets an answer.
        client = self.connect("/small")
        client.send(frame(PING, b"x") * 50)
        self.assertEqual([client.frame() for _ in range(50)], [(0x8A, b"x")] * 50)

    def test_a_client_that_pings_and_never_reads_takes_no_memory(self):
        self.rule("patient", {"path": "/patient", "maxControlFramesPerSecond": 10_000_000})
        memory = rss(self.server.process.pid)
        client = self.connect("/patient")
        client.socket.settimeout(1)
        for _ in range(100):
            if not client.send(frame(PING, b"x" * 125) * 2_000):
                break
        self.assertLess(rss(self.server.process.pid), memory + 16 * MB)
        client.socket.close()

    def test_a_client_that_never_answers_the_close_is_cut(self):
        self.rule("leaving", {"path": "/leaving", "closeTimeout": "300ms"})
        client = self.connect("/leaving")
        self.server.must("DELETE", "/rules/leaving")
        self.assertEqual(client.close_code()[0], 1000)
        self.assertEqual(client.all(), b"")  # ends although we have not answered


class Crowds(HostileTest):
    settings = {"HAUMEA__SOURCE__MAXCLIENTS": "12", "HAUMEA__SOURCE__MAXCLIENTSPERADDRESS": "8"}

    def status(self, path):
        raw = Raw(self.server.data_port)
        self.addCleanup(raw.socket.close)
        raw.send(request(path))
        head = raw.head()
        if " 101 " not in head:
            head += raw.all().decode("latin-1")
            raw.socket.close()  # until then it counts
        return raw, head

    def test_clients_beyond_each_limit_are_told_which(self):
        self.rule("two", {"path": "/two", "maxClients": 2})
        kept = [self.status("/two") for _ in range(2)]
        self.assertTrue(all(" 101 " in answer for _, answer in kept), kept)
        refused = self.status("/two")[1]
        self.assertIn(" 503 ", refused)
        self.assertIn("maxClients of this endpoint is 2", refused)
        kept += [self.status("/out") for _ in range(6)]
        self.assertTrue(all(" 101 " in answer for _, answer in kept), kept)
        wait_for(lambda: "maxClientsPerAddress is 8" in self.status("/out")[1], "the limit per address")
        self.assertGreaterEqual(self.connections()["/out"]["stats"]["handshakes"]["over_limit"], 1)
        for raw, _ in kept:
            raw.socket.close()
        wait_for(lambda: " 101 " in self.status("/out")[1], "room again")


class TlsClients(unittest.TestCase):
    """Mischief before there is anything to read over TLS."""

    def test_what_is_no_tls_or_comes_too_slowly_ends_and_is_counted(self):
        with tempfile.TemporaryDirectory(prefix="haumea-tls-") as folder:
            cert, key = os.path.join(folder, "c.pem"), os.path.join(folder, "k.pem")
            subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2",
                            "-subj", "/CN=localhost", "-keyout", key, "-out", cert], check=True, capture_output=True)
            server = Server(HAUMEA__SOURCE__HANDSHAKETIMEOUT="1s", HAUMEA__SOURCE__HTTPSERVERTLS__CERTFILE=cert,
                            HAUMEA__SOURCE__HTTPSERVERTLS__KEYFILE=key)
            self.addCleanup(server.close)
            server.must("POST", "/connection/websocket", {"endpoint": "/x"})

            def handshakes():
                return json.loads(server.must("GET", "/connection/websocket/server"))["stats"]["handshakes"]

            hello = ssl.MemoryBIO()
            tls = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
            tls.check_hostname, tls.verify_mode = False, ssl.CERT_NONE
            with contextlib.suppress(ssl.SSLWantReadError):
                tls.wrap_bio(ssl.MemoryBIO(), hello).do_handshake()
            hello = hello.read()
            for data in (request("/x"), b"\0" * 1000, hello[:5] + b"\xff" * 2000):
                with Raw(server.data_port) as raw:
                    raw.send(data)
                    self.assertNotIn(b"HTTP/1.1 101", raw.all())
            wait_for(lambda: handshakes()["tls_failed"] == 3, "what is no TLS is counted")
            with Raw(server.data_port) as silent, Raw(server.data_port) as slow, Raw(server.data_port) as half:
                half.send(hello)
                self.assertTrue(dribble(slow, hello, 0.1, until=20))
                silent.all()
                half.all()
            wait_for(lambda: handshakes()["timed_out"] == 3, "slow ones are counted")
            with tls.wrap_socket(socket.create_connection(("127.0.0.1", server.data_port), 10)) as good:
                good.sendall(request("/x"))
                self.assertTrue(good.recv(1000).startswith(b"HTTP/1.1 101 "))


class Rest(HostileTest):
    """The same mischief at the port of REST."""

    def ask(self, data: bytes):
        raw = Raw(self.server.rest_port)
        self.addCleanup(raw.socket.close)
        raw.send(data)
        raw.socket.shutdown(socket.SHUT_WR)
        return raw.all()

    def test_requests_that_two_readers_could_read_differently_are_refused(self):
        body = b'{"sql":"CREATE STREAM smuggled () WITH (DATASOURCE=\\"/s\\", TYPE=\\"websocket\\")"}'
        inner = b"POST /streams HTTP/1.1\r\nHost: a\r\nContent-Length: %d\r\n\r\n" % len(body) + body
        chunked = b"%x\r\n" % len(inner) + inner + b"\r\n0\r\n\r\n"
        start = b"POST /ruletest HTTP/1.1\r\nHost: a\r\n"
        for head, rest in (
                (b"Content-Length: 4\r\nTransfer-Encoding: chunked\r\n", b"0\r\n\r\n" + inner),
                (b"Transfer-Encoding: chunked\r\nContent-Length: 4\r\n", b"0\r\n\r\n" + inner),
                (b"Content-Length: 0\r\nContent-Length: %d\r\n" % len(inner), inner),
                (b"Content-Length: +0\r\n", inner), (b"Content-Length: 0x0\r\n", inner),
                (b"Content-Length: -1\r\n", inner), (b"Content-Length : 0\r\n", inner), (b"Content-Length: 99999999999999999999\r\n", inner),
                (b"Transfer-Encoding: gzip, chunked\r\n", chunked), (b"Transfer-Encoding: chunked, identity\r\n", chunked),
                (b"Transfer-Encoding: \x0bchunked\r\n", chunked), (b"Transfer-Encoding : chunked\r\n", chunked),
                (b"Transfer-Encoding: xchunked\r\n", chunked), (b"Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n", chunked),
                (b"X: a\nContent-Length: 0\r\n", inner),
                (b"X: a\rContent-Length: 0\r\n", inner), (b"Host: b\r\n", inner), (b"X\0: a\r\n", inner),
                (b"Transfer-Encoding: chunked\r\n", b"-1\r\n" + inner), (b"Transfer-Encoding: chunked\r\n", b"0x1\r\na\r\n0\r\n\r\n"),
                (b"Transfer-Encoding: chunked\r\n", b"ffffffffffffffffff\r\n" + inner),
                (b"Transfer-Encoding: chunked\r\n", b"1\r\nab\r\n0\r\n\r\n")):
            answer = self.ask(start + head + b"\r\n" + rest)
            self.assertTrue(answer.startswith(b"HTTP/1.1 400 "), (head, rest[:40], answer[:200]))
            self.assertEqual(answer.count(b"HTTP/1.1 "), 1, head)
        self.assertNotIn("smuggled", self.server.must("GET", "/streams"))

    def test_a_second_request_on_a_connection_is_not_answered(self):
        answer = self.ask(b"GET /ping HTTP/1.1\r\nHost: a\r\n\r\n" * 2)
        self.assertEqual(answer.count(b"HTTP/1.1 "), 1)
        self.assertIn(b"Connection: close", answer)

    def test_garbage_and_giant_heads_are_refused(self):
        memory = rss(self.server.process.pid)
        for data in (b"\0" * 100, b"\x16\x03\x01\x02\x00", b"GET /ping HTTP/1.1\nHost: a\n\n", b"GET /ping HTTP/3.0\r\nHost: a\r\n\r\n",
                     b"GET /pi ng HTTP/1.1\r\nHost: a\r\n\r\n", b"GET /ping HTTP/1.1\r\n\r\n"):
            self.assertTrue(self.ask(data).startswith(b"HTTP/1.1 400 "), data)
        for data in (b"GET /" + b"a" * 100_000, b"GET /ping HTTP/1.1\r\n" + b"A: b\r\n" * 20_000):
            self.assertTrue(self.ask(data).startswith(b"HTTP/1.1 431 "), data[:30])
        huge = b"POST /streams HTTP/1.1\r\nHost: a\r\nContent-Length: 9223372036854775807\r\n\r\n"
        self.assertTrue(self.ask(huge).startswith(b"HTTP/1.1 413 "))
        self.assertLess(rss(self.server.process.pid), memory + 32 * MB)

    def test_what_a_user_writes_cannot_start_a_header(self):
        answer = self.ask(b"GET /rules/a%0d%0aX-Evil:%201 HTTP/1.1\r\nHost: a\r\nOrigin: http://b%0d%0aX-Evil: 1\r\n\r\n")
        self.assertNotIn(b"\r\nX-Evil", answer.partition(b"\r\n\r\n")[0])
        for props, field in (({"requestHeader": {"X-A": "b\r\nX-Evil: 1"}}, "X-A"), ({"requestHeader": {"X A": "b"}}, "X A"),
                             ({"requestHeader": {"Sec-WebSocket-Key": "b"}}, "Sec-WebSocket-Key"),
                             ({"path": "/p HTTP/1.1\r\nX-Evil: 1"}, "path"), ({"path": "/p#x"}, "#"),
                             ({"addr": "127.0.0.1:1\r\nX-Evil: 1"}, "addr"), ({"addr": "a/b"}, "addr"),
                             ({"addr": "user@a:1"}, "addr"), ({"subprotocols": ["a b"]}, "a b"),
                             ({"subprotocols": ["a\r\nX-Evil: 1"]}, "subprotocol")):
            body = {"id": "evil", "sql": "SELECT * FROM demo",
                    "actions": [{"websocket": {"addr": "127.0.0.1:1", "path": "/p", **props}}]}
            status, text = self.server.rest("POST", "/rules", body)
            self.assertEqual(status, 400, (props, text))
            self.assertIn(field, text)
            self.assertEqual(self.server.rest("GET", "/rules/evil")[0], 404)


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
