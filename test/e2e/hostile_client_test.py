"""Clients that mean harm, at the data server and at REST: each is refused in bounded time and memory, the cause is counted
where REST shows it, and a good client is served afterwards."""
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
from hostile import HostileTest
from raw_peer import (BINARY, CLOSE, PING, TEXT, Raw, deflate, dribble, frame, request, rss)

MB = 1 << 20


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
        before = self.closed("/out")
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
        big = sum(code == 1009 for _, code in broken)
        for cause, count in (("too_big", big), ("protocol_error", len(broken) - big)):
            wait_for(lambda cause=cause, count=count: self.closed("/out")[cause] == before[cause] + count, "each is counted")

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


if __name__ == "__main__":
    main()
