"""Options of streams and properties of their sources, from the statement to the channel."""
import asyncio
import json
import pathlib
import unittest

from harness import ServerTest, connect, main, receive, wait_for


class Sources(ServerTest):
    def extra(self, properties):
        return 'EXTRA="' + json.dumps(properties).replace('"', '\\"') + '"'

    def create(self, name, fields, options):
        self.server.must("POST", "/streams", {"sql": f"CREATE STREAM {name} ({fields}) WITH ({options})"})

    def through(self, sql, messages, expected, path="/in", options=None):
        """What a rule makes of messages that a client sends to its stream."""
        self.rule("r", sql, [{"websocket": {"path": "/out", "sendSingle": True, "sendError": True}}],
                  options={"sendError": True, **(options or {})})

        async def flow():
            async with connect(self.server.url("/out")) as out, connect(self.server.url(path)) as into:
                for message in messages:
                    await into.send(message)
                return [json.loads(text) for text in await receive(out, len(expected))]
        self.assertEqual(self.run_async(flow()), expected)

    def rows_of(self, rule, sql, count):
        """The first rows of a rule whose source goes on by itself: it starts when the client is there."""
        self.rule(rule, sql, [{"websocket": {"path": f"/{rule}", "sendSingle": True, "enableCache": True}}])

        async def flow():
            async with connect(self.server.url(f"/{rule}")) as out:
                return [json.loads(text) for text in await receive(out, count)]
        return self.run_async(flow())

    def test_whole_numbers_may_be_integers(self):
        self.create("demo", "", 'TYPE="websocket", DATASOURCE="/in", ' + self.extra({"useInt64ForWholeNumber": True}))
        self.through("SELECT a / 2 AS h, a & 1 AS odd, b / 2 AS f FROM demo", ['{"a":9007199254740993,"b":3.0}'],
                     [{"h": 4503599627370496, "odd": 1, "f": 1.5}])

    def test_columns_of_delimited_messages_may_be_named_by_the_source(self):
        self.create("demo", "", 'TYPE="websocket", DATASOURCE="/in", FORMAT="delimited", DELIMITER=";", ' + self.extra({"fields": ["x", "y"]}))
        self.through("SELECT * FROM demo", ["1;a b", "2"], [{"x": "1", "y": "a b"}, {"x": "2"}])

    def test_binary_messages_are_one_column(self):
        self.create("demo", "", 'TYPE="websocket", DATASOURCE="/in", FORMAT="BINARY"')
        self.through("SELECT self FROM demo", [b"\x00\x01\xff", "text"], [{"self": "AAH/"}, {"self": "dGV4dA=="}])

    def test_a_typed_stream_checks_and_strict_validation_also_what_is_missing(self):
        self.create("typed", "a bigint, s string, d datetime, st struct(x bigint), l array(float)", 'TYPE="websocket", DATASOURCE="/in"')
        self.through("SELECT a / 2 AS h, s, st->x AS x, l FROM typed", ['{"a":3,"s":20,"st":{"x":1,"y":2},"l":[1]}', '{"s":"only"}'],
                     [{"h": 1, "s": "20", "x": 1, "l": [1]}, {"s": "only"}])
        self.server.must("DELETE", "/rules/r")
        self.create("strict", 'a bigint, s string DEFAULT "zz", d datetime',
                    'TYPE="websocket", DATASOURCE="/in2", STRICT_VALIDATION=TRUE, TIMESTAMP_FORMAT="YYYY/MM/dd HH:mm"')
        self.through("SELECT * FROM strict", ['{"a":1,"d":"2020/01/02 03:04"}', '{"s":"x","d":"2020/01/02 03:04"}'],
                     [{"a": 1, "s": "zz", "d": "2020-01-02T03:04:00Z"}, {"error": "error in preprocessor: field a is not found"}], "/in2")

    def test_event_time_comes_from_the_timestamp_column_in_its_format(self):
        self.create("demo", "", 'TYPE="websocket", DATASOURCE="/in", TIMESTAMP="at", TIMESTAMP_FORMAT="YYYY/MM/dd HH:mm:ss"')
        self.through("SELECT count(*) AS n, window_end() AS e FROM demo GROUP BY TUMBLINGWINDOW(mi, 1)",
                     [json.dumps({"at": f"2020/01/02 03:0{n // 2}:{n % 2 * 30 + 1:02}"}) for n in range(6)],
                     [{"n": 2, "e": 1577934060000}, {"n": 2, "e": 1577934120000}], options={"isEventTime": True, "lateTolerance": 0})

    def test_rules_of_a_shared_stream_share_one_source(self):
        self.create("demo", "", 'TYPE="websocket", DATASOURCE="/in", SHARED="true"')
        for rule in ("one", "two"):
            self.rule(rule, "SELECT a FROM demo", [{"websocket": {"path": f"/{rule}", "sendSingle": True}}])

        async def flow():
            async with connect(self.server.url("/one")) as one, connect(self.server.url("/two")) as two, \
                    connect(self.server.url("/in")) as into:
                await into.send('{"a":1}')
                self.assertEqual(await receive(one, 1) + await receive(two, 1), ['{"a":1}'] * 2)
                await asyncio.to_thread(self.server.must, "POST", "/rules/one/stop")
                await into.send('{"a":2}')
                self.assertEqual(await receive(two, 1), ['{"a":2}'])

        self.run_async(flow())
        self.assertIn("op_demo_2_decoder_0_records_in_total", self.server.status("two"))
        status, text = self.server.rest("POST", "/rules", {"id": "b", "sql": "SELECT a FROM demo", "actions": [{"nop": {}}],
                                                           "options": {"disableBufferFullDiscard": True}})
        self.assertEqual(status, 400)
        self.assertIn("disableBufferFullDiscard can't be enabled with shared stream demo", text)

    def test_files_of_every_type(self):
        folder = pathlib.Path(self.server.folder, "files")
        folder.mkdir()
        (folder / "a.json").write_text('[{"n":1},{"n":2}]')
        (folder / "b.txt").write_text('skip\n{"n":1}\n{"n":2}\nlast\n')
        (folder / "c.csv").write_text("n|name\n1|x\n2|y\n")
        path = {"path": str(folder)}
        self.create("j", "", 'TYPE="file", DATASOURCE="a.json", ' + self.extra({**path, "loop": True}))
        self.assertEqual(self.rows_of("json", "SELECT n FROM j", 5), [{"n": n} for n in (1, 2, 1, 2, 1)])
        self.create("l", "", 'TYPE="file", DATASOURCE="b.txt", FORMAT="json", ' + self.extra(
            {**path, "fileType": "lines", "ignoreStartLines": 1, "ignoreEndLines": 1, "interval": 50}))
        self.assertEqual(self.rows_of("lines", "SELECT n FROM l", 3), [{"n": 1}, {"n": 2}, {"n": 1}])
        self.create("c", "", 'TYPE="file", DATASOURCE="c.csv", DELIMITER="|", ' + self.extra(
            {**path, "fileType": "csv", "hasHeader": True, "sendInterval": "10ms"}))
        self.assertEqual(self.rows_of("csv", "SELECT * FROM c", 2), [{"n": "1", "name": "x"}, {"n": "2", "name": "y"}])
        wait_for(lambda: self.server.status("csv")["message"] == "done", "the end of the file ends its rule")

    def test_the_simulator_sends_its_rows_in_turn(self):
        self.create("s", "", 'TYPE="simulator", ' + self.extra({"data": [{"n": 1}, {"n": 2}], "interval": 5}))
        self.assertEqual(self.rows_of("sim", "SELECT n FROM s", 3), [{"n": 1}, {"n": 2}, {"n": 1}])

    def test_properties_that_no_source_knows_are_named_in_a_warning(self):
        self.create("odd", "", 'TYPE="simulator", FORMAT="json", ' + self.extra({"data": {"a": 1}, "intervall": "5ms", "interval": "10s"}))
        answer = json.loads(self.server.must("POST", "/rules/validate", {"id": "r", "sql": "SELECT a FROM odd", "actions": [{"nop": {}}]}))
        self.assertEqual(answer["warnings"], ["source simulator: unknown property intervall has no effect"])
        self.create("plain", "", 'TYPE="websocket", DATASOURCE="/p", FORMAT="json", KEY="k", DELIMITER=";"')
        self.assertNotIn("warnings", json.loads(self.server.must("POST", "/rules/validate", {
            "id": "r", "sql": "SELECT a FROM plain", "actions": [{"nop": {}}]})))

    def test_properties_of_a_wrong_kind_are_refused_when_the_rule_is_created(self):
        for source_type, properties, part in (
                ("file", {"fileType": "raw"}, "fileType"), ("file", {"interval": "soon"}, "interval"), ("file", {"sendInterval": -1}, "sendInterval"),
                ("file", {"loop": "yes"}, "loop"), ("file", {"ignoreStartLines": -1}, "ignoreStartLines"),
                ("file", {"columns": 5}, "columns"), ("file", {"actionAfterRead": 1}, "actionAfterRead"), ("file", {"hasHeader": 1}, "hasHeader"),
                ("simulator", {"data": [1]}, "data"), ("simulator", {"data": {}, "interval": []}, "interval"),
                ("simulator", {"data": {}, "loop": 1}, "loop"),
                ("memory", {"bufferLength": 0}, "bufferLength"), ("memory", {"bufferLength": "x"}, "bufferLength"),
                ("websocket", {"pingInterval": "often"}, "pingInterval"), ("websocket", {"scheme": "http"}, "scheme"),
                ("websocket", {"addr": "a:b:c"}, "addr"), ("websocket", {"useInt64ForWholeNumber": "yes"}, "useInt64ForWholeNumber"),
                ("websocket", {"decompression": "lz4"}, "decompression"),
                ("websocket", {"payloadField": "p"}, "payloadField is not supported yet")):
            with self.subTest(properties):
                self.server.rest("DELETE", "/streams/bad?force=true")
                self.create("bad", "", f'TYPE="{source_type}", DATASOURCE="/x", ' + self.extra(properties))
                status, text = self.server.rest("POST", "/rules", {"id": "r", "sql": "SELECT * FROM bad", "actions": [{"nop": {}}]})
                self.assertEqual((status, json.loads(text)["error"]), (400, 2201), text)
                self.assertIn(part, text)


if __name__ == "__main__":
    main()
