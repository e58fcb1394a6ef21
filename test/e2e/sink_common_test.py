"""What every action can do beside its own payload: groups of properties, connections, neighbours, errors, batches that end."""
import asyncio
import base64
import contextlib
import gzip
import json
import pathlib

import websockets
from harness import connect, free_port, main, receive, wait_for
from weakness import Remote, WeaknessTest


class Reuse(WeaknessTest):
    def with_files(self, **files):
        self.server.stop()
        for name, text in files.items():
            path = pathlib.Path(self.server.folder, "etc", name.replace("__", "/") + ".yaml")
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
        self.server.start()
        self.stream()

    def one(self, rule, path, message='{"a":1,"b":2}'):
        async def flow():
            async with connect(self.server.url(path)) as out, connect(self.server.url("/in")) as into:
                await into.send(message)
                return (await receive(out, 1))[0]

        return self.run_async(flow())

    def test_a_group_of_properties_stands_below_what_the_action_says(self):
        self.with_files(sinks__websocket="compact:\n  path: /group\n  sendSingle: true\n  fields: [a]\n")
        self.rule("group", "SELECT * FROM demo", [{"websocket": {"resourceId": "compact"}}])
        self.assertEqual(self.one("group", "/group"), '{"a":1}')
        self.rule("own", "SELECT * FROM demo", [{"websocket": {"RESOURCEID": "compact", "PATH": "/own", "Fields": ["b"]}}])
        self.assertEqual(self.one("own", "/own"), '{"b":2}')
        self.server.must("PUT", "/metadata/sinks/websocket/confKeys/put", {"path": "/put", "sendSingle": True, "excludeFields": ["a"]})
        self.rule("put", "SELECT * FROM demo", [{"websocket": {"resourceId": "put"}}])
        self.assertEqual(self.one("put", "/put"), '{"b":2}')
        said = self.message("POST", "/rules", {"id": "none", "sql": "SELECT * FROM demo",
                                               "actions": [{"websocket": {"resourceId": "none", "path": "/x"}}]})
        self.assertIn('resourceId "none" is no group of etc/sinks/websocket.yaml', said)

    def test_a_named_connection_wins_over_the_action_and_an_unknown_one_is_refused(self):
        self.with_files(connections__connection="websocket:\n  local:\n    path: /from/file\n")
        self.server.must("POST", "/connections", {"id": "named", "typ": "websocket", "props": {"path": "/named"}})
        for selector, path in (("named", "/named"), ("websocket.local", "/from/file")):
            self.push(selector.replace(".", "_"), {"connectionSelector": selector, "path": "/ignored", "fields": ["a"]})
            self.assertEqual(self.one(selector, path), '{"a":1}')
        for selector in ("unknown", "websocket.unknown"):
            said = self.message("POST", "/rules", {"id": "r", "sql": "SELECT * FROM demo",
                                                   "actions": [{"websocket": {"connectionSelector": selector}}]})
            self.assertIn("unknown not existed", said)

    def test_an_action_that_is_stuck_holds_up_no_other(self):
        self.stream()

        async def flow():
            end = asyncio.Event()

            async def ignore(peer, path=None):
                await end.wait()
            port = free_port()
            async with websockets.serve(ignore, "127.0.0.1", port, ping_interval=None, max_queue=1, read_limit=1024,
                                        close_timeout=0.1):
                await self.do(self.rule, "r", "SELECT * FROM demo", [
                    {"websocket": {"addr": f"127.0.0.1:{port}", "path": "/x", "bufferLength": 10, "backlogMessages": 10}},
                    {"websocket": {"addr": f"127.0.0.1:{free_port()}", "path": "/x", "bufferLength": 10, "backlogMessages": 10}},
                    {"websocket": {"path": "/out", "sendSingle": True}}])
                async with connect(self.server.url("/out")) as out, connect(self.server.url("/in")) as into:
                    for block in range(20):
                        for a in range(20):
                            await into.send(json.dumps({"a": block * 20 + a, "pad": "x" * 50_000}))
                        got = await receive(out, 20)
                        self.assertEqual([json.loads(m)["a"] for m in got], list(range(block * 20, block * 20 + 20)))
                for index in (0, 1):
                    await self.until(lambda i=index: self.sink("r", "dropped_queue_full_total", i) > 0, "drops of the others alone")
                self.assertEqual(await self.do(self.sink, "r", "dropped_total", 2), 0)
                await self.do(self.server.must, "DELETE", "/rules/r")
                end.set()

        self.run_async(flow())

    def test_an_action_may_want_errors_or_not_whatever_the_rule_says(self):
        self.stream()
        sql = "SELECT a / b AS q FROM demo"
        for rule, option in (("on", True), ("off", False)):
            self.rule(rule, sql, [{"websocket": {"path": f"/{rule}/{name}", "sendSingle": True, **props}}
                                  for name, props in {"yes": {"sendError": True}, "no": {"sendError": False}, "rule": {}}.items()],
                      options={"sendError": option})

        async def flow():
            async with contextlib.AsyncExitStack() as stack:
                clients = {(rule, name): await stack.enter_async_context(connect(self.server.url(f"/{rule}/{name}")))
                           for rule in ("on", "off") for name in ("yes", "no", "rule")}
                into = await stack.enter_async_context(connect(self.server.url("/in")))
                await into.send('{"a":1,"b":0}')
                await into.send('{"a":4,"b":2}')
                for (rule, name), client in clients.items():
                    wanted = name == "yes" or (name == "rule" and rule == "on")
                    got = [json.loads(m) for m in await receive(client, 2 if wanted else 1)]
                    self.assertEqual(["error" in row for row in got], [True, False] if wanted else [False], (rule, name))

        self.run_async(flow())


class Batches(WeaknessTest):
    settings = {"HAUMEA__BASIC__AESKEY": base64.b64encode(b"0123456789abcdef").decode()}
    # name: properties, the first batch of three rows and the second of the two that are left
    shapes = {
        "single": ({}, '[{"a":0},{"a":1},{"a":2}]', '[{"a":3},{"a":4}]'),
        "lists": ({"sendSingle": False}, '[[{"a":0}],[{"a":1}],[{"a":2}]]', '[[{"a":3}],[{"a":4}]]'),
        "template": ({"dataTemplate": '{"t":{{.a}}}'}, '[{"t":0},{"t":1},{"t":2}]', '[{"t":3},{"t":4}]'),
        "delimited": ({"format": "delimited"}, "a\n0\n1\n2", "a\n3\n4"),
        "bare": ({"format": "delimited", "hasHeader": False, "quoting": "rfc4180"}, "0\n1\n2", "3\n4"),
        "text": ({"format": "delimited", "dataTemplate": "<{{.a}}>"}, "<0>\n<1>\n<2>", "<3>\n<4>"),
        "url": ({"format": "urlencoded"}, "a=0\na=1\na=2", "a=3\na=4"),
        "zip": ({"compression": "gzip"}, '[{"a":0},{"a":1},{"a":2}]', '[{"a":3},{"a":4}]'),
        "aes": ({"encryption": "aes"}, '[{"a":0},{"a":1},{"a":2}]', '[{"a":3},{"a":4}]'),
        "linger": ({"batchSize": 0, "lingerInterval": "1h"}, None, '[{"a":0},{"a":1},{"a":2},{"a":3},{"a":4}]'),
    }

    def actions(self):
        return [{"websocket": {"path": "/" + name, "sendSingle": True, "batchSize": 3, **props}}
                for name, (props, _, _) in self.shapes.items()]

    async def clients(self, stack):
        for name in [*self.shapes, "binary"]:
            await self.do(self.server.must, "POST", "/connection/websocket", {"endpoint": "/" + name})
        return {name: await stack.enter_async_context(connect(self.server.url("/" + name))) for name in [*self.shapes, "binary"]}

    async def check(self, clients):
        for name, (_, *batches) in self.shapes.items():
            wanted = [batch for batch in batches if batch is not None]
            got = await receive(clients[name], len(wanted))
            if name == "zip":
                got = [gzip.decompress(m).decode() for m in got]
            if name == "aes":
                got, wanted = [len(m) for m in got], [12 + len(m) + 16 for m in wanted]
            self.assertEqual(got, wanted, name)
        self.assertEqual(await receive(clients["binary"], 2), [b"012", b"34"])

    def test_the_tail_of_a_batch_goes_out_when_the_file_ends(self):
        pathlib.Path(self.server.folder, "rows").write_text("".join('{"a":%d,"s":"%d"}\n' % (a, a) for a in range(5)))
        self.server.must("PUT", "/metadata/sources/file/confKeys/k", {"path": self.server.folder, "fileType": "lines"})
        self.server.must("POST", "/streams", {"sql": 'CREATE STREAM rows () WITH (DATASOURCE="rows", TYPE="file", FORMAT="json", '
                                                     'CONF_KEY="k")'})

        async def flow():
            async with contextlib.AsyncExitStack() as stack:
                clients = await self.clients(stack)
                await self.do(self.rule, "r", "SELECT a FROM rows", self.actions())
                await self.do(self.rule, "binary", "SELECT s AS self FROM rows", [
                    {"websocket": {"path": "/binary", "sendSingle": True, "batchSize": 3, "format": "binary"}}])
                await self.check(clients)

        self.run_async(flow())
        wait_for(lambda: self.server.status("r")["message"] == "done", "the rule has ended")

    def test_the_tail_of_a_batch_goes_out_when_the_rule_stops(self):
        self.stream()

        async def flow():
            async with contextlib.AsyncExitStack() as stack:
                clients = await self.clients(stack)
                await self.do(self.rule, "r", "SELECT a FROM demo", self.actions())
                await self.do(self.rule, "binary", "SELECT s AS self FROM demo", [
                    {"websocket": {"path": "/binary", "sendSingle": True, "batchSize": 3, "format": "binary"}}])
                into = await stack.enter_async_context(connect(self.server.url("/in")))
                for a in range(5):
                    await into.send('{"a":%d,"s":"%d"}' % (a, a))
                for rule in ("r", "binary"):
                    await self.until(lambda r=rule: self.server.status(r)["op_websocket_0_0_batch_0_records_in_total"] == 5, "rows")
                    await self.do(self.server.must, "POST", f"/rules/{rule}/stop")
                await self.check(clients)

        self.run_async(flow())


class CacheSwitchedOff(WeaknessTest):
    def setUp(self):
        super().setUp()
        self.stream()

    def body(self, **props):
        return {"id": "r", "sql": "SELECT a FROM demo", "actions": [{"websocket": {"sendSingle": True, "path": "/x", **props}}]}

    def cached(self, count, **props):
        """A rule whose cache holds `count` messages."""
        self.server.must("POST", "/rules", self.body(enableCache=True, **props))

        async def flow():
            async with connect(self.server.url("/in")) as into:
                for a in range(count):
                    await into.send('{"a":%d}' % a)
                await self.until(lambda: self.server.status("r")["op_websocket_0_2_cache_0_buffer_length"] == count, "all wait")

        self.run_async(flow())

    def file(self):
        return pathlib.Path(self.server.folder, "data", "cache", "r", "websocket_0.db")

    def test_what_waited_is_sent_before_anything_new(self):
        async def flow():
            remote = Remote()
            props = {"addr": remote.addr, "reconnectMaxDelay": "200ms"}
            await self.do(self.cached, 300, **props)
            await self.do(self.server.must, "PUT", "/rules/r", self.body(**props))
            async with connect(self.server.url("/in")) as into:
                for a in range(300, 310):
                    await into.send('{"a":%d}' % a)
                async with remote:
                    await self.until(lambda: len(remote.got) == 310, "old and new ones")
                    self.assertEqual(remote.got, ['{"a":%d}' % a for a in range(310)])
            await self.until(lambda: not self.file().exists(), "the file has gone")
            self.assertEqual(await self.do(self.sink, "r", "dropped_total"), 0)

        self.run_async(flow())

    def test_what_cannot_be_sent_is_dropped_counted_and_warned_of(self):
        self.cached(300)
        wait_for(self.file().exists, "the file")
        self.server.must("POST", "/rules/r/stop")
        said = self.server.must("POST", "/rules/validate", self.body())
        self.assertIn("what waits in the cache is sent first", said)
        self.server.must("PUT", "/rules/r", self.body())  # which starts it, too
        wait_for(lambda: self.sink("r", "dropped_no_client_total") == 300, "nobody is connected")
        self.assertIn("300 messages that waited", self.server.log_text())
        wait_for(lambda: not self.file().exists(), "the file has gone")
        # And once more with a cache: nothing old comes back.
        self.server.must("PUT", "/rules/r", self.body(enableCache=True))
        self.assertEqual(self.server.status("r")["op_websocket_0_2_cache_0_buffer_length"], 0)

    def test_more_than_the_queue_holds_goes_the_oldest_first(self):
        async def flow():
            remote = Remote()
            props = {"addr": remote.addr, "reconnectMaxDelay": "200ms", "bufferLength": 100, "backlogMessages": 1}
            await self.do(self.cached, 500, **props)
            await self.do(self.server.must, "PUT", "/rules/r", self.body(**props))
            await self.until(lambda: (self.sink("r", "dropped_queue_full_total") or 0) >= 390, "the older ones")
            async with remote:
                await self.until(lambda: '{"a":499}' in remote.got, "the newest")
            self.assertEqual(len(remote.got) + await self.do(self.sink, "r", "dropped_total"), 500)
            self.assertEqual(remote.got, ['{"a":%d}' % a for a in range(500 - len(remote.got), 500)])

        self.run_async(flow())


if __name__ == "__main__":
    main()
