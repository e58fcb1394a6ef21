"""What users of WebSocket sinks have suffered from elsewhere, one test each: delivery, identity, life of connections,
frames, limits, secrets. The numbers are those of the list that these tests were written from."""
import asyncio
import base64
import contextlib
import gzip
import http
import json
import os
import pathlib
import socket
import ssl
import subprocess
import tempfile
import threading
import time
import zlib

import websockets
from harness import Server, ServerTest, connect, free_port, main, receive, wait_for
from websockets.utils import accept_key


class Remote:
    """A WebSocket server on a port of its own that keeps what it gets; can be cut and come back."""

    def __init__(self, **options):
        self.port, self.options, self.got, self.requests, self.server = free_port(), options, [], [], None

    @property
    def addr(self):
        return f"127.0.0.1:{self.port}"

    async def __aenter__(self):
        async def handle(peer, path=None):
            self.requests.append((peer.path, peer.request_headers))
            with contextlib.suppress(websockets.ConnectionClosed):
                async for message in peer:
                    self.got.append(message)
        self.server = await websockets.serve(handle, "127.0.0.1", self.port, ping_interval=None, **self.options)
        return self

    async def __aexit__(self, *_):
        if self.server:
            await self.cut()

    async def cut(self):
        """The process dies: no close frame."""
        self.server.close()
        for peer in list(self.server.websockets):
            peer.transport.abort()
        await self.server.wait_closed()
        self.server = None


class WeaknessTest(ServerTest):
    async def do(self, function, *arguments, **named):
        return await asyncio.to_thread(function, *arguments, **named)

    async def until(self, condition, what):
        return await self.do(wait_for, condition, what)

    def push(self, rule, props, sql="SELECT * FROM demo", **more):
        return self.rule(rule, sql, [{"websocket": {"sendSingle": True, **props}}], **more)

    def sink(self, rule, name, index=0):
        return self.server.status(rule).get(f"sink_websocket_{index}_0_{name}")

    def message(self, method, path, body=None, status=400):
        answer = self.server.rest(method, path, body)
        self.assertEqual(answer[0], status, answer[1])
        return json.loads(answer[1])["message"]

    def connections(self):
        return {c["id"]: c for c in json.loads(self.server.must("GET", "/connections?forceAll=true"))}

    async def closed(self, client):
        """-> close code and reason that the client gets"""
        with self.assertRaises(websockets.ConnectionClosed) as closed:
            while True:
                await asyncio.wait_for(client.recv(), 10)
        return closed.exception.code, closed.exception.reason


class Delivery(WeaknessTest):
    def setUp(self):
        super().setUp()
        self.stream()
        self.rule("keep", "SELECT * FROM demo", [{"nop": {}}])  # the stream is there before the rule of the test

    def test_w01_a_sink_that_fails_keeps_messages_in_its_cache(self):
        async def flow():
            async with Remote() as remote, connect(self.server.url("/in")) as into:
                await self.do(self.push, "r", {"addr": remote.addr, "path": "/x", "enableCache": True,
                                               "reconnectMaxDelay": "200ms"})
                await into.send('{"a":0}')
                await self.until(lambda: remote.got == ['{"a":0}'], "the first message")
                await remote.cut()
                for a in range(1, 50):
                    await into.send('{"a":%d}' % a)
                await self.until(lambda: self.server.status("r")["source_demo_0_records_in_total"] == 50, "all were read")
                self.assertLess(await self.do(self.sink, "r", "records_out_total"), 50)
                async with remote:
                    await self.until(lambda: '{"a":49}' in remote.got, "the last message")
                    self.assertEqual(list(dict.fromkeys(remote.got)), ['{"a":%d}' % a for a in range(50)])
            self.assertEqual(await self.do(self.sink, "r", "dropped_total"), 0)

        self.run_async(flow())

    def test_w07_what_is_no_text_goes_in_binary_frames_and_both_kinds_are_read(self):
        async def flow():
            await self.do(self.push, "z", {"path": "/z", "compression": "gzip"})
            await self.do(self.push, "t", {"path": "/t"})
            async with connect(self.server.url("/z")) as z, connect(self.server.url("/t")) as t, \
                    connect(self.server.url("/in")) as into:
                await into.send(b'{"a":1}')
                self.assertEqual(gzip.decompress((await receive(z, 1))[0]), b'{"a":1}')
                self.assertEqual(await receive(t, 1), ['{"a":1}'])

        self.run_async(flow())

    def test_w08_compressed_payloads_stay_apart_in_a_burst_to_several_clients(self):
        async def flow():
            for name in ("gzip", "zlib", "flate", "zstd"):
                await self.do(self.push, name, {"path": "/" + name, "compression": name})
            async with contextlib.AsyncExitStack() as stack:
                clients = [await stack.enter_async_context(connect(self.server.url("/gzip"))) for _ in range(3)]
                others = {name: await stack.enter_async_context(connect(self.server.url("/" + name)))
                          for name in ("zlib", "flate", "zstd")}
                into = await stack.enter_async_context(connect(self.server.url("/in")))
                wanted = [b'{"a":%d}' % a for a in range(300)]
                for message in wanted:
                    await into.send(message.decode())
                for client in clients:
                    self.assertEqual([gzip.decompress(m) for m in await receive(client, 300)], wanted)
                self.assertEqual([zlib.decompress(m) for m in await receive(others["zlib"], 300)], wanted)
                self.assertEqual([zlib.decompress(m, -15) for m in await receive(others["flate"], 300)], wanted)
                self.assertEqual(len(set(await receive(others["zstd"], 300))), 300)

        self.run_async(flow())

    def test_w09_batches_stay_apart(self):
        async def flow():
            await self.do(self.push, "b", {"path": "/b", "batchSize": 3})
            async with connect(self.server.url("/b")) as out, connect(self.server.url("/in")) as into:
                for a in range(300):
                    await into.send('{"a":%d}' % a)
                batches = [json.loads(m) for m in await receive(out, 100)]
            self.assertEqual(batches, [[{"a": 3 * b + i} for i in range(3)] for b in range(100)])

        self.run_async(flow())

    def test_w10_a_template_in_a_batch_loses_nothing(self):
        async def flow():
            await self.do(self.push, "b", {"path": "/b", "batchSize": 2, "dataTemplate": '{"t":{{.a}}}'})
            async with connect(self.server.url("/b")) as out, connect(self.server.url("/in")) as into:
                for a in range(4):
                    await into.send('{"a":%d}' % a)
                self.assertEqual([json.loads(m) for m in await receive(out, 2)],
                                 [[{"t": 0}, {"t": 1}], [{"t": 2}, {"t": 3}]])

        self.run_async(flow())

    def test_w24_a_client_misses_nothing_after_its_101(self):
        async def flow():
            await self.do(self.push, "r", {"path": "/out"})
            async with connect(self.server.url("/in")) as into:
                for a in range(50):
                    async with connect(self.server.url("/out")) as out:
                        await into.send('{"a":%d}' % a)
                        self.assertEqual(await receive(out, 1), ['{"a":%d}' % a])

        self.run_async(flow())

    def test_w23_path_and_headers_follow_the_message_and_clients_have_metadata(self):
        async def flow():
            await self.do(self.push, "dynamic", {"path": "/dev/{{.id}}"}, sql="SELECT id, a FROM demo")
            await self.do(self.server.must, "POST", "/streams",
                          {"sql": 'CREATE STREAM s () WITH (DATASOURCE="/c/{id}", TYPE="websocket", FORMAT="json")'})
            await self.do(self.push, "meta", {"path": "/meta"},
                          sql="SELECT meta(id) AS id, meta(query) AS query, a FROM s")
            async with connect(self.server.url("/meta")) as out, connect(self.server.url("/c/7?k=v")) as client:
                await client.send('{"a":1}')
                self.assertEqual(json.loads((await receive(out, 1))[0]), {"id": "7", "query": "k=v", "a": 1})
            async with connect(self.server.url("/in")) as into:
                await into.send('{"id":"x","a":1}')  # opens the endpoint of that id
                await self.until(lambda: self.server.must("GET", "/connection/websocket?endpoint=/dev/x") == "true",
                                 "the endpoint of the message")
                async with connect(self.server.url("/dev/x")) as x:
                    await into.send('{"id":"y","a":2}')
                    await into.send('{"id":"x","a":3}')
                    self.assertEqual(json.loads((await receive(x, 1))[0])["a"], 3)

        self.run_async(flow())


class Connections(WeaknessTest):
    def setUp(self):
        super().setUp()
        self.stream()
        self.rule("keep", "SELECT * FROM demo", [{"nop": {}}])

    def test_w02_equal_paths_on_different_servers_are_different_connections(self):
        async def flow():
            async with Remote() as one, Remote() as two, connect(self.server.url("/in")) as into:
                await self.do(self.push, "one", {"addr": one.addr, "path": "/p"}, sql="SELECT a FROM demo")
                await self.do(self.push, "two", {"addr": two.addr, "path": "/p"}, sql="SELECT a + 100 AS a FROM demo")
                await self.do(self.push, "served", {"path": "/p"})
                await self.do(self.push, "header", {"addr": two.addr, "path": "/p", "requestHeader": {"X-A": "1"}},
                              sql="SELECT a + 200 AS a FROM demo")
                async with connect(self.server.url("/p")) as client:
                    await into.send('{"a":1}')
                    self.assertEqual(await receive(client, 1), ['{"a":1}'])
                await self.until(lambda: one.got == ['{"a":1}'], "its own message at the first server")
                await self.until(lambda: sorted(two.got) == ['{"a":101}', '{"a":201}'], "theirs at the second")
                self.assertEqual(len(two.requests), 2)
                names = [name for name in await self.do(self.connections) if two.addr in name]
                self.assertEqual(len(names), 2)

        self.run_async(flow())

    def test_w03_a_shared_connection_outlives_the_rule_that_made_it(self):
        async def flow():
            async with Remote() as remote:
                for rule in ("first", "second"):
                    await self.do(self.push, rule, {"path": "/shared"})
                    await self.do(self.push, rule + "c", {"addr": remote.addr, "path": "/p"})
                async with connect(self.server.url("/shared")) as client, connect(self.server.url("/in")) as into:
                    await self.do(self.server.must, "DELETE", "/rules/first")
                    await self.do(self.server.must, "DELETE", "/rules/firstc")
                    await into.send('{"a":1}')
                    self.assertEqual(await receive(client, 1), ['{"a":1}'])
                    await self.until(lambda: remote.got == ['{"a":1}'], "the message of the second rule")
                    self.assertEqual(len(remote.requests), 1)

        self.run_async(flow())

    def test_w04_a_peer_that_stops_reading_delays_nobody(self):
        with socket.socket() as listening:
            listening.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            listening.bind(("127.0.0.1", 0))
            listening.listen()
            stuck = threading.Thread(target=self.shake_hands, args=(listening,), daemon=True)
            stuck.start()
            self.push("stuck", {"addr": f"127.0.0.1:{listening.getsockname()[1]}", "path": "/x"})
            wait_for(lambda: self.sink("stuck", "connection_status") == 1, "connected")

            async def flood():
                async with connect(self.server.url("/in")) as into:
                    for _ in range(200):
                        await into.send(json.dumps({"a": "x" * 20_000}))

            self.run_async(flood())
            wait_for(lambda: self.sink("stuck", "connection_backlog_messages") > 10, "messages wait")
            for method, path, body in (
                    ("POST", "/rules", {"id": "other", "sql": "SELECT * FROM demo", "actions": [{"websocket": {"path": "/o"}}]}),
                    ("GET", "/connections?forceAll=true", None), ("POST", "/rules/other/stop", None),
                    ("POST", "/rules/stuck/stop", None), ("DELETE", "/rules/stuck", None)):
                begin = time.monotonic()
                self.server.must(method, path, body)
                self.assertLess(time.monotonic() - begin, 2, path)

    def shake_hands(self, listening):
        """Accepts one WebSocket client and never reads again."""
        peer, _ = listening.accept()
        self.addCleanup(peer.close)
        head = b""
        while b"\r\n\r\n" not in head:
            head += peer.recv(4096)
        key = next(line.split(b": ")[1] for line in head.split(b"\r\n") if line.lower().startswith(b"sec-websocket-key"))
        peer.sendall(b"HTTP/1.1 101 x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: "
                     + accept_key(key.decode()).encode() + b"\r\n\r\n")

    def test_w05_a_remote_that_dies_is_noticed_shown_and_redialled(self):
        async def flow():
            async with Remote() as remote, connect(self.server.url("/in")) as into:
                await self.do(self.push, "r", {"addr": remote.addr, "path": "/x", "reconnectMaxDelay": "200ms"})
                await self.until(lambda: self.sink("r", "connection_status") == 1, "connected")
                await remote.cut()
                await self.until(lambda: self.sink("r", "connection_status") == -1, "shown as disconnected")
                status = await self.do(self.server.status, "r")
                self.assertEqual(status["status"], "running")
                self.assertTrue(status["sink_websocket_0_0_connection_last_disconnected_message"])
                await into.send('{"a":1}')
                async with remote:
                    await self.until(lambda: remote.got == ['{"a":1}'], "what waited")
                    await self.until(lambda: self.sink("r", "connection_reconnects_total") == 1, "one reconnect is counted")

        self.run_async(flow())

    def test_w06_a_remote_that_is_down_at_start_is_dialled_until_it_comes(self):
        async def flow():
            remote = Remote()
            await self.do(self.push, "r", {"addr": remote.addr, "path": "/x", "reconnectMaxDelay": "100ms"})
            await self.do(self.server.must, "POST", "/connections",
                          {"id": "named", "typ": "websocket", "props": {"addr": remote.addr, "path": "/n",
                                                                        "reconnectMaxDelay": "100ms"}})
            await self.until(lambda: self.sink("r", "connection_attempts_total") >= 3, "several attempts")
            status = await self.do(self.server.status, "r")
            self.assertEqual((status["status"], status["sink_websocket_0_0_connection_status"]), ("running", 0))
            self.assertIn("refused", status["sink_websocket_0_0_last_exception"])
            async with remote:
                await self.until(lambda: self.sink("r", "connection_status") == 1, "connected")
                await self.until(lambda: self.connections()["named"]["status"] == "connected", "the named one too")

        self.run_async(flow())

    def test_w11_checks_and_managed_endpoints_exist(self):
        self.assertIn("has no endpoint /none", self.message("POST", "/rules", {
            "id": "r", "sql": "SELECT * FROM demo", "actions": [{"websocket": {"path": "/none", "checkConnection": True}}]}))
        self.server.must("POST", "/metadata/sinks/connection/websocket", {"path": "/x"})
        self.assertIn("refused", self.message("POST", "/metadata/sources/connection/websocket",
                                              {"addr": f"127.0.0.1:{free_port()}", "datasource": "/x"}))
        self.server.must("POST", "/connection/websocket", {"endpoint": "/managed"})
        self.assertEqual(self.server.must("GET", "/connection/websocket?endpoint=/managed"), "true")

    def test_w12_a_named_connection_is_given_back_by_the_rule_that_used_it(self):
        self.server.must("POST", "/connections", {"id": "c", "typ": "websocket", "props": {"path": "/p"}})
        self.push("anonymous", {"path": "/p"})
        for _ in range(3):
            self.push("r", {"connectionSelector": "c"})
            self.assertEqual(self.connections()["c"]["refCount"], 1)
            self.server.must("DELETE", "/rules/r")
        self.assertNotIn("refCount", self.connections()["c"])
        self.assertEqual(self.server.must("DELETE", "/connections/c"), "success")

        async def still_served():
            async with connect(self.server.url("/p")) as client, connect(self.server.url("/in")) as into:
                await into.send('{"a":1}')
                self.assertEqual(await receive(client, 1), ['{"a":1}'])

        self.run_async(still_served())

    def test_w13_every_user_of_a_connection_sees_its_changes(self):
        async def flow():
            async with Remote() as remote:
                for rule in ("one", "two", "three"):
                    await self.do(self.push, rule, {"addr": remote.addr, "path": "/x"})
                for rule in ("one", "two", "three"):
                    await self.until(lambda: self.sink(rule, "connection_status") == 1, rule)
                await self.do(self.server.must, "DELETE", "/rules/three")
                await remote.cut()
                for rule in ("one", "two"):
                    await self.until(lambda: self.sink(rule, "connection_status") == -1, rule)

        self.run_async(flow())

    def test_w14_a_named_connection_serves_its_path_whichever_way_it_is_written(self):
        async def flow():
            for name, props in (("a", {"path": "/a"}), ("b", {"datasource": "/b"})):
                await self.do(self.server.must, "POST", "/connections", {"id": name, "typ": "websocket", "props": props})
                async with connect(self.server.url("/" + name)):
                    pass

        self.run_async(flow())

    def test_w15_a_deleted_endpoint_is_gone_even_if_nobody_ever_came(self):
        for number in range(20):
            self.push("r", {"path": f"/p{number}"})
            self.server.must("DELETE", "/rules/r")
        self.stream("keeps", "/keeps")
        self.rule("keeps", "SELECT * FROM keeps", [{"nop": {}}])

        async def flow():
            for number in range(20):
                with self.assertRaises(websockets.InvalidStatusCode) as refused:
                    await connect(self.server.url(f"/p{number}"))
                self.assertEqual(refused.exception.status_code, 404)

        self.run_async(flow())

    def test_w16_every_end_is_a_close_frame_with_its_reason(self):
        async def flow():
            async with Remote() as remote:
                await self.do(self.push, "stop", {"path": "/stop"})
                await self.do(self.push, "end", {"path": "/end"})
                await self.do(self.push, "far", {"addr": remote.addr, "path": "/x"})
                await self.until(lambda: self.sink("far", "connection_status") == 1, "connected")
                peer = next(iter(remote.server.websockets))
                async with connect(self.server.url("/stop")) as stop, connect(self.server.url("/end")) as end:
                    await self.do(self.server.must, "POST", "/rules/stop/stop")
                    self.assertEqual((await self.closed(stop))[0], 1000)
                    await self.do(self.server.must, "POST", "/rules/far/stop")
                    await asyncio.wait_for(peer.wait_closed(), 10)
                    self.assertEqual(peer.close_code, 1000)
                    ending = asyncio.create_task(self.do(self.server.stop))
                    self.assertEqual((await self.closed(end))[0], 1001)
                    self.assertEqual(await ending, 0)

        self.run_async(flow())

    def test_w18_internal_traffic_is_no_topic_of_memory_sinks(self):
        async def flow():
            await self.do(self.push, "out", {"path": "/out"})
            for topic in ("$$websocket//server/send//out", "$$websocket//server/recv//in"):
                await self.do(self.server.rest, "POST", "/rules",
                              {"id": "m" + topic[-2:].strip("/"), "sql": "SELECT * FROM demo", "actions": [{"memory": {"topic": topic}}]})
            await self.do(self.server.must, "POST", "/streams",
                          {"sql": 'CREATE STREAM every () WITH (DATASOURCE="#", TYPE="memory", FORMAT="json")'})
            await self.do(self.push, "spy", {"path": "/spy"}, sql="SELECT meta(topic) AS topic FROM every")
            async with connect(self.server.url("/out")) as out, connect(self.server.url("/in")) as into, \
                    connect(self.server.url("/spy")) as spy:
                await into.send('{"a":1}')
                self.assertEqual(await receive(out, 1), ['{"a":1}'])
                await into.send('{"a":2}')
                self.assertEqual(await receive(out, 1), ['{"a":2}'])
                # Only what the memory sinks themselves publish is heard: one row each per message.
                heard = [json.loads(m)["topic"] for m in await receive(spy, 2)]
                self.assertLessEqual(set(heard), {"$$websocket//server/send//out", "$$websocket//server/recv//in"})

        self.run_async(flow())

    def test_w25_a_client_that_leaves_is_no_error_of_the_stream(self):
        self.rule("r", "SELECT * FROM demo", [{"nop": {}}])

        async def flow():
            for _ in range(5):
                async with connect(self.server.url("/in")) as into:
                    await into.send('{"a":1}')
            into = await connect(self.server.url("/in"))
            into.transport.abort()

        self.run_async(flow())
        wait_for(lambda: self.server.status("r")["source_demo_0_records_in_total"] == 5, "all messages")
        self.assertEqual(self.server.status("r")["source_demo_0_exceptions_total"], 0)
        self.assertNotIn(" error ", self.server.log_text())

    def test_w27_a_path_whose_rule_was_stopped_answers_404(self):
        self.push("r", {"path": "/out"})
        self.rule("keeps", "SELECT * FROM demo", [{"nop": {}}])
        self.server.must("POST", "/rules/r/stop")

        async def flow():
            with self.assertRaises(websockets.InvalidStatusCode) as refused:
                await connect(self.server.url("/out"))
            self.assertEqual(refused.exception.status_code, 404)

        self.run_async(flow())


class Features(WeaknessTest):
    def setUp(self):
        super().setUp()
        self.stream()

    def test_w20_secrets_are_masked_in_rest_errors_and_the_log(self):
        action = {"addr": f"127.0.0.1:{free_port()}", "path": "/x?token=s3cret&a=1", "proxy": f"http://u:s3cret@127.0.0.1:{free_port()}",
                  "requestHeader": {"Authorization": ["Bearer s3cret"], "X-Plain": "p"}}
        self.push("r", action)
        self.server.must("POST", "/connections", {"id": "c", "typ": "websocket", "props": action})
        wait_for(lambda: self.sink("r", "connection_attempts_total") >= 2, "attempts")
        shown = json.loads(self.server.must("GET", "/rules/r"))
        self.assertEqual(shown["actions"][0]["websocket"]["requestHeader"], {"Authorization": ["******"], "X-Plain": "p"})
        # What was shown may be sent back: the secrets stay.
        self.server.must("PUT", "/rules/r", shown)
        self.assertIn("is masked", self.message("POST", "/rules", {**shown, "id": "r2"}))
        said = [self.server.must("GET", path) for path in (
            "/rules/r", "/rules/r/status", "/rules", "/rules/r/topo", "/rules/r/explain", "/connections?forceAll=true",
            "/connections/c", "/rules/status/all")]
        said.append(self.message("POST", "/rules", {"id": "r3", "sql": "SELECT * FROM demo",
                                                    "actions": [{"websocket": {**action, "proxy": "ftp://u:s3cret@h:1"}}]}))
        said.append(self.message("POST", "/rules", {"id": "r3", "sql": 5, "actions": [{"websocket": action}]}))
        said.append(self.message("POST", "/metadata/sinks/connection/websocket", action))
        said.append(self.server.log_text())
        for text in said:
            self.assertNotIn("s3cret", text)

    def test_w21_a_dial_follows_no_redirect_and_no_environment(self):
        """Where a rule's author may let the engine connect to is the operator's to limit (a proxy, the network); at least
        it goes nowhere else than the rule says."""
        elsewhere = Server(HTTP_PROXY=f"http://127.0.0.1:{free_port()}", http_proxy=f"http://127.0.0.1:{free_port()}",
                           ALL_PROXY=f"http://127.0.0.1:{free_port()}")
        self.addCleanup(elsewhere.close)
        elsewhere.must("POST", "/streams", {"sql": 'CREATE STREAM demo () WITH (DATASOURCE="/in", TYPE="websocket", FORMAT="json")'})

        async def flow():
            async def redirect(path, headers):
                return (http.HTTPStatus.FOUND, {"Location": "ws://169.254.169.254/secret"}, b"") if path == "/away" else None
            async with Remote(process_request=redirect) as remote:
                for path in ("/away", "/here"):
                    await self.do(elsewhere.must, "POST", "/rules", {
                        "id": path[1:], "sql": "SELECT * FROM demo", "actions": [{"websocket": {"addr": remote.addr, "path": path}}]})
                await self.until(lambda: elsewhere.status("here")["sink_websocket_0_0_connection_status"] == 1, "a direct dial")
                await self.until(lambda: "not followed" in elsewhere.status("away")["sink_websocket_0_0_last_exception"], "no redirect")

        self.run_async(flow())

    def test_w26_compression_subprotocols_proxy_timeout_and_status_are_there(self):
        async def flow():
            async def deny(path, headers):
                return (http.HTTPStatus.UNAUTHORIZED, {}, b"no") if path == "/denied" else None
            async with Remote(process_request=deny, subprotocols=["v2"]) as remote:
                await self.do(self.push, "r", {"addr": remote.addr, "path": "/x", "permessageDeflate": True,
                                               "subprotocols": ["v1", "v2"], "connectTimeout": "3s"})
                await self.until(lambda: self.sink("r", "connection_status") == 1, "connected")
                peer = next(iter(remote.server.websockets))
                self.assertEqual(peer.subprotocol, "v2")
                self.assertEqual([e.name for e in peer.extensions], ["permessage-deflate"])
                await self.do(self.push, "denied", {"addr": remote.addr, "path": "/denied"})
                await self.until(lambda: "HTTP 401" in self.sink("denied", "last_exception"), "the status is shown")
                self.assertEqual(await self.do(self.sink, "denied", "connection_handshake_failures_http_total"), 1)

        self.run_async(flow())


class DataServer(WeaknessTest):
    def test_w17_origins_clients_and_messages_are_limited_and_an_open_port_is_warned_of(self):
        limited = Server(HAUMEA__SOURCE__MAXCLIENTSPERADDRESS="3", HAUMEA__SOURCE__HTTPSERVERIP="0.0.0.0")
        self.addCleanup(limited.close)
        self.assertIn("without authentication", limited.log_text())
        self.assertNotIn("without authentication", self.server.log_text())
        limited.must("POST", "/connection/websocket", {"endpoint": "/x"})
        self.server.must("POST", "/connections", {"id": "c", "typ": "websocket",
                                                  "props": {"path": "/small", "maxMessageBytes": 100, "maxClients": 1}})

        async def flow():
            with self.assertRaises(websockets.InvalidStatusCode) as refused:
                await connect(limited.url("/x"), origin="https://evil.example")
            self.assertEqual(refused.exception.status_code, 403)
            async with contextlib.AsyncExitStack() as stack:
                for _ in range(3):
                    await stack.enter_async_context(connect(limited.url("/x")))
                with self.assertRaises(websockets.InvalidStatusCode) as refused:
                    await connect(limited.url("/x"))
                self.assertEqual(refused.exception.status_code, 503)
            async with connect(self.server.url("/small")) as small:
                with self.assertRaises(websockets.InvalidStatusCode):
                    await connect(self.server.url("/small"))
                await small.send("x" * 101)
                self.assertEqual((await self.closed(small))[0], 1009)

        self.run_async(flow())
        self.assertEqual(self.connections()["c"]["stats"]["handshakes"]["over_limit"], 1)

    def test_w19_certificates_are_checked_at_creation_and_both_spellings_count(self):
        self.stream()
        with tempfile.TemporaryDirectory(prefix="haumea-w19-") as folder:
            cert, key = os.path.join(folder, "c.pem"), os.path.join(folder, "k.pem")
            subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days",
                            "2", "-subj", "/CN=x", "-addext", "subjectAltName=IP:127.0.0.1", "-keyout", key, "-out", cert],
                           check=True, capture_output=True)
            raw = {name: base64.b64encode(pathlib.Path(name).read_bytes()).decode() for name in (cert, key)}

            def refused(**props):
                return self.message("POST", "/rules", {"id": "r", "sql": "SELECT * FROM demo", "actions": [
                    {"websocket": {"addr": "127.0.0.1:1", "path": "/x", **props}}]})

            self.assertIn("/none.pem", refused(certificationPath="/none.pem", privateKeyPath=key))
            self.assertIn("without its private key", refused(certficationRaw=raw[cert]))
            self.assertIn("PEM", refused(rootCARaw=base64.b64encode(b"no certificate").decode()))
            self.assertIn("base64", refused(rootCARaw="%"))
            self.assertIn("set scheme to wss", refused(scheme="ws", rootCaPath=cert))

            async def flow():
                context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
                context.load_cert_chain(cert, key)
                context.load_verify_locations(cert)
                context.verify_mode = ssl.CERT_REQUIRED
                async with Remote(ssl=context) as remote:
                    # Without a scheme: TLS properties make it wss.
                    await self.do(self.push, "r", {"addr": remote.addr, "path": "/x", "rootCARaw": raw[cert],
                                                   "certficationRaw": raw[cert], "privateKeyRaw": raw[key]})
                    await self.until(lambda: self.sink("r", "connection_status") == 1, "connected")
                async with Remote() as plain:
                    await self.do(self.push, "p", {"addr": plain.addr, "path": "/x", "rootCaPath": cert})
                    await self.until(lambda: "scheme: ws" in self.sink("p", "last_exception"), "the remedy is named")

            self.run_async(flow())

    def test_w22_a_port_in_use_is_the_error_of_who_needs_it(self):
        with socket.socket() as taken:
            taken.bind(("127.0.0.1", self.server.data_port))
            taken.listen()
            self.assertIn(str(self.server.data_port), self.message("POST", "/connection/websocket", {"endpoint": "/x"}))
        self.server.must("POST", "/connection/websocket", {"endpoint": "/x"})


if __name__ == "__main__":
    main()
