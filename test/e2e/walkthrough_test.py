"""The walk that must always work: stream, rule, clients on both sides, stop, start, delete, restart."""
import asyncio
import json
import signal
import unittest
import urllib.parse

import websockets
from harness import ServerTest, connect, main, receive, wait_for


class Walkthrough(ServerTest):
    def test_ping_answers_empty(self):
        self.assertEqual(self.server.rest("GET", "/ping"), (200, ""))

    def test_events_flow_through_a_rule_to_a_client(self):
        self.assertEqual(self.stream(), "Stream demo is created.")
        self.assertEqual(self.rule("rule1", "SELECT * FROM demo", [{"websocket": {"path": "/out", "sendSingle": True}}]),
                         "Rule rule1 was created successfully.")

        async def flow():
            async with connect(self.server.url("/out")) as out, connect(self.server.url("/in")) as into:
                await into.send('{"a":1}')
                self.assertEqual(await receive(out, 1), ['{"a":1}'])

        self.run_async(flow())
        status = self.server.status("rule1")
        self.assertEqual(status["status"], "running")
        self.assertEqual(status["source_demo_0_records_in_total"], 1)
        self.assertEqual(status["sink_websocket_0_0_records_out_total"], 1)
        for key in ("op_2_decoder_0_records_in_total", "op_3_project_0_records_in_total",
                    "op_websocket_0_0_transform_0_records_in_total", "op_websocket_0_1_encode_0_records_in_total"):
            self.assertIn(key, status)

    def test_rows_come_in_an_array_unless_send_single(self):
        self.stream()
        self.rule("rule1", "SELECT a, b*2 AS c FROM demo WHERE a > 3", [{"websocket": {"path": "/out"}}])

        async def flow():
            async with connect(self.server.url("/out")) as out, connect(self.server.url("/in")) as into:
                await into.send('{"a":3,"b":1}')
                await into.send('{"a":4,"b":1.5}')
                self.assertEqual(await receive(out, 1), ['[{"a":4,"c":3}]'])

        self.run_async(flow())

    def test_stop_disconnects_clients_and_start_serves_again(self):
        self.stream()
        self.rule("rule1", "SELECT * FROM demo", [{"websocket": {"path": "/out", "sendSingle": True}}])

        async def stopped():
            async with connect(self.server.url("/out")) as out, connect(self.server.url("/in")) as into:
                answer = await asyncio.to_thread(self.server.must, "POST", "/rules/rule1/stop")
                self.assertEqual(answer, "Rule rule1 was stopped.")
                for client in (out, into):
                    with self.assertRaises(websockets.exceptions.ConnectionClosed) as closed:
                        await asyncio.wait_for(client.recv(), 10)
                    self.assertIn(closed.exception.code, (1000, 1001))

        self.run_async(stopped())
        status = self.server.status("rule1")
        self.assertEqual((status["status"], status["message"]), ("stopped", "canceled manually"))
        self.assertEqual(self.server.must("POST", "/rules/rule1/start"), "Rule rule1 was started")

        async def again():
            async with connect(self.server.url("/out")) as out, connect(self.server.url("/in")) as into:
                await into.send('{"a":2}')
                self.assertEqual(await receive(out, 1), ['{"a":2}'])

        self.run_async(again())

    def test_a_stream_in_use_cannot_be_dropped(self):
        self.stream()
        self.rule("rule1", "SELECT * FROM demo", [{"nop": {}}])
        status, text = self.server.rest("DELETE", "/streams/demo")
        self.assertEqual((status, json.loads(text)["message"]), (400, "stream demo has been referenced by other rules"))
        self.assertEqual(self.server.must("DELETE", "/rules/rule1"), "Rule rule1 is dropped.")
        self.assertEqual(self.server.must("DELETE", "/streams/demo"), "Stream demo is dropped.")

    def test_running_rules_survive_a_kill(self):
        self.stream()
        self.rule("runs", "SELECT * FROM demo", [{"websocket": {"path": "/out", "sendSingle": True}}])
        self.rule("rests", "SELECT * FROM demo", [{"nop": {}}], triggered=False)
        self.server.stop(signal.SIGKILL)
        self.server.start()
        wait_for(lambda: self.server.status("runs")["status"] == "running", "the rule runs again")
        self.assertEqual(self.server.status("rests")["status"], "stopped")
        self.assertEqual(json.loads(self.server.must("GET", "/streams")), ["demo"])

    def test_client_role_pushes_to_a_remote_server_and_redials(self):
        self.stream()
        received = asyncio.Queue()

        async def remote(socket_, path=None):
            async for message in socket_:
                await received.put(message)

        async def flow():
            async with websockets.serve(remote, "127.0.0.1", 0) as server:
                port = server.sockets[0].getsockname()[1]
                await asyncio.to_thread(self.rule, "push", "SELECT * FROM demo",
                                        [{"websocket": {"addr": f"127.0.0.1:{port}", "path": "/x", "sendSingle": True}}])
                async with connect(self.server.url("/in")) as into:
                    await into.send('{"a":1}')
                    self.assertEqual(await asyncio.wait_for(received.get(), 20), '{"a":1}')
            # The remote is gone: the rule runs on and redials; what comes meanwhile waits in its queue.
            async with connect(self.server.url("/in")) as into:
                await into.send('{"a":2}')
                self.assertEqual((await asyncio.to_thread(self.server.status, "push"))["status"], "running")
                async with websockets.serve(remote, "127.0.0.1", port):
                    self.assertEqual(await asyncio.wait_for(received.get(), 30), '{"a":2}')

        self.run_async(flow())

    def test_sigterm_closes_clients_with_going_away(self):
        self.stream()
        self.rule("rule1", "SELECT * FROM demo", [{"websocket": {"path": "/out"}}])

        async def flow():
            async with connect(self.server.url("/out")) as out:
                stopping = asyncio.create_task(asyncio.to_thread(self.server.stop))
                with self.assertRaises(websockets.exceptions.ConnectionClosed) as closed:
                    await asyncio.wait_for(out.recv(), 15)
                self.assertEqual(closed.exception.code, 1001)
                self.assertEqual(await stopping, 0)

        self.run_async(flow())


class BadInput(ServerTest):
    def test_a_broken_message_is_counted_and_the_rule_goes_on(self):
        self.stream()
        self.rule("rule1", "SELECT * FROM demo", [{"websocket": {"path": "/out", "sendSingle": True}}])

        async def flow():
            async with connect(self.server.url("/out")) as out, connect(self.server.url("/in")) as into:
                for bad in ('{"a":', "not json", '{"a":01}', "[" * 100_000, '{"a":"\x01"}'):
                    await into.send(bad)
                await into.send('{"a":1}')
                self.assertEqual(await receive(out, 1), ['{"a":1}'])

        self.run_async(flow())
        self.assertEqual(self.server.status("rule1")["op_2_decoder_0_exceptions_total"], 5)

    def test_a_million_keys_do_not_stay_in_memory(self):
        self.stream()
        self.rule("rule1", "SELECT * FROM demo", [{"nop": {}}])

        async def flow():
            async with connect(self.server.url("/in")) as into:
                for block in range(100):
                    await into.send(json.dumps({f"key{block}x{i}": i for i in range(10_000)}))

        before = self.rss()
        self.run_async(flow())
        wait_for(lambda: self.server.status("rule1")["source_demo_0_records_in_total"] == 100, "all messages were read")
        self.assertLess(self.rss() - before, 100 << 20)

    def rss(self):
        with open(f"/proc/{self.server.process.pid}/status") as status:
            return next(int(line.split()[1]) << 10 for line in status if line.startswith("VmRSS"))

    def test_hostile_rest_requests_get_an_error_and_do_no_harm(self):
        self.stream()
        deep = "(" * 10_000 + "a" + ")" * 10_000
        for method, path, body in (
                ("POST", "/rules", "not json"), ("POST", "/rules", '{"id":'), ("POST", "/rules", "null"), ("POST", "/streams", "[]"),
                ("POST", "/rules", {"id": "../x", "sql": "SELECT a FROM demo", "actions": [{"nop": {}}]}),
                ("POST", "/rules", {"id": "a/b", "sql": "SELECT a FROM demo", "actions": [{"nop": {}}]}),
                ("POST", "/rules", {"id": "r", "sql": f"SELECT {deep} FROM demo", "actions": [{"nop": {}}]}),
                ("POST", "/rules", {"id": "r", "sql": "SELECT a FROM demo WHERE " + "x" * (1 << 20) + " (", "actions": [{"nop": {}}]}),
                ("POST", "/rules", {"id": "r", "sql": "SELECT regexp_matches(a, \"(\") FROM demo GROUP", "actions": [{"nop": {}}]}),
                ("GET", "/rules/" + urllib.parse.quote("../../etc/passwd", safe=""), None),
        ):
            status, text = self.server.rest(method, path, body)
            self.assertIn(status, (400, 404), f"{method} {path} {str(body)[:80]}: {status} {text[:200]}")
        self.assertEqual(self.server.rest("GET", "/ping"), (200, ""))


if __name__ == "__main__":
    main()
