"""What users of WebSocket sinks have suffered from elsewhere, one test each: identity and life of
connections and endpoints."""
import asyncio
import json
import socket
import threading
import time

import websockets
from harness import connect, free_port, main, receive, wait_for
from weakness import Remote, WeaknessTest
from websockets.utils import accept_key


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


if __name__ == "__main__":
    main()
