"""What users of sinks have suffered from elsewhere in the stages that every sink has, one test each: cache, templates, formats,
batches, encryption, errors, sharing."""
import asyncio
import base64
import contextlib
import gzip
import json
import pathlib
import signal
import sqlite3

import websockets
from harness import connect, free_port, main, receive, wait_for
from weakness import Remote, WeaknessTest


class SinkTest(WeaknessTest):
    settings = {"HAUMEA__BASIC__AESKEY": base64.b64encode(b"0123456789abcdef").decode()}

    def setUp(self):
        super().setUp()
        self.stream()

    def far(self, remote, rule="r", **props):
        return self.push(rule, {"addr": remote.addr, "path": "/x", "enableCache": True, "reconnectMaxDelay": "200ms", **props})

    async def numbers(self, into, first, last):
        for a in range(first, last):
            await into.send('{"a":%d}' % a)

    def waiting(self, rule="r", node="op_websocket_0_2_cache"):
        return self.server.status(rule)[f"{node}_0_buffer_length"]

    async def wait_waiting(self, count, rule="r", **named):
        await self.until(lambda: self.waiting(rule, **named) == count, f"{count} in the cache of {rule}")

    def folder(self, rule):
        return pathlib.Path(self.server.folder, "data", "cache", rule)

    def in_file(self, rule):
        """Messages in the file of the rule's cache, read behind the engine's back."""
        with contextlib.suppress(sqlite3.OperationalError), \
                contextlib.closing(sqlite3.connect(self.folder(rule) / "websocket_0.db")) as db:
            return db.execute("SELECT count(*) FROM message").fetchone()[0]
        return 0

    async def whole(self, remote, count):
        await self.until(lambda: len(set(remote.got)) == count, f"{count} messages")
        self.assertEqual(list(dict.fromkeys(remote.got)), ['{"a":%d}' % a for a in range(count)])

    def refused(self, **props):
        return self.message("POST", "/rules", {"id": "refused", "sql": "SELECT * FROM demo",
                                               "actions": [{"websocket": {"path": "/x", **props}}]})


class Cache(SinkTest):
    def test_s01_a_cache_whose_memory_is_full_goes_on_without_a_resend_interval(self):
        async def flow():
            remote = Remote()
            await self.do(self.far, remote, memoryCacheThreshold=64, bufferPageSize=64, maxDiskCache=64_000)
            async with connect(self.server.url("/in")) as into:
                await self.numbers(into, 0, 1000)
                await self.wait_waiting(1000)
                self.assertEqual((await self.do(self.server.status, "r"))["status"], "running")
                async with remote:
                    await self.whole(remote, 1000)

        self.run_async(flow())

    def test_s02_what_was_kept_goes_out_before_what_is_new_after_a_restart(self):
        async def flow():
            remote = Remote()
            await self.do(self.far, remote)
            async with connect(self.server.url("/in")) as into:
                await self.numbers(into, 0, 300)
                await self.wait_waiting(300)
            await self.do(self.server.stop)
            await self.do(self.server.start)
            async with remote, connect(self.server.url("/in")) as into:
                await self.numbers(into, 300, 310)
                await self.whole(remote, 310)
            self.assertEqual(len(remote.got), 310)

        self.run_async(flow())

    def test_s03_a_crash_loses_nothing_that_was_written(self):
        async def flow():
            remote = Remote()
            await self.do(self.far, remote)
            with contextlib.suppress(websockets.ConnectionClosed):
                async with connect(self.server.url("/in")) as into:
                    await self.numbers(into, 0, 300)
                    await self.until(lambda: self.in_file("r") == 300, "all are in the file")
                    await self.do(self.server.stop, signal.SIGKILL)
            await self.do(self.server.start)
            async with remote:
                await self.whole(remote, 300)

        self.run_async(flow())

    def test_s04_a_stop_loses_nothing_that_waits_anywhere(self):
        async def flow():
            remote = Remote()
            await self.do(self.far, remote)
            async with connect(self.server.url("/in")) as into:
                await self.numbers(into, 0, 50)  # far fewer than memory holds
                await self.wait_waiting(50)
            await self.do(self.server.must, "POST", "/rules/r/stop")
            await self.do(self.server.must, "POST", "/rules/r/start")
            async with remote, connect(self.server.url("/in")) as into:
                await self.numbers(into, 50, 60)
                await self.whole(remote, 60)

        self.run_async(flow())

    def test_s05_a_cache_that_is_cleaned_at_stop_works_after_it(self):
        async def flow():
            remote = Remote()
            await self.do(self.far, remote, cleanCacheAtStop=True, memoryCacheThreshold=64, bufferPageSize=64, maxDiskCache=64_000)
            for _ in range(2):
                async with connect(self.server.url("/in")) as into:
                    await self.numbers(into, 500, 700)
                    await self.wait_waiting(200)
                await self.do(self.server.must, "POST", "/rules/r/restart")
                await self.wait_waiting(0)
            async with remote, connect(self.server.url("/in")) as into:
                await self.numbers(into, 0, 100)
                await self.whole(remote, 100)
            self.assertEqual(await self.do(lambda: self.server.status("r")["op_websocket_0_2_cache_0_exceptions_total"]), 0)

        self.run_async(flow())

    def test_s06_every_rule_id_that_is_accepted_has_a_cache(self):
        async def flow():
            remote = Remote()
            names = ["with-hyphen", "with_underscore", "0", "x" * 1000]
            for name in names:
                await self.do(self.far, remote, name)
            async with connect(self.server.url("/in")) as into:
                await self.numbers(into, 0, 10)
                for name in names:
                    await self.wait_waiting(10, name)
            await self.do(self.server.stop, signal.SIGTERM)
            await self.do(self.server.start)
            for name in names:
                await self.wait_waiting(10, name)

        self.run_async(flow())

    def test_s07_a_deleted_rule_takes_its_own_cache_and_no_other(self):
        async def flow():
            remote = Remote()
            names = ["r1", "r10", "r1x", "r1-0"]
            for name in names:
                await self.do(self.far, remote, name)
            async with connect(self.server.url("/in")) as into:
                await self.numbers(into, 0, 20)
                for name in names:
                    await self.until(lambda n=name: self.in_file(n) == 20, f"the cache of {name}")
            await self.do(self.server.must, "DELETE", "/rules/r1")
            await self.until(lambda: not self.folder("r1").exists(), "the folder of r1 has gone")
            for name in names[1:]:
                self.assertEqual(self.in_file(name), 20)

        self.run_async(flow())

    def test_s08_the_properties_of_resending_do_what_they_say(self):
        async def flow():
            await self.do(self.push, "r", {"path": "/live", "enableCache": True, "resendAlterQueue": True, "resendPriority": -1,
                                           "resendDestination": "/late", "resendIndicatorField": "again", "concurrency": 4})
            async with connect(self.server.url("/in")) as into:
                await self.numbers(into, 0, 5)
                await self.wait_waiting(5, node="op_websocket_0_cache")
                async with connect(self.server.url("/late")) as late, connect(self.server.url("/live")) as live:
                    self.assertEqual(await receive(late, 5), ['{"a":%d,"again":true}' % a for a in range(5)])
                    await self.numbers(into, 5, 6)
                    self.assertEqual(await receive(live, 1), ['{"a":5}'])

        self.run_async(flow())
        self.assertIn("resendPriority must be -1, 0 or 1", self.refused(resendPriority=2))

    def test_s09_the_cache_keeps_whatever_the_stages_made(self):
        shapes = {"list": {"sendSingle": False}, "zip": {"compression": "gzip"}, "aes": {"encryption": "aes"},
                  "text": {"dataTemplate": "{{.a}}"}, "batch": {"batchSize": 2}, "line": {"format": "delimited"}}
        for name, props in shapes.items():
            self.push(name, {"path": "/" + name, "enableCache": True, **props})

        async def flow():
            async with connect(self.server.url("/in")) as into:
                await self.numbers(into, 0, 4)
                for name in shapes:
                    node = "op_websocket_0_3_cache" if name in ("zip", "aes", "batch") else "op_websocket_0_2_cache"
                    await self.wait_waiting(2 if name == "batch" else 4, name, node=node)
            await self.do(self.server.stop)
            await self.do(self.server.start)
            got = {}
            for name in shapes:
                async with connect(self.server.url("/" + name)) as out:
                    got[name] = await receive(out, 2 if name == "batch" else 4)
            return got

        got = self.run_async(flow())
        rows = ['{"a":%d}' % a for a in range(4)]
        self.assertEqual(got["list"], ["[%s]" % row for row in rows])
        self.assertEqual([gzip.decompress(m).decode() for m in got["zip"]], rows)
        self.assertEqual([len(m) for m in got["aes"]], [12 + 7 + 16] * 4)
        self.assertEqual(got["text"], ["0", "1", "2", "3"])
        self.assertEqual(got["batch"], ['[{"a":0},{"a":1}]', '[{"a":2},{"a":3}]'])
        self.assertEqual(got["line"], ["0", "1", "2", "3"])

    def test_s10_late_messages_beside_live_ones_are_whole_and_in_order(self):
        async def flow():
            remote = Remote()
            await self.do(self.far, remote, resendAlterQueue=True, memoryCacheThreshold=64, bufferPageSize=64, maxDiskCache=64_000)
            async with connect(self.server.url("/in")) as into:
                await self.numbers(into, 0, 2000)
                await self.wait_waiting(2000, node="op_websocket_0_cache")
                async with remote:
                    await self.numbers(into, 2000, 2100)
                    await self.until(lambda: len(set(remote.got)) == 2100, "all messages")
            numbers = [json.loads(m)["a"] for m in dict.fromkeys(remote.got)]
            self.assertEqual([a for a in numbers if a < 2000], list(range(2000)))
            self.assertEqual(await self.do(self.sink, "r", "dropped_total"), 0)

        self.run_async(flow())


class Stages(SinkTest):
    def exchange(self, messages, count, *paths):
        """-> for each path, `count` frames"""
        async def flow():
            async with contextlib.AsyncExitStack() as stack:
                clients = [await stack.enter_async_context(connect(self.server.url(path))) for path in paths]
                async with connect(self.server.url("/in")) as into:
                    for message in messages:
                        await into.send(message)
                    return [await receive(client, count) for client in clients]

        return self.run_async(flow())

    def test_s11_no_action_changes_the_rows_of_another_one_or_of_another_rule(self):
        self.server.must("POST", "/streams", {"sql": 'CREATE STREAM shared () WITH (DATASOURCE="/shared", TYPE="websocket", '
                                                     'FORMAT="json", SHARED="true")'})
        self.rule("r", "SELECT * FROM shared", [{"websocket": {"path": path, "sendSingle": True, **props}} for path, props in {
            "/less": {"excludeFields": ["a"]},
            "/only": {"fields": ["a", "z"]},
            "/text": {"dataTemplate": '{{$a := .a}}{{$a = 5}}{{$a}} {{toJson .}}'},
            "/inner": {"dataField": "o", "excludeFields": ["x"]},
            "/plain": {}}.items()])
        self.push("other", {"path": "/other"}, sql="SELECT * FROM shared")
        row = '{"a":1,"o":{"x":1}}'

        async def flow():
            async with contextlib.AsyncExitStack() as stack:
                clients = [await stack.enter_async_context(connect(self.server.url(path)))
                           for path in ("/less", "/only", "/text", "/inner", "/plain", "/other")]
                into = await stack.enter_async_context(connect(self.server.url("/shared")))
                for _ in range(3):
                    await into.send(row)
                return [await receive(client, 3) for client in clients]

        less, only, text, inner, plain, other = self.run_async(flow())
        self.assertEqual(less, ['{"o":{"x":1}}'] * 3)
        self.assertEqual(only, ['{"a":1,"z":null}'] * 3)
        self.assertEqual(text, ["5 " + row] * 3)
        self.assertEqual(inner, ['{}'] * 3)
        self.assertEqual(plain, [row] * 3)
        self.assertEqual(other, [row] * 3)

    def test_s12_a_queue_without_room_is_refused_and_one_of_one_message_works(self):
        for length in (0, -1):
            self.assertIn("bufferLength", self.refused(bufferLength=length))
        self.push("r", {"path": "/r", "bufferLength": 1})
        self.assertEqual(self.exchange(['{"a":%d}' % a for a in range(500)], 500, "/r")[0], ['{"a":%d}' % a for a in range(500)])

    def test_s13_a_full_queue_drops_the_oldest_with_a_counter_or_waits_when_asked_to(self):
        async def flow():
            drops, waits = Remote(), Remote()
            props = {"path": "/x", "sendSingle": True, "bufferLength": 10, "backlogMessages": 1, "reconnectMaxDelay": "100ms"}
            await self.do(self.rule, "drops", "SELECT * FROM demo", [{"websocket": {"addr": drops.addr, **props}}])
            async with connect(self.server.url("/in")) as into:
                await self.numbers(into, 0, 500)
                await self.until(lambda: self.sink("drops", "records_in_total") == 500, "all came to the sink")
            async with drops:
                await self.until(lambda: '{"a":499}' in drops.got, "the newest")
            dropped = await self.do(self.sink, "drops", "dropped_total")
            self.assertEqual(len(drops.got) + dropped, 500)
            self.assertGreaterEqual(dropped, 480)
            self.assertEqual(await self.do(self.sink, "drops", "dropped_queue_full_total"), dropped)
            await self.do(self.server.must, "DELETE", "/rules/drops")
            await self.do(self.rule, "waits", "SELECT * FROM demo", [{"websocket": {"addr": waits.addr, **props}}],
                          options={"disableBufferFullDiscard": True})
            async with connect(self.server.url("/in")) as into:
                sending = asyncio.create_task(self.numbers(into, 0, 500))
                await self.until(lambda: self.sink("waits", "buffer_length") >= 10, "the rule waits")
                async with waits:
                    await self.whole(waits, 500)
                await sending
            self.assertEqual(await self.do(self.sink, "waits", "dropped_total"), 0)

        self.run_async(flow())

    def test_s14_a_template_runs_once_and_only_where_templates_are_for(self):
        self.push("r", {"path": "/r", "dataTemplate": "{{index .a 9}}"}, options={"sendError": True})
        self.push("braces", {"path": "/braces", "format": "delimited", "delimiter": "{{.x}}"})
        failed, lines = self.exchange(['{"a":[1],"b":2}'], 1, "/r", "/braces")
        self.assertIn("error", json.loads(failed[0]))
        self.assertEqual(self.server.status("r")["op_websocket_0_0_transform_0_exceptions_total"], 1)
        self.assertEqual(lines, ["[1]{{.x}}2"])

    def test_s15_the_name_of_a_format_has_no_case(self):
        self.push("r", {"path": "/r", "format": "JSON", "dataTemplate": "<{{.a}}>"})
        self.assertEqual(self.exchange(['{"a":1}'], 1, "/r"), [["<1>"]])

    def test_s16_delimited_knows_quotes_headers_and_the_order_of_fields_in_batches_too(self):
        props = {"format": "delimited", "quoting": "rfc4180", "delimiter": ";", "fields": ["b", "a"]}
        self.push("r", {"path": "/r", **props, "hasHeader": True})
        self.push("batch", {"path": "/batch", **props, "batchSize": 2, "hasHeader": True})
        self.push("bare", {"path": "/bare", **props, "batchSize": 2, "hasHeader": False})
        rows = ['{"a":1,"b":"x;y"}', '{"a":2,"b":"say \\"no\\"","c":9}']
        single, = self.exchange(rows, 2, "/r")
        self.assertEqual(single, ['b;a\n"x;y";1', '"say ""no""";2'])
        batch, bare = self.exchange(rows, 1, "/batch", "/bare")
        self.assertEqual(batch, ['b;a\n"x;y";1\n"say ""no""";2'])
        self.assertEqual(bare, ['"x;y";1\n"say ""no""";2'])

    def test_s17_aes_is_fresh_for_every_message_and_what_could_not_be_decrypted_is_refused(self):
        self.assertIn("aad without iv", self.refused(encryption="aes", encProps={"aad": "aGVsbG8="}))
        self.assertIn("unsupported AES encryption mode", self.refused(encryption="aes", encProps={"mode": "ecb"}))
        self.push("r", {"path": "/r", "encryption": "aes", "dataTemplate": "{{.a}}"})
        frames, = self.exchange(['{"a":1}'] * 50, 50, "/r")
        self.assertEqual([len(frame) for frame in frames], [12 + 1 + 16] * 50)  # one byte is not too short
        self.assertEqual(len({frame[:12] for frame in frames}), 50)
        answer = self.server.must("POST", "/rules/validate", {"id": "v", "sql": "SELECT * FROM demo", "actions": [
            {"websocket": {"path": "/x", "encryption": "aes", "encProps": {"iv": base64.b64encode(b"0" * 12).decode()}}}]})
        self.assertIn("weakens gcm", answer)

    def test_s18_batches_count_rows_and_keep_their_tail_and_their_brackets(self):
        self.push("windows", {"path": "/windows", "batchSize": 4}, sql="SELECT a FROM demo GROUP BY COUNTWINDOW(2)")
        self.push("broken", {"path": "/broken", "format": "urlencoded", "sendSingle": False, "batchSize": 2})
        self.push("bad", {"path": "/bad", "batchSize": 2}, sql="SELECT a, a / b AS q FROM demo")
        self.push("tail", {"path": "/tail", "batchSize": 100})

        async def flow():
            async with contextlib.AsyncExitStack() as stack:
                windows, bad, tail = [await stack.enter_async_context(connect(self.server.url(path)))
                                      for path in ("/windows", "/bad", "/tail")]
                into = await stack.enter_async_context(connect(self.server.url("/in")))
                for a, b in ((1, 1), (2, 0), (3, 1), (4, 1)):
                    await into.send('{"a":%d,"b":%d}' % (a, b))
                self.assertEqual(await receive(windows, 1), ['[{"a":1},{"a":2},{"a":3},{"a":4}]'])
                got = json.loads((await receive(bad, 1))[0])
                self.assertEqual([row["a"] for row in got], [1, 3])  # what fails is no row of the batch
                await self.until(lambda: self.server.status("tail")["op_websocket_0_0_batch_0_records_in_total"] == 4, "four rows")
                await self.do(self.server.must, "POST", "/rules/tail/stop")
                self.assertEqual([row["a"] for row in json.loads((await receive(tail, 1))[0])], [1, 2, 3, 4])

        self.run_async(flow())

    def test_s19_error_rows_are_rows_of_the_format_and_are_packed_like_any(self):
        actions = {"/array": {"sendSingle": False}, "/single": {}, "/zip": {"compression": "gzip"}, "/aes": {"encryption": "aes"},
                   "/line": {"format": "delimited"}, "/url": {"format": "urlencoded"},
                   "/shaped": {"fields": ["a"], "dataTemplate": "{{.a}}"}}
        self.rule("r", "SELECT a / b AS q FROM demo", [{"websocket": {"path": path, "sendSingle": True, **props}}
                                                        for path, props in actions.items()], options={"sendError": True})
        got = dict(zip(actions, (frames[0] for frames in self.exchange(['{"a":1,"b":0}'], 1, *actions))))
        row = json.loads(got["/single"])
        self.assertEqual(list(row), ["error"])
        self.assertEqual(json.loads(got["/array"]), [row])
        self.assertEqual(json.loads(gzip.decompress(got["/zip"])), row)
        self.assertEqual(len(got["/aes"]), 12 + len(got["/single"]) + 16)
        self.assertEqual(got["/line"], row["error"])
        self.assertTrue(got["/url"].startswith("error="))
        self.assertEqual(json.loads(got["/shaped"]), row)
        # Counted where it happened and nowhere else.
        counted = {k: v for k, v in self.server.status("r").items() if k.endswith("_exceptions_total") and v}
        self.assertEqual(counted, {"op_3_project_0_exceptions_total": 1})


class Life(SinkTest):
    settings = {"HAUMEA__BASIC__RULEPATROLINTERVAL": "1s"}

    def test_s20_restarts_are_counted_and_the_reason_of_the_last_end_is_shown(self):
        table = pathlib.Path(self.server.folder, "lines.json")
        table.write_text('{"a":1}\n')
        self.server.must("POST", "/streams", {"sql": 'CREATE STREAM lines () WITH (DATASOURCE="lines.json", TYPE="file", '
                                                     'FORMAT="json", CONF_KEY="k")'})
        self.server.must("PUT", "/metadata/sources/file/confKeys/k", {"path": self.server.folder, "fileType": "lines",
                                                                            "interval": "1h"})
        self.rule("r", "SELECT * FROM lines", [{"nop": {}}], options={"restartStrategy": {"attempts": 2}})
        self.server.stop()
        table.unlink()
        self.server.start()
        ended = wait_for(lambda: self.server.status("r")["status"] == "stopped by error" and self.server.status("r"), "it failed")
        self.assertIn("lines.json", ended["message"])
        wait_for(lambda: self.server.log_text().count("rule r: started again") == 2, "two attempts")
        wait_for(lambda: "attempts" in self.server.status("r")["message"], "the end of the attempts is said")
        self.assertEqual(self.server.log_text().count("rule r: started again"), 2)

    def test_s21_paths_come_and_go_under_clients_that_connect(self):
        async def flow():
            ending = asyncio.Event()

            async def dial(path):
                while not ending.is_set():
                    with contextlib.suppress(websockets.InvalidHandshake, websockets.ConnectionClosed, OSError):
                        async with connect(self.server.url(path), close_timeout=1) as client:
                            await client.send('{"a":1}')
            dials = [asyncio.create_task(dial(f"/p{number % 3}")) for number in range(6)]
            for _ in range(15):
                for number in range(3):
                    await self.do(self.push, f"r{number}", {"path": f"/p{number}"})
                self.stream("s", "/p0") if "s" not in json.loads(await self.do(self.server.must, "GET", "/streams")) else None
                await self.do(self.rule, "reads", "SELECT * FROM s", [{"nop": {}}])
                for rule in ("r0", "r1", "r2", "reads"):
                    await self.do(self.server.must, "DELETE", "/rules/" + rule)
            ending.set()
            await asyncio.gather(*dials)

        self.run_async(flow())
        # A sink and a source of one path have it together, whoever came first and whoever goes.
        self.push("out", {"path": "/p0"})
        self.rule("reads", "SELECT * FROM s", [{"nop": {}}])
        self.server.must("DELETE", "/rules/reads")

        async def still():
            async with connect(self.server.url("/p0")) as client, connect(self.server.url("/in")) as into:
                await into.send('{"a":1}')
                self.assertEqual(await receive(client, 1), ['{"a":1}'])

        self.run_async(still())

    def test_s22_a_flood_of_drops_is_a_counter_and_not_a_flood_of_log_lines(self):
        self.push("r", {"path": "/nobody"})
        self.rule("far", "SELECT * FROM demo", [{"websocket": {"addr": f"127.0.0.1:{free_port()}", "path": "/x", "bufferLength": 1,
                                                               "backlogMessages": 1, "reconnectInitialDelay": "10s"}}])

        async def flow():
            async with connect(self.server.url("/in")) as into:
                await self.numbers(into, 0, 3000)
                await self.until(lambda: self.sink("r", "dropped_total") == 3000, "all are counted")
                await self.until(lambda: self.sink("far", "dropped_total") >= 2990, "nearly all")

        self.run_async(flow())
        self.assertLess(len(self.server.log_text().splitlines()), 100)

    def test_s23_a_connection_that_is_deleted_or_changed_dials_no_more(self):
        async def flow():
            async with Remote() as remote:
                gone = free_port()
                props = {"addr": f"127.0.0.1:{gone}", "path": "/x", "reconnectMaxDelay": "50ms"}
                for name in ("deleted", "changed"):
                    await self.do(self.server.must, "POST", "/connections", {"id": name, "typ": "websocket", "props": props})
                await self.do(self.server.must, "DELETE", "/connections/deleted")
                await self.do(self.server.must, "PUT", "/connections/changed",
                              {"id": "changed", "typ": "websocket", "props": {**props, "addr": remote.addr}})
                await self.until(lambda: self.connections()["changed"]["status"] == "connected", "the new address")
                self.assertNotIn("deleted", await self.do(self.connections))
                dialled = asyncio.Event()
                async with await asyncio.start_server(lambda reader, writer: dialled.set(), "127.0.0.1", gone):
                    # The one that is connected dials no more, and nobody is left for the old address.
                    for _ in range(10):
                        await self.do(self.server.must, "GET", "/connections/changed")
                        await asyncio.sleep(0.03)
                self.assertFalse(dialled.is_set())
                self.assertEqual(len(remote.requests), 1)

        self.run_async(flow())

    def test_s24_a_rule_as_a_graph_is_refused_and_told_what_to_do(self):
        said = self.message("POST", "/rules", {"id": "g", "graph": {"nodes": {}, "topo": {}}})
        self.assertIn("write it with sql and actions", said)


if __name__ == "__main__":
    main()
