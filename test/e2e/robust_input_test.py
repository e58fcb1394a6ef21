"""Bad input over REST and on the data server: a clear answer, and the server goes on."""
import json
import socket
import struct
import unittest
import urllib.error
import urllib.request

from harness import ServerTest, main, wait_for


def select(expression):
    return {"id": "v", "sql": f"SELECT {expression} AS x FROM demo", "actions": [{"nop": {}}]}


class BadInputOverRest(ServerTest):
    def setUp(self):
        super().setUp()
        self.stream()

    def refused(self, method, path, body=None):
        status, text = self.server.rest(method, path, body)
        self.assertEqual(status, 400, text[:200])
        self.assertTrue(json.loads(text)["message"])

    def test_bodies_that_are_no_json_or_of_the_wrong_type_are_refused(self):
        for body in ("{{{", "[]", "5", "", "null", '"x"', "[" * 100_000, '{"id":"a","sql":1,"actions":[]}',
                     '{"id":"a","sql":"SELECT * FROM demo","actions":[5]}'):
            with self.subTest(body=body[:60]):
                self.refused("POST", "/rules", body)
        for body in ("{{{", "[]", '{"sql":5}'):
            with self.subTest(body=body):
                self.refused("POST", "/streams", body)

    def test_ids_with_slashes_dots_or_control_characters_are_refused(self):
        for rule_id in ("a/b", "..", "../../etc/passwd", "", ".", "a b", "a\0b", "a\nb", "\u00e4"):
            with self.subTest(rule_id=rule_id):
                self.refused("POST", "/rules", {"id": rule_id, "sql": "SELECT * FROM demo", "actions": [{"nop": {}}]})

    def test_answers_that_quote_invalid_utf8_are_json_all_the_same(self):
        with self.assertRaises(urllib.error.HTTPError) as failed:
            urllib.request.urlopen(f"http://127.0.0.1:{self.server.rest_port}/streams/a%ffb", timeout=20)
        self.assertIn("a\ufffdb", json.loads(failed.exception.read().decode("utf-8"))["message"])

    def test_deep_and_long_sql_is_refused_and_costs_no_stack(self):
        for name, expression in {
                "parentheses": "(" * 10_000 + "1" + ")" * 10_000,
                "not": "NOT " * 10_000 + "a",
                "minus": "- " * 10_000 + "a",
                "calls": "abs(" * 10_000 + "a" + ")" * 10_000,
                "case": "CASE WHEN a THEN " * 10_000 + "a" + " END" * 10_000,
                "indexes": "a" + "[0]" * 10_000,
                "arrows": "a" + "->b" * 10_000,
                "sum": "+".join(["1"] * 500_000),
        }.items():
            with self.subTest(name):
                self.assertEqual(self.server.rest("POST", "/rules/validate", select(expression))[0], 422)
        long_but_sane = select("a" + " " * 1_000_000)
        self.assertEqual(self.server.rest("POST", "/rules/validate", long_but_sane)[0], 200)

    def test_numbers_out_of_range_are_refused(self):
        for action in ({"backlogMessages": -1}, {"bufferLength": 10**18}, {"backlogBytes": "many"}):
            with self.subTest(action=action):
                self.refused("POST", "/rules", {"id": "r", "sql": "SELECT * FROM demo",
                                                "actions": [{"websocket": {"path": "/out", **action}}]})


class BadInputOnTheDataServer(ServerTest):
    KEY = "dGhlIHNhbXBsZSBub25jZQ=="

    def setUp(self):
        super().setUp()
        self.stream()
        self.rule("r", "SELECT * FROM demo", [{"nop": {}}])

    def request(self, extra=""):
        return (f"GET /in HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                f"Sec-WebSocket-Key: {self.KEY}\r\nSec-WebSocket-Version: 13\r\n{extra}\r\n").encode()

    def tcp(self):
        connection = socket.create_connection(("127.0.0.1", self.server.data_port), timeout=20)
        self.addCleanup(connection.close)
        return connection

    def answer(self, data):
        """-> the status of the answer to a handshake"""
        connection = self.tcp()
        try:
            connection.sendall(data)
        except OSError:
            pass  # answered and closed before the end
        return int(connection.makefile("rb").readline().split()[1])

    def test_handshakes_that_are_wrong_get_the_status_that_says_so(self):
        good = self.request()
        for status, data in ((400, b"\0\1\2\3\r\n\r\n"), (400, good.replace(b"HTTP/1.1", b"HTTP/1.0")),
                             (400, good.replace(b"Host: x\r\n", b"")), (426, good.replace(b": 13", b": 12")),
                             (400, good.replace(self.KEY.encode(), b"abc")), (405, good.replace(b"GET", b"POST")),
                             (400, self.request("Content-Length: 5\r\nTransfer-Encoding: chunked\r\n")),
                             (400, self.request("X: a\r\n b\r\n")), (400, self.request("X : a\r\n")),
                             (431, self.request("X: a\r\n" * 5000)), (431, self.request("X: " + "a" * 200_000 + "\r\n")),
                             (403, self.request("Origin: http://evil.example\r\n")),
                             (404, good.replace(b"/in", b"/none"))):
            with self.subTest(data=data[:80]):
                self.assertEqual(self.answer(data), status)

    def test_connections_that_are_reset_at_any_byte_leave_nothing_behind(self):
        data = self.request()
        for end in range(len(data) + 1):
            connection = self.tcp()
            connection.sendall(data[:end])
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            connection.close()
        self.assertEqual(self.answer(data), 101)

    def close_code(self, *frames):
        connection = self.tcp()
        connection.sendall(self.request())
        reader = connection.makefile("rb")
        while reader.readline() != b"\r\n":
            pass
        try:
            for frame in frames:
                connection.sendall(frame)
        except OSError:
            pass
        while True:
            opcode, size = reader.read(2)
            payload = reader.read(size)
            if opcode == 0x88:
                return struct.unpack(">H", payload[:2])[0]

    def test_frames_that_break_the_protocol_are_answered_with_their_close_code(self):
        mask = b"\0\0\0\0"
        for code, frames in ((1002, [b"\x81\x02{}"]), (1002, [b"\xc1\x82" + mask + b"{}"]),
                             (1002, [b"\x83\x82" + mask + b"{}"]), (1002, [b"\x80\x82" + mask + b"{}"]),
                             (1007, [b"\x81\x82" + mask + b"\xff\xff"]), (1002, [b"\x09\x81" + mask + b"x"]),
                             (1009, [b"\x82\xff" + struct.pack(">Q", 2**62) + mask + b"x"]),
                             (1002, [b"\x82\xff" + struct.pack(">Q", 2**63) + mask + b"x"]),
                             (1002, [b"\x88\x81" + mask + b"x"]), (1002, [b"\x88\x82" + mask + b"\x03\xed"]),
                             (1008, [b"\x01\x80" + mask, (b"\x00\x80" + mask) * 500_000]),
                             (1008, [(b"\x89\x80" + mask) * 300_000])):
            with self.subTest(frame=frames[0][:16]):
                self.assertEqual(self.close_code(*frames), code)

    def test_messages_that_are_no_json_are_counted_and_the_stream_goes_on(self):
        bad = [b"{{{", b"[1,2", b"", b"[" * 20_000, b'{"a":' * 10_000 + b"1" + b"}" * 10_000]
        frames = [b"\x81\xfe" + struct.pack(">H", len(b)) if 125 < len(b) < 65_536 else
                  b"\x81\xff" + struct.pack(">Q", len(b)) if len(b) > 125 else bytes([0x81, 0x80 | len(b)]) for b in bad]
        good = b'{"a":1}'
        self.close_code(*(head + b"\0\0\0\0" + body for head, body in zip(frames, bad)),
                        bytes([0x81, 0x80 | len(good)]) + b"\0\0\0\0" + good, b"\x88\x82\0\0\0\0\x03\xe8")
        wait_for(lambda: self.server.status("r")["sink_nop_0_0_records_out_total"] == 1, "the good message arrives")
        self.assertEqual(self.server.status("r")["op_2_decoder_0_exceptions_total"], len(bad))


if __name__ == "__main__":
    main()
