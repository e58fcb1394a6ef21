"""Expressions and messages that promise much work or much output: a result or an error soon, in bounded memory."""
import json
import struct
import time
import unittest

from harness import ServerTest, main, wait_for
from robust_load_test import Client

LONG = "a" * 50_000 + "!"
MEBI = 1 << 20


def frame(payload, opcode=0x81):
    size = len(payload)
    head = bytes([opcode, 0x80 | size]) if size < 126 else \
        bytes([opcode, 0xfe]) + struct.pack(">H", size) if size < 65_536 else bytes([opcode, 0xff]) + struct.pack(">Q", size)
    return head + b"\0\0\0\0" + payload


class HostileExpressions(ServerTest):
    # expression, row, what the error says ("" : a result)
    CASES = (
        ('regexp_matches(a, "(a+)+$")', LONG, ""),
        ('regexp_matches(a, "(a|aa)+$")', LONG, ""),
        ('regexp_matches(a, "(((a{1,100}){1,100}){1,100})")', LONG, "repetition"),
        (f'regexp_replace(a, "a", "{"b" * 100}")', "a" * 1_000_000, "longer than"),
        ('a LIKE "' + "%a" * 30 + '%b"', "a" * 200_000, ""),
        ("repeat(a, 1000000000)", "xx", "count should be"),
        ("repeat(repeat(repeat(a, 1000), 1000), 1000)", "xx", "longer than 16 MiB"),
        ("lpad(a, 2000000000)", "xx", "lpad error"),
        ("sequence(1, 1000000000000)", 1, "more than"),
        ("concat(" + ",".join(["a"] * 500) + ")", "x" * 100_000, "longer than"),
        ("array_concat(" + ",".join(["a"] * 300) + ")", [1] * 10_000, "more than"),
        ("format(a, 1000000000)", 1.5, "format error"),
        ("round(a, 1000000000)", 1.5, ""),
        ("a % -1", -9223372036854775808, ""),
        ("a / -1", -9223372036854775808, ""),
        ("a[9223372036854775807]", [1], "out of index"),
        ("conv(a, 2, 36)", "1" * 100_000, "conv error"),
        ('decompress(a, "zlib")', LONG, "decompress error"),
        ("parse_json(a)", "[" * 100_000, "parse_json error"),
        ("sha512(a)", "x" * 10_000_000, ""),
    )

    def peak(self):
        with open(f"/proc/{self.server.process.pid}/status") as status:
            return next(int(line.split()[1]) << 10 for line in status if line.startswith("VmHWM"))

    def send(self, *payloads):
        client = Client(self.server, "/in")
        try:
            client.socket.sendall(b"".join(frame(payload, 0x82) for payload in payloads))
            wait_for(lambda: self.server.status("r")["op_3_project_0_messages_processed_total"] >= len(payloads),
                     "every message is processed", 30)
        finally:
            client.close()

    def test_each_ends_soon_with_a_result_or_an_error(self):
        self.stream()
        before = self.peak()
        for expression, value, error in self.CASES:
            with self.subTest(expression[:60]):
                self.rule("r", f"SELECT {expression} AS x FROM demo", [{"nop": {}}])
                started = time.monotonic()
                self.send(json.dumps({"a": value}).encode())
                self.assertLess(time.monotonic() - started, 10)
                self.assertIn(error, self.server.status("r")["op_3_project_0_last_exception"])
                self.assertEqual(self.server.status("r")["op_3_project_0_exceptions_total"], 1 if error else 0)
                self.server.must("DELETE", "/rules/r")
        self.assertLess(self.peak() - before, 400 * MEBI)

    def test_aliases_that_double_each_other_do_not_become_endless(self):
        self.stream()
        doubled = ", ".join(f"array_concat(repeat({'a' if i == 0 else f'x{i - 1}'}, 2), repeat(1, 2)) AS x{i}" for i in range(40))
        self.rule("r", f"SELECT {doubled} FROM demo", [{"websocket": {"path": "/out"}}])
        started = time.monotonic()
        self.send(b'{"a":"abcdefgh"}')
        self.assertLess(time.monotonic() - started, 10)
        self.assertIn("longer than 16 MiB", self.server.status("r")["op_3_project_0_last_exception"])

    def test_messages_of_100_mb_are_refused_while_they_arrive(self):
        self.stream()
        self.rule("r", "SELECT * FROM demo", [{"nop": {}}])
        before = self.peak()
        whole = [frame(b"x" * 100_000_000)]
        piece = b"\xff" + struct.pack(">Q", 1_000_000) + b"\0\0\0\0" + b"x" * 1_000_000
        for frames in (whole, [b"\x01" + piece] + [b"\x00" + piece] * 100):
            client = Client(self.server, "/in")
            try:
                for data in frames:
                    client.socket.sendall(data)
            except OSError:
                pass  # closed before the end
            opcode, size = client.reader.read(2)
            self.assertEqual((opcode, struct.unpack(">H", client.reader.read(size)[:2])[0]), (0x88, 1009))
            client.close()
        self.assertLess(self.peak() - before, 100 * MEBI)

    def test_odd_json_is_read_or_counted(self):
        self.stream()
        self.rule("r", "SELECT * FROM demo", [{"nop": {}}])
        good = (b'{"a":123456789012345678901234567890}', b'{"a":1,"a":2}', b'{"":1}', b'[{"a":1},{"a":2}]')
        bad = (b'{"a":"\xff\xfe"}', b"\x00\x01\x02", b'{"a":"\\ud800', b'"x"', b"5", b"[1]", b"{'a':1}")
        client = Client(self.server, "/in")
        self.addCleanup(client.close)
        client.socket.sendall(b"".join(frame(payload, 0x82) for payload in bad + good))
        wait_for(lambda: self.server.status("r")["op_2_decoder_0_records_out_total"] >= len(good) + 1, "the good ones are read")
        status = self.server.status("r")
        self.assertEqual((status["op_2_decoder_0_records_out_total"], status["op_2_decoder_0_exceptions_total"]), (5, len(bad)))


if __name__ == "__main__":
    main()
