"""REST through a real socket: status lines, headers, texts and shapes that clients match on."""
import asyncio
import json
import socket
import unittest

import websockets
from harness import ServerTest, main

ERROR = "text/plain; charset=utf-8"


class Rest(ServerTest):
    def raw(self, method, path, body=None, headers=""):
        """-> (status, headers by lower-case name, body)"""
        data = b"" if body is None else body.encode() if isinstance(body, str) else json.dumps(body).encode()
        length = "" if body is None else f"Content-Length: {len(data)}\r\n"
        with socket.create_connection(("127.0.0.1", self.server.rest_port), timeout=20) as connection:
            connection.sendall(f"{method} {path} HTTP/1.1\r\nHost: x\r\n{length}{headers}\r\n".encode() + data)
            head, _, text = b"".join(iter(lambda: connection.recv(65536), b"")).decode().partition("\r\n\r\n")
        status, *lines = head.split("\r\n")
        return int(status.split()[1]), {n.lower(): v for n, v in (line.split(": ", 1) for line in lines)}, text

    def answers(self, cases):
        for method, path, body, wanted in cases:
            with self.subTest(f"{method} {path} {str(body)[:60]}"):
                status, headers, text = self.raw(method, path, body)
                self.assertEqual((status, text), wanted)
                if status in (400, 404) and text.startswith("{"):
                    self.assertEqual((headers["content-type"], headers["x-content-type-options"]), (ERROR, "nosniff"))

    @staticmethod
    def error(code, message, status=400):
        return status, json.dumps({"error": code, "message": message}, separators=(",", ":")) + "\n"

    def test_paths_and_methods_that_are_not_served(self):
        self.answers([("GET", "/streams/", None, (404, "404 page not found\n")), ("GET", "/nope", None, (404, "404 page not found\n")),
                      ("PATCH", "/streams", None, (405, "")), ("HEAD", "/ping", None, (405, ""))])
        status, headers, _ = self.raw("GET", "//streams")
        self.assertEqual((status, headers["location"], headers["connection"]), (301, "/streams", "close"))

    def test_pages_of_any_origin_may_call(self):
        asked = "Origin: http://a\r\nAccess-Control-Request-Method: "
        status, headers, _ = self.raw("OPTIONS", "/streams", None, asked + "POST\r\n")
        self.assertEqual((status, headers["access-control-allow-methods"], headers["access-control-allow-origin"]), (200, "POST", "*"))
        self.assertEqual(self.raw("GET", "/rules/none", None, "Origin: http://a\r\n")[1]["access-control-allow-origin"], "*")

    def test_streams_and_tables(self):
        options = 'WITH (DATASOURCE="/in", TYPE="websocket", FORMAT="json")'

        def sql(text):
            return {"sql": text}

        self.answers([
            ("POST", "/streams", sql(f"CREATE STREAM demo () {options}"), (201, "Stream demo is created.")),
            ("POST", "/streams", sql(f"CREATE STREAM demo () {options}"),
             self.error(3000, "Stream command error: Create stream fails: Item demo already exists.")),
            ("POST", "/streams", sql("CREATE STWREAM demo"),
             self.error(3000, 'Stream command error: found "STWREAM", expected keyword stream or table.')),
            ("POST", "/tables", sql('CREATE TABLE t () WITH (DATASOURCE="x", TYPE="memory", KIND="lookup")'),
             self.error(3000, 'Table command error: Option "key" is required for memory lookup table.')),
            ("POST", "/streams", sql("SHOW STREAMS"), (201, "demo")),
            ("POST", "/streams", sql("DROP STREAM nope"),
             self.error(3000, "Stream command error: Drop stream fails: stream nope is not found.")),
            ("GET", "/streams", None, (200, '["demo"]')),
            ("GET", "/streamdetails", None, (200, '[{"name":"demo","type":"websocket","format":"json"}]')),
            ("GET", "/streams/demo", None,
             (200, '{"Name":"demo","StreamFields":null,"Options":{"datasource":"/in","format":"json","type":"websocket"},'
                   '"StreamType":0,"Statement":null}')),
            ("GET", "/streams/none", None, self.error(3000, "describe stream error: Describe stream fails, none is not found.")),
            ("PUT", "/streams/demo", sql(f"CREATE STREAM other () {options}"),
             self.error(3000, "Stream command error: Replace demo fails: the sql statement must update the demo source.")),
            ("PUT", "/tables/demo", sql(f"CREATE TABLE demo () {options}"),
             self.error(1002, "Table command error: table demo is not found", 404)),
            ("DELETE", "/streams/none", None, self.error(1002, "delete stream error: stream none is not found", 404)),
            ("DELETE", "/tables/demo", None, (200, "Table demo is dropped."))])

    def test_rules(self):
        self.stream()
        text = json.dumps({"id": "r", "sql": "SELECT a, b FROM demo", "actions": [{"nop": {}}]})
        self.answers([
            ("POST", "/rules", text, (201, "Rule r was created successfully.")),
            ("POST", "/rules", text, self.error(1000, "rule r already exists")),
            ("GET", "/rules", None, (200, '[{"id":"r","name":"r","status":"running","tags":null,"trace":false,"version":""}]')),
            ("GET", "/rules/r", None, (200, text)),
            ("GET", "/rules/none", None, self.error(1002, "Describe rule error: Rule none is not found.", 404)),
            ("GET", "/rules/none/status", None, self.error(1002, "get rule status error: Rule none is not found", 404)),
            ("GET", "/rules/r/topo", None,
             (200, '{"sources":["source_demo"],"edges":{"op_2_decoder":["op_3_project"],"op_3_project":["op_nop_0_0_transform"],'
                   '"op_nop_0_0_transform":["op_nop_0_1_encode"],"op_nop_0_1_encode":["sink_nop_0"],"source_demo":["op_2_decoder"]}}')),
            ("GET", "/rules/r/schema", None, (200, '{"a":{"hasIndex":true,"index":0},"b":{"hasIndex":true,"index":1}}')),
            ("GET", "/rules/status/all", None, (200, '{"r":{"status":"running","last_exception":"","exceptions_total":0}}')),
            ("POST", "/rules/r/stop", None, (200, "Rule r was stopped.")),
            ("GET", "/rules/r/schema", None,
             self.error(1001, "get rule schema error: Fail to get rule r's topo, make sure the rule has been started before")),
            ("GET", "/rules/r", None,
             (200, '{"actions":[{"nop":{}}],"id":"r","sql":"SELECT a, b FROM demo","triggered":false}')),
            ("POST", "/rules/r/start", None, (200, "Rule r was started")),
            ("POST", "/rules/r/restart", None, (200, "Rule r was restarted")),
            ("POST", "/rules/x/start", None,
             self.error(1002, "start rule error: Rule x is not found in registry, please check if it is created", 404)),
            ("PUT", "/rules/r", text, (200, "Rule r was updated successfully.")),
            ("PUT", "/rules/r", "{", self.error(1000, "Update rule error: Invalid rule json: Parse rule { error : unexpected end of "
                                                      "JSON input.")),
            ("POST", "/rules/validate", text, (200, '{"sources":["demo"],"valid":true}')),
            ("POST", "/rules/validate", {"id": "v", "sql": "SELECT * FROM demo"},
             (422, "invalid rule json: Missing rule actions.")),
            ("POST", "/rules", {"id": "v", "sql": "SELECT * FROM demo", "actions": [{"nosink": {}}]},
             self.error(2201, "sink nosink is not defined")),
            ("GET", "/rules/usage/cpu", None, (200, "cpu usage not enabled")),
            ("GET", "/metrics/dump/check", None, (200, "disabled")),
            ("DELETE", "/rules/r", None, (200, "Rule r is dropped.")),
            ("DELETE", "/rules/r", None, self.error(1000, "Delete rule error: rule r not found"))])

    def test_json_of_some_answers_is_called_text(self):
        self.stream()
        self.rule("r", "SELECT * FROM demo", [{"nop": {}}])
        for path, kind in (("/", ERROR), ("/connections", ERROR), ("/rules/r/explain", ERROR), ("/v2/rules/r/status", ERROR),
                           ("/rules", "application/json"), ("/rules/r", "application/json"), ("/rules/r/status", "application/json")):
            with self.subTest(path):
                self.assertEqual(self.raw("GET", path)[1]["content-type"], kind)

    def test_groups_of_properties_are_used_by_streams_and_survive_a_restart(self):
        received = asyncio.Queue()

        async def remote(socket_, path=None):
            await socket_.send('{"a":1}')
            await received.put(path)
            await socket_.wait_closed()

        async def flow():
            async with websockets.serve(remote, "127.0.0.1", 0) as server:
                address = f"127.0.0.1:{server.sockets[0].getsockname()[1]}"
                put = await asyncio.to_thread(self.raw, "PUT", "/metadata/sources/websocket/confKeys/plant", {"addr": address})
                self.assertEqual((put[0], put[2]), (200, ""))
                await asyncio.to_thread(self.stream, options=', CONF_KEY="plant"')
                await asyncio.to_thread(self.rule, "r", "SELECT a FROM demo", [{"websocket": {"path": "/out"}}])
                await asyncio.wait_for(received.get(), 20)
                await asyncio.to_thread(self.server.stop)
                await asyncio.to_thread(self.server.start)
                await asyncio.wait_for(received.get(), 20)

        self.run_async(flow())
        groups = json.loads(self.server.must("GET", "/metadata/sources/yaml/websocket"))
        self.assertIn("addr", groups["plant"])
        self.answers([
            ("GET", "/metadata/resources", None, (200, '{"sinks":null,"sources":[{"plant":"websocket"}]}')),
            ("GET", "/metadata/sources/yaml/nosuch", None, self.error(5000, "This plugin was not found:sources.nosuch")),
            ("PUT", "/metadata/sources/websocket/confKeys/k", "{",
             self.error(5000, "Type conversion failed:websocket.unexpected end of JSON input")),
            ("DELETE", "/metadata/sources/websocket/confKeys/none", None,
             self.error(5000, "Failed to write data to file:sources.websocket.sources.websocket.none is not found")),
            ("DELETE", "/metadata/sources/websocket/confKeys/plant", None, (200, "")),
            ("GET", "/metadata/sources/yaml/websocket", None, (200, "{}"))])


if __name__ == "__main__":
    main()
