"""Formats and packing on the way in: compressed messages and files, delimited text in quotes."""
import csv
import gzip
import io
import json
import pathlib
import random
import subprocess
import zlib

from harness import ServerTest, connect, main, receive, wait_for


def flate(data):
    packer = zlib.compressobj(wbits=-15)
    return packer.compress(data) + packer.flush()


def zstd(data):
    return subprocess.run(["zstd", "-qc"], input=data, capture_output=True, check=True).stdout


PACK = {"gzip": gzip.compress, "zlib": zlib.compress, "flate": flate, "zstd": zstd}


class FormatTest(ServerTest):
    def source(self, name, props, format_="json", type_="websocket"):
        self.server.must("PUT", f"/metadata/sources/{type_}/confKeys/{name}", props)
        self.server.must("POST", "/streams", {"sql": f'CREATE STREAM {name} () WITH (DATASOURCE="/{name}", TYPE="{type_}", '
                                                     f'FORMAT="{format_}", CONF_KEY="{name}")'})

    def copy(self, name, **props):
        self.rule(name, f"SELECT * FROM {name}", [{"websocket": {"path": "/out" + name, "sendSingle": True, **props}}])

    async def exchange(self, name, messages, count):
        async with connect(self.server.url("/out" + name)) as out, connect(self.server.url("/" + name)) as into:
            for message in messages:
                await into.send(message)
            return await receive(out, count)


class Decompression(FormatTest):
    def test_messages_are_decompressed_and_broken_ones_counted(self):
        for name, pack in PACK.items():
            self.source(name, {"decompression": name})
            self.copy(name)
            rows = ['{"a":%d,"p":"%s"}' % (a, "x" * a) for a in range(50)]
            messages = [pack(row.encode()) for row in rows]
            broken = [b"", b"no " + name.encode(), messages[3][:-2], "text"]
            got = self.run_async(self.exchange(name, messages[:25] + broken + messages[25:], 50))
            self.assertEqual(got, rows, name)
            status = self.server.status(name)
            self.assertEqual(status["op_2_decompress_0_exceptions_total"], len(broken), name)
            self.assertIn("decompress", status["op_2_decompress_0_last_exception"])
            self.assertEqual((status["op_2_decompress_0_records_in_total"], status["op_2_decompress_0_records_out_total"]), (54, 50))
            self.assertEqual(status["op_3_decoder_0_records_in_total"], 50)

    def test_the_limit_of_messages_counts_after_decompression_too(self):
        self.source("small", {"decompression": "gzip", "maxMessageBytes": 1000})
        self.copy("small")
        self.assertEqual(self.run_async(self.exchange("small", [gzip.compress(b'{"a":"%s"}' % (b"y" * 1000)),
                                                               gzip.compress(b'{"a":1}')], 1)), ['{"a":1}'])

    def test_errors_of_decompression_are_rows_with_send_error(self):
        self.source("packed", {"decompression": "gzip"})
        self.rule("packed", "SELECT * FROM packed", [{"websocket": {"path": "/outpacked"}}], options={"sendError": True})
        got = json.loads(self.run_async(self.exchange("packed", [b"?"], 1))[0])
        self.assertIn("decompress", got[0]["error"])

    def test_what_a_sink_compresses_a_source_reads(self):
        self.stream()
        for name in PACK:
            self.rule("to" + name, "SELECT * FROM demo", [{"websocket": {"path": "/" + name, "compression": name}}])

        async def flow():
            for name in PACK:
                async with connect(self.server.url("/" + name)) as out, connect(self.server.url("/in")) as into:
                    await into.send('{"a":1}')
                    packed = await receive(out, 1)
                self.source("from" + name, {"decompression": name})
                self.copy("from" + name)
                self.assertEqual(await self.exchange("from" + name, packed, 1), ['{"a":1}'])

        self.run_async(flow())

    def test_a_compressed_file_is_read_and_a_broken_one_refused(self):
        lines = "".join('{"a":%d}\n' % a for a in range(1000)).encode()
        for name, pack in PACK.items():
            pathlib.Path(self.server.folder, name).write_bytes(pack(lines))
            self.source(name, {"path": self.server.folder, "fileType": "lines", "decompression": name, "interval": "1h"}, type_="file")
            self.server.must("POST", "/streams", {"sql": f'CREATE STREAM f{name} () WITH (DATASOURCE="{name}", TYPE="file", '
                                                         f'FORMAT="json", CONF_KEY="{name}")'})
            self.rule(name, f"SELECT a FROM f{name}", [{"nop": {}}])
            wait_for(lambda n=name: self.server.status(n)["sink_nop_0_0_records_in_total"] == 1000, f"all lines of {name}")
        pathlib.Path(self.server.folder, "gzip").write_bytes(gzip.compress(lines)[:-9])
        status, text = self.server.rest("POST", "/rules", {"id": "cut", "sql": "SELECT a FROM fgzip", "actions": [{"nop": {}}]})
        self.assertEqual(status, 400)
        self.assertIn("cut off", text)

    def test_mistakes_and_what_has_no_effect_are_said(self):
        self.source("odd", {"decompression": "rar"})
        status, text = self.server.rest("POST", "/rules", {"id": "odd", "sql": "SELECT * FROM odd", "actions": [{"nop": {}}]})
        self.assertEqual(status, 400)
        self.assertIn("use zlib, gzip, flate or zstd", text)
        self.source("topic", {"decompression": "gzip"}, type_="memory")
        answer = self.server.must("POST", "/rules/validate", {"id": "m", "sql": "SELECT * FROM topic", "actions": [{"nop": {}}]})
        self.assertIn("decompression has no effect", answer)


class Delimited(FormatTest):
    def test_quoted_rows_come_back_as_they_were(self):
        rng = random.Random(5)
        self.source("lines", {"quoting": "rfc4180", "hasHeader": True}, "delimited")
        self.copy("lines")
        self.source("back", {"quoting": "rfc4180", "fields": ["x", "y y"]}, "delimited")
        self.copy("back", format="delimited", quoting="rfc4180")
        parts = [",", '"', "\n", "\r\n", "x", " ", "é", ""]
        rows = [["".join(rng.choices(parts, k=rng.randrange(4))) for _ in range(2)] for _ in range(100)]
        text = io.StringIO()
        csv.writer(text).writerows([["x", "y y"]] + rows)  # another's idea of the RFC
        got = self.run_async(self.exchange("lines", [text.getvalue()], 100))
        self.assertEqual([[row["x"], row["y y"]] for row in map(json.loads, got)], rows)
        again = self.run_async(self.exchange("back", [text.getvalue().split("\r\n", 1)[1]], 100))
        self.assertEqual([next(csv.reader(io.StringIO(line, newline=""))) for line in again], rows)

    def test_a_broken_quote_is_a_counted_error_of_its_message(self):
        self.source("lines", {"quoting": "rfc4180"}, "delimited")
        self.copy("lines")
        self.assertEqual(self.run_async(self.exchange("lines", ['1,"2', '"a"b', '"1",2'], 1)), ['{"col0":"1","col1":"2"}'])
        self.assertEqual(self.server.status("lines")["op_2_decoder_0_exceptions_total"], 2)

    def test_without_quoting_quotes_are_characters(self):
        self.source("lines", {}, "delimited")
        self.copy("lines")
        self.assertEqual(self.run_async(self.exchange("lines", ['"q,r",s\n1'], 1)),
                         ['{"col0":"\\"q","col1":"r\\"","col2":"s\\n1"}'])

    def test_unknown_quoting_and_impossible_delimiters_are_refused(self):
        self.stream()
        for props, said in (({"quoting": "always"}, "one of none, rfc4180"), ({"quoting": "rfc4180", "delimiter": '"'}, "delimiter")):
            status, text = self.server.rest("POST", "/rules", {"id": "r", "sql": "SELECT * FROM demo", "actions": [
                {"websocket": {"path": "/x", "format": "delimited", **props}}]})
            self.assertEqual(status, 400)
            self.assertIn(said, text)

    def test_whole_numbers_may_be_read_as_such(self):
        self.source("whole", {"useInt64ForWholeNumber": True})
        self.rule("whole", "SELECT a / 2 AS half, a FROM whole", [{"websocket": {"path": "/outwhole", "sendSingle": True}}])
        self.assertEqual(self.run_async(self.exchange("whole", ['{"a":3}', '{"a":9007199254740993}'], 2)),
                         ['{"a":3,"half":1}', '{"a":9007199254740993,"half":4503599627370496}'])


if __name__ == "__main__":
    main()
