"""What a user's action object gives on the wire: one test per vector, each through a real WebSocket. The numbers are those of
the list of vectors that these tests were written from."""
import asyncio
import base64
import contextlib
import gzip
import json
import pathlib
import signal
import socket
import sqlite3
import subprocess
import zlib

import websockets
from harness import connect, free_port, main, receive
from weakness import Remote, WeaknessTest

KEY = b"0123456789abcdef0123456789abcdef"


class VectorTest(WeaknessTest):
    settings = {"HAUMEA__BASIC__AESKEY": base64.b64encode(KEY).decode()}
    sql = "SELECT * FROM demo"

    def setUp(self):
        super().setUp()
        self.stream()

    def action(self, rule="r", sql=None, **props):
        return self.rule(rule, sql or self.sql, [{"websocket": {"path": "/" + rule, **props}}])

    def refused(self, *actions, **more):
        return self.message("POST", "/rules", {"id": "refused", "sql": self.sql, "actions": list(actions), **more})

    async def exchange(self, messages, count, rule="r", path="/in"):
        """Sends `messages` to the stream -> the first `count` frames that a client of the rule gets."""
        async with connect(self.server.url("/" + rule), max_size=None) as out, connect(self.server.url(path)) as into:
            for message in messages:
                await into.send(message)
            return await receive(out, count)

    def frames(self, messages, count, rule="r", path="/in"):
        return self.run_async(self.exchange(messages, count, rule, path))

    def in_file(self, rule):
        """Messages in the file of the rule's cache, read behind the engine's back."""
        path = pathlib.Path(self.server.folder, "data", "cache", rule, "websocket_0.db")
        with contextlib.suppress(sqlite3.OperationalError), contextlib.closing(sqlite3.connect(path)) as db:
            return db.execute("SELECT count(*) FROM message").fetchone()[0]
        return 0

    def exception(self, node, rule="r"):
        return self.server.status(rule)[f"{node}_0_last_exception"]


class Payload(VectorTest):
    def test_v01_a_path_without_a_slash_is_refused_when_the_rule_is_created(self):
        self.assertIn("websocket endpoint should start with /", self.refused({"websocket": {"path": "x"}}))
        self.assertEqual(self.server.rest("GET", "/rules/refused")[0], 404)

    def test_v02_every_client_gets_an_array_even_for_one_row(self):
        self.action()

        async def flow():
            async with connect(self.server.url("/r")) as other:
                self.assertEqual(await self.exchange(['{"a":1}'], 1), ['[{"a":1}]'])
                self.assertEqual(await receive(other, 1), ['[{"a":1}]'])

        self.run_async(flow())

    def test_v03_send_single_sends_the_row_itself(self):
        self.action(sendSingle=True)
        self.assertEqual(self.frames(['{"a":1}'], 1), ['{"a":1}'])

    def test_v04_a_window_is_one_frame_or_with_send_single_a_frame_per_row(self):
        sql = "SELECT a FROM demo GROUP BY COUNTWINDOW(2)"
        self.action(sql=sql)
        self.action("single", sql=sql, sendSingle=True)
        rows = ['{"a":1}', '{"a":2}']
        self.assertEqual(self.frames(rows, 1), ['[{"a":1},{"a":2}]'])
        self.assertEqual(self.frames(rows, 2, "single"), rows)

    def test_v05_a_template_is_the_message_whatever_it_writes(self):
        self.action(sendSingle=True, dataTemplate='{"t":{{.a}}}')
        self.assertEqual(self.frames(['{"a":1}', '{"a":1000000}', '{"b":1}'], 3),
                         ['{"t":1}', '{"t":1e+06}', '{"t":<no value>}'])

    def test_v06_fields_keep_what_they_name_and_what_is_missing_is_null(self):
        self.action(sendSingle=True, fields=["a", "zz"])
        self.assertEqual(self.frames(['{"a":1,"b":2}'], 1), ['{"a":1,"zz":null}'])

    def test_v07_fields_and_exclude_fields_exclude_each_other(self):
        self.assertIn("field and excludeFields cannot both be set",
                      self.refused({"websocket": {"path": "/x", "fields": ["a"], "excludeFields": ["b"]}}))

    def test_v08_data_field_sends_what_is_in_the_field(self):
        self.action(sendSingle=True, dataField="data")
        self.assertEqual(self.frames(['{"data":{"x":1}}', '{"data":[{"x":1},{"x":2}]}'], 2), ['{"x":1}', '[{"x":1},{"x":2}]'])

    def test_v09_delimited_sends_values_in_the_order_of_their_names(self):
        self.action(sendSingle=True, format="delimited")
        self.assertEqual(self.frames(['{"b":2,"a":1.5}'], 1), ["1.5,2"])

    def test_v10_urlencoded_takes_single_rows_only(self):
        self.action(sendSingle=True, format="urlencoded")
        self.rule("lists", self.sql, [{"websocket": {"path": "/lists", "format": "urlencoded"}}], options={"sendError": True})
        self.assertEqual(self.frames(['{"b":2,"a":1.5}'], 1), ["a=1.5&b=2"])
        said = json.loads(self.frames(['{"b":2,"a":1.5}'], 1, "lists")[0])
        self.assertIn("must be a map", said[0]["error"])
        self.assertRegex(self.exception("op_websocket_0_1_encode", "lists"), "unsupported type .*, must be a map")

    def test_v30_text_that_is_no_utf8_is_mended_in_json_and_goes_raw_in_binary_frames_otherwise(self):
        self.server.must("POST", "/streams", {"sql": 'CREATE STREAM raw () WITH (DATASOURCE="/raw", TYPE="websocket", '
                                                     'FORMAT="delimited")'})
        self.action(sql="SELECT col0 AS s FROM raw", sendSingle=True)
        self.action("plain", sql="SELECT col0 AS s FROM raw", sendSingle=True, format="delimited")

        async def flow():
            async with connect(self.server.url("/r")) as mended, connect(self.server.url("/plain")) as plain, \
                    connect(self.server.url("/raw")) as into:
                await into.send(b"a\xffb")
                await into.send("fine")
                self.assertEqual(await receive(mended, 2), ['{"s":"a\\ufffdb"}', '{"s":"fine"}'])
                self.assertEqual(await receive(plain, 2), [b"a\xffb", "fine"])

        self.run_async(flow())


class Stages(VectorTest):
    def test_v11_compressed_messages_are_binary_frames_and_every_client_has_each_intact(self):
        for name in ("gzip", "zlib", "flate", "zstd"):
            self.action(name, compression=name)
        plain = ['[{"a":%d,"pad":"%s"}]' % (a, "x" * (a % 50)) for a in range(1000)]

        async def flow():
            async with contextlib.AsyncExitStack() as stack:
                clients = [(name, await stack.enter_async_context(connect(self.server.url("/" + name))))
                           for name in ("gzip", "gzip", "gzip", "zlib", "flate", "zstd")]
                into = await stack.enter_async_context(connect(self.server.url("/in")))
                for message in plain:
                    await into.send(message)
                return [(name, await receive(client, 1000)) for name, client in clients]

        for name, frames in self.run_async(flow()):
            if name == "zstd":  # frames that follow each other are one stream to its tool
                out = subprocess.run(["zstd", "-dc"], input=b"".join(frames), capture_output=True, check=True).stdout
                self.assertEqual(out.decode(), "".join(plain))
                continue
            unpack = {"gzip": gzip.decompress, "zlib": zlib.decompress, "flate": lambda m: zlib.decompress(m, -15)}[name]
            self.assertEqual([unpack(m).decode() for m in frames], plain, name)

    def test_v12_aes_is_gcm_unless_asked_for_cfb_and_short_messages_work(self):
        def b64(text):
            return base64.b64encode(text).decode()

        self.action("gcm", encryption="aes", encProps={"iv": b64(b"0123456789ab")})
        self.action("aad", encryption="aes", encProps={"iv": b64(b"0123456789ab"), "aad": b64(b"helloworld")})
        self.action("cfb", encryption="aes", encProps={"mode": "cfb", "iv": b64(b"0123456789abcdef")})
        self.action("fresh", encryption="aes", sendSingle=True)
        wanted = {
            "gcm": "303132333435363738396162c2d2c55b61f0a937d76701878179218a8299ba9624598c5fb97776156b1bc4",
            "aad": "55fb5993f9299d2b321418fd97612337c2d2c55b61f0a937d7670187817921",
            "cfb": "30313233343536373839616263646566a347b801fe36eab403fd5bece7a64b"}
        for name, frame in wanted.items():
            self.assertEqual(self.frames(['{"a":1,"b":2}'], 1, name)[0].hex(), frame, name)
        frames = self.frames(['{"a":1}', '{"a":1}'], 2, "fresh")
        self.assertEqual(len({frame[:12] for frame in frames}), 2, "a nonce of its own for each")
        for frame in frames:
            # The middle of a GCM message is AES-CTR from counter 2 on.
            self.assertEqual(len(frame), 12 + 7 + 16)
            plain = subprocess.run(["openssl", "enc", "-d", "-aes-256-ctr", "-K", KEY.hex(), "-iv", frame[:12].hex() + "00000002"],
                                   input=frame[12:-16], capture_output=True, check=True).stdout
            self.assertEqual(plain, b'{"a":1}')

    def test_v13_a_batch_is_one_array_of_its_rows(self):
        self.action(sendSingle=True, batchSize=3)
        rows = ['{"a":1}', '{"a":2}', '{"a":3}', '{"a":4}', '{"a":5}', '{"a":6}']
        self.assertEqual(self.frames(rows, 2), ['[{"a":1},{"a":2},{"a":3}]', '[{"a":4},{"a":5},{"a":6}]'])

    def test_v14_a_batch_of_templates_is_an_array_of_what_they_wrote(self):
        self.action(sendSingle=True, batchSize=2, dataTemplate='{"t":{{.a}}}')
        self.assertEqual(self.frames(['{"a":1}', '{"a":2}'], 1), ['[{"t":1},{"t":2}]'])

    def test_v15_linger_interval_ends_a_batch_as_text_and_as_milliseconds(self):
        for rule, linger in (("text", "100ms"), ("number", 100)):
            self.action(rule, sendSingle=True, batchSize=1000, lingerInterval=linger)
            self.assertEqual(self.frames(['{"a":1}'], 1, rule), ['[{"a":1}]'])

    def test_v16_a_negative_batch_is_refused(self):
        self.assertIn("invalid batchSize -1", self.refused({"websocket": {"path": "/x", "batchSize": -1}}))

    def test_v17_a_cache_with_less_memory_than_a_page_is_refused(self):
        said = self.refused({"websocket": {"path": "/x", "bufferPageSize": 512, "memoryCacheThreshold": 100}})
        self.assertRegex(said, "invalid cache properties: .*memoryCacheThresholdTooSmall")

    def test_v18_a_template_that_cannot_be_read_is_refused(self):
        for template in ("{{.a", "{{foo}}"):
            self.assertIn("template", self.refused({"websocket": {"path": "/x", "dataTemplate": template}}))

    def test_v29_what_one_action_leaves_out_another_still_has(self):
        self.rule("r", self.sql, [{"websocket": {"path": "/less", "sendSingle": True, "excludeFields": ["a"]}},
                                  {"websocket": {"path": "/r", "sendSingle": True}}])

        async def flow():
            async with connect(self.server.url("/less")) as less:
                self.assertEqual(await self.exchange(['{"a":1,"b":2}'], 1), ['{"a":1,"b":2}'])
                self.assertEqual(await receive(less, 1), ['{"b":2}'])

        self.run_async(flow())


class ClientRole(VectorTest):
    async def numbers(self, into, first, last):
        for a in range(first, last):
            await into.send('{"a":%d}' % a)

    async def whole(self, remote, count):
        """All numbers came, the first time each in order."""
        await self.until(lambda: remote.got and len(set(remote.got)) == count, f"{count} messages")
        self.assertEqual(list(dict.fromkeys(remote.got)), ['{"a":%d}' % a for a in range(count)])

    def far(self, remote, rule="r", **props):
        return self.action(rule, addr=remote.addr, sendSingle=True, reconnectMaxDelay="200ms", **props)

    def test_v19_a_remote_that_is_down_does_not_stop_the_rule_and_gets_what_waited_in_order(self):
        async def flow():
            remote = Remote()
            await self.do(self.far, remote, enableCache=True)
            self.assertEqual((await self.do(self.server.status, "r"))["status"], "running")
            self.assertIn(await self.do(self.sink, "r", "connection_status"), (0, -1))
            async with connect(self.server.url("/in")) as into:
                await self.numbers(into, 0, 100)
                await self.until(lambda: self.sink("r", "connection_attempts_total") >= 2, "it dials again")
                async with remote:
                    await self.whole(remote, 100)

        self.run_async(flow())

    def test_v20_a_remote_that_restarts_misses_nothing_with_a_cache(self):
        async def flow():
            remote = Remote()
            await self.do(self.far, remote, enableCache=True)
            async with connect(self.server.url("/in")) as into:
                for block in range(3):
                    async with remote:
                        await self.numbers(into, block * 200, block * 200 + 100)
                        await self.until(lambda last=block * 200 + 99: '{"a":%d}' % last in remote.got, "those while it is there")
                    await self.numbers(into, block * 200 + 100, block * 200 + 200)
                async with remote:
                    await self.whole(remote, 600)
            # Beyond what was in flight nothing comes twice: a confirmation is asked for every 64 messages.
            self.assertLess(len(remote.got), 600 + 3 * 128)

        self.run_async(flow())

    def test_v21_equal_paths_at_two_servers_are_two_connections(self):
        async def flow():
            async with Remote() as one, Remote() as two:
                for rule, remote, add in (("one", one, 0), ("two", two, 100)):
                    await self.do(self.rule, rule, f"SELECT a + {add} AS a FROM demo",
                                  [{"websocket": {"addr": remote.addr, "path": "/same", "sendSingle": True}}])
                async with connect(self.server.url("/in")) as into:
                    await into.send('{"a":1}')
                await self.until(lambda: one.got == ['{"a":1}'] and two.got == ['{"a":101}'], "each its own")

        self.run_async(flow())

    def test_v24_the_connectivity_check_dials_and_says_what_is_wrong(self):
        async def flow():
            async with Remote() as remote:
                answer = await self.do(self.server.rest, "POST", "/metadata/sinks/connection/websocket",
                                       {"addr": remote.addr, "path": "/x"})
                self.assertEqual(answer, (200, ""))

        self.run_async(flow())
        said = self.message("POST", "/metadata/sinks/connection/websocket", {"addr": f"127.0.0.1:{free_port()}", "path": "/x"})
        self.assertIn("refused", said.lower())

    def test_v27_a_rule_id_with_hyphens_has_a_cache(self):
        async def flow():
            remote = Remote()
            await self.do(self.far, remote, "a-b-c", enableCache=True)
            async with connect(self.server.url("/in")) as into:
                await self.numbers(into, 0, 10)
                async with remote:
                    await self.whole(remote, 10)

        self.run_async(flow())

    def test_v28_what_was_in_the_cache_when_the_engine_was_killed_comes_first(self):
        async def flow():
            remote = Remote()
            await self.do(self.far, remote, enableCache=True)
            with contextlib.suppress(websockets.ConnectionClosed):
                async with connect(self.server.url("/in")) as into:
                    await self.numbers(into, 0, 50)
                    await self.until(lambda: self.in_file("r") == 50, "all are in the file")
                    await self.do(self.server.stop, signal.SIGKILL)
            await self.do(self.server.start)
            async with connect(self.server.url("/in")) as into, remote:
                await self.numbers(into, 50, 60)
                await self.whole(remote, 60)
            self.assertEqual(len(remote.got), 60)

        self.run_async(flow())

    def test_v26_a_peer_that_stops_reading_does_not_hold_up_the_end_of_a_rule(self):
        async def flow():
            stuck = Remote()  # of which only the address is used: nobody takes messages out of its queue

            end = asyncio.Event()

            async def ignore(peer, path=None):
                await end.wait()
            async with websockets.serve(ignore, "127.0.0.1", stuck.port, ping_interval=None, max_queue=1, close_timeout=0.1,
                                        read_limit=1024):
                await self.do(self.far, stuck, "far")
                await self.do(self.action, "near", sendSingle=True)
                async with connect(self.server.url("/near"), max_queue=1, read_limit=1024, close_timeout=0.1), \
                        connect(self.server.url("/in")) as into:
                    await self.until(lambda: self.sink("far", "connection_status") == 1, "connected")
                    for _ in range(100):
                        await into.send(json.dumps({"a": "x" * 100_000}))
                    for rule in ("far", "near"):
                        await self.until(lambda r=rule: self.server.status(r)["op_websocket_0_1_encode_0_records_out_total"] == 100,
                                         "all were sent")
                        self.assertEqual(await self.do(self.server.rest, "DELETE", "/rules/" + rule),
                                         (200, f"Rule {rule} is dropped."))
                    end.set()

        self.run_async(flow())


class ServerRole(VectorTest):
    def test_v22_clients_of_a_path_stay_when_one_of_its_rules_stops(self):
        for rule in ("first", "second"):
            self.rule(rule, self.sql, [{"websocket": {"path": "/same", "sendSingle": True}}])

        async def flow():
            async with connect(self.server.url("/same")) as client, connect(self.server.url("/in")) as into:
                await self.do(self.server.must, "POST", "/rules/first/stop")
                await into.send('{"a":1}')
                self.assertEqual(await receive(client, 1), ['{"a":1}'])
                await into.send('{"a":2}')
                self.assertEqual(await receive(client, 1), ['{"a":2}'])

        self.run_async(flow())

    def test_v23_check_connection_wants_the_endpoint_and_a_client_of_it(self):
        checked = {"websocket": {"path": "/checked", "checkConnection": True}}
        self.assertIn("websocket has no endpoint /checked", self.refused(checked))
        self.server.must("POST", "/connection/websocket", {"endpoint": "/checked"})
        self.assertIn("websocket endpoint /checked has no connection", self.refused(checked))

        async def flow():
            async with connect(self.server.url("/checked")):
                answer = await self.do(self.server.rest, "POST", "/rules", {"id": "r", "sql": self.sql, "actions": [checked]})
                self.assertEqual(answer[0], 201, answer[1])

        self.run_async(flow())

    def test_v25_a_slow_client_costs_the_fast_one_nothing_and_what_it_misses_is_counted(self):
        self.action(sendSingle=True, backlogMessages=50)

        async def flow():
            async with connect(self.server.url("/r"), max_queue=1, read_limit=1024, close_timeout=0.1), \
                    connect(self.server.url("/r")) as fast, connect(self.server.url("/in")) as into:
                for block in range(40):
                    for a in range(20):
                        await into.send(json.dumps({"a": block * 20 + a, "pad": "x" * 20_000}))
                    got = await receive(fast, 20)  # it never is more than its backlog behind
                    self.assertEqual([json.loads(m)["a"] for m in got], list(range(block * 20, block * 20 + 20)))
                await self.until(lambda: self.sink("r", "dropped_total") > 0, "drops of the slow one")

        self.run_async(flow())

    def raw(self, request):
        with socket.create_connection(("127.0.0.1", self.server.data_port), 10) as plain:
            plain.sendall(request.replace("\n", "\r\n").encode())
            answer = b""
            while b"\r\n\r\n" not in answer:
                more = plain.recv(65536)
                if not more:
                    break
                answer += more
        return answer.decode(errors="replace")

    def test_v31_requests_that_are_no_upgrade_say_what_is_needed(self):
        self.action()
        plain = self.raw("GET /r HTTP/1.1\nHost: h\n\n")
        self.assertRegex(plain, "^HTTP/1.1 4(00|26) ")
        self.assertIn("sec-websocket-version: 13", plain.lower())
        upgrade = "HTTP/1.1\nHost: h\nConnection: Upgrade\nUpgrade: websocket\nSec-WebSocket-Key: MDEyMzQ1Njc4OWFiY2RlZg==\n"
        version = self.raw(f"GET /r {upgrade}Sec-WebSocket-Version: 8\n\n")
        self.assertRegex(version, "^HTTP/1.1 4(00|26) ")
        self.assertIn("sec-websocket-version: 13", version.lower())
        self.assertTrue(self.raw(f"POST /r {upgrade}Sec-WebSocket-Version: 13\n\n").startswith("HTTP/1.1 405 "))
        self.assertTrue(self.raw(f"GET /r {upgrade}Sec-WebSocket-Version: 13\n\n").startswith("HTTP/1.1 101 "))

    def test_v32_a_path_variable_is_one_segment_and_metadata_of_what_comes(self):
        self.stream("devices", "/c/{id}")
        self.action(sql="SELECT meta(id) AS id, a FROM devices", sendSingle=True)
        self.assertEqual(self.frames(['{"a":1}'], 1, path="/c/7"), ['{"a":1,"id":"7"}'])

        async def flow():
            for path in ("/c/7/8", "/c"):
                with self.assertRaises(websockets.InvalidStatusCode) as no:
                    await connect(self.server.url(path))
                self.assertEqual(no.exception.status_code, 404)

        self.run_async(flow())


if __name__ == "__main__":
    main()
