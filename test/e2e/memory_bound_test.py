"""Windows, and what is decompressed, keep within the memory that they were given, whatever comes in."""
import json
import struct
import unittest

from formats_test import PACK, FormatTest
from harness import ServerTest, main, wait_for
from robust_load_test import Client

MEBI = 1 << 20


class WindowMemory(ServerTest):
    BOUND = 64 * MEBI
    settings = {"HAUMEA__RULE__WINDOWBYTES": str(BOUND)}

    def peak(self):
        with open(f"/proc/{self.server.process.pid}/status") as status:
            return next(int(line.split()[1]) << 10 for line in status if line.startswith("VmHWM"))

    def test_a_million_distinct_group_keys_stay_within_the_bound_and_what_is_dropped_is_counted(self):
        self.stream(options=', TIMESTAMP="ts"')
        self.rule("keys", "SELECT k, count(*) AS n, sum(v) AS total FROM demo GROUP BY k, TUMBLINGWINDOW(ss, 10)",
                  [{"websocket": {"path": "/out"}}], options={"isEventTime": True, "lateTolerance": 0})
        reader, sender = Client(self.server, "/out"), Client(self.server, "/in")
        self.addCleanup(reader.close)
        self.addCleanup(sender.close)
        before = self.peak()
        keys = 1_000_000
        for start in range(0, keys, 10_000):
            rows = ",".join('{"k":"key%07d","v":%d,"ts":1000}' % (i, i) for i in range(start, start + 10_000))
            text = f"[{rows}]".encode()
            sender.socket.sendall(b"\x81\xff" + struct.pack(">Q", len(text)) + b"\0\0\0\0" + text)
        sender.socket.sendall(Client.frame(b'{"k":"end","v":0,"ts":20000}'))
        size = struct.unpack(">xBQ", reader.reader.read(10))[1]
        groups = len(json.loads(reader.reader.read(size)))
        self.assertLess(self.peak() - before, 1.5 * self.BOUND)
        wait_for(lambda: self.server.status("keys")["op_4_watermark_0_records_in_total"] == keys + 1, "all rows were read")
        status = self.server.status("keys")
        dropped = sum(value for name, value in status.items() if name.startswith("op_") and name.endswith("_dropped_total"))
        self.assertEqual(groups + dropped, keys)
        self.assertGreater(groups, 100_000)
        self.assertIn("windowBytes (64 MiB)", status["op_4_watermark_0_last_exception"])


class Bombs(FormatTest):
    def rss(self):
        with open(f"/proc/{self.server.process.pid}/status") as status:
            return next(int(line.split()[1]) << 10 for line in status if line.startswith("VmRSS"))

    def test_a_compressed_bomb_is_an_error_and_no_memory(self):
        for name in PACK:
            self.source(name, {"decompression": name, "maxDecompressedBytes": 1 << 20})
            self.copy(name)
        bomb = b'{"a":"' + b"x" * (48 << 20) + b'"}'
        before = self.rss()
        for name, pack in PACK.items():
            packed = pack(bomb)
            self.assertLess(len(packed), 1 << 20)
            self.assertEqual(self.run_async(self.exchange(name, [packed] * 3 + [pack(b'{"a":1}')], 1)), ['{"a":1}'])
            self.assertIn("more than 1048576 bytes", self.server.status(name)["op_2_decompress_0_last_exception"])
        self.assertLess(self.rss() - before, 32 << 20)


if __name__ == "__main__":
    main()
