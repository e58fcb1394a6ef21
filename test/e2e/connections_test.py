"""Connections over REST: managed endpoints, named connections, connectivity checks, checkConnection, TLS."""
import asyncio
import contextlib
import json
import os
import signal
import socket
import ssl
import subprocess
import tempfile
import threading
import time
import unittest
import urllib.request

import websockets
from harness import Server, ServerTest, connect, free_port, main, receive, wait_for


def message(text):
    return json.loads(text)["message"]


async def discard(socket_, path=None):
    with contextlib.suppress(websockets.exceptions.ConnectionClosed):
        async for _ in socket_:
            pass


class ConnectionTest(ServerTest):
    def error(self, method, path, body=None, status=400):
        """-> the message of an answer that has to be an error"""
        answer = self.server.rest(method, path, body)
        self.assertEqual(answer[0], status, answer[1])
        return message(answer[1])

    def ok(self, method, path, body=None):
        self.assertEqual(self.server.rest(method, path, body), (200, ""))

    def connections(self, query=""):
        return {c["id"]: c for c in json.loads(self.server.must("GET", "/connections" + query))}


class ManagedEndpoints(ConnectionTest):
    def test_an_endpoint_is_made_asked_for_and_removed(self):
        endpoint = {"endpoint": "/x"}
        for _ in range(2):
            self.ok("POST", "/connection/websocket", endpoint)
        self.assertEqual(self.server.must("GET", "/connection/websocket?endpoint=/x"), "true")
        self.assertEqual(self.server.must("GET", "/connection/websocket", endpoint), "true")
        self.assertEqual(self.server.must("GET", "/connection/websocket?endpoint=/y"), "false")

        async def flow():
            async with connect(self.server.url("/x")) as client:
                await asyncio.to_thread(self.ok, "DELETE", "/connection/websocket?endpoint=/x")
                with self.assertRaises(websockets.exceptions.ConnectionClosed) as closed:
                    await asyncio.wait_for(client.recv(), 10)
                self.assertEqual(closed.exception.code, 1000)

        self.run_async(flow())
        self.ok("DELETE", "/connection/websocket", endpoint)
        self.assertEqual(self.server.must("GET", "/connection/websocket?endpoint=/x"), "false")

    def test_bad_bodies_say_why(self):
        for body in ("{}", '{"endpoint":null}', '{"endpoint":""}'):
            self.assertEqual(self.error("POST", "/connection/websocket", body), "Invalid body: endpoint should be defined")
        self.assertIn("should start with /", self.error("POST", "/connection/websocket", {"endpoint": "x"}))
        self.assertIn("Invalid body: ", self.error("POST", "/connection/websocket", '{"endpoint":5}'))
        self.assertIn("Invalid body: ", self.error("POST", "/connection/websocket", "not json"))

    def test_it_stays_while_a_rule_uses_it_and_survives_a_kill(self):
        self.stream()
        self.ok("POST", "/connection/websocket", {"endpoint": "/out"})
        self.rule("r1", "SELECT * FROM demo", [{"websocket": {"path": "/out", "sendSingle": True}}])
        self.assertIn("r1", self.error("DELETE", "/connection/websocket?endpoint=/out"))
        self.server.must("POST", "/rules/r1/stop")

        async def still_served():
            async with connect(self.server.url("/out")):
                pass

        self.run_async(still_served())
        self.server.stop(signal.SIGKILL)
        self.server.start()
        self.run_async(still_served())
        self.ok("DELETE", "/connection/websocket?endpoint=/out")


class NamedConnections(ConnectionTest):
    def test_a_served_connection_lives_over_rest(self):
        server = {"id": "ws1", "typ": "websocket", "props": {"datasource": "/api/data"}}
        self.assertEqual(self.server.rest("POST", "/connections", server), (201, "success"))
        shown = json.loads(self.server.must("GET", "/connections/ws1"))
        self.assertEqual(shown.pop("stats")["clients"], 0)
        self.assertEqual(shown, {**server, "isNamed": True, "status": "connected"})
        self.assertEqual(self.error("POST", "/connections", server),
                         "create connection failed: connection ws1 already been created")
        self.assertEqual(self.server.must("PUT", "/connections/ws1", {"typ": "websocket", "props": {"path": "/other"}}),
                         "success")
        self.assertEqual(self.server.must("GET", "/connection/websocket?endpoint=/api/data"), "false")
        self.server.stop(signal.SIGKILL)
        self.server.start()
        self.assertEqual(self.connections()["ws1"]["props"], {"path": "/other"})
        self.assertEqual(self.server.must("GET", "/connection/websocket?endpoint=/other"), "true")
        for _ in range(2):
            self.assertEqual(self.server.must("DELETE", "/connections/ws1"), "success")
        self.assertEqual(self.error("GET", "/connections/ws1"), "connection ws1 not existed")

    def test_mistakes_are_refused_and_nothing_is_kept(self):
        for body, text in (
                ("not json", "Invalid body: "), ('{"id":"a b","typ":"websocket"}', "invalid characters"),
                ({"id": "x"}, "create connection failed: connection id and type should be defined"),
                ({"id": "x", "typ": "mqtt", "props": {}}, "mqtt is not supported"),
                ({"id": "x", "typ": "websocket", "props": {"path": "nope"}}, "should start with /"),
                ({"id": "x", "typ": "websocket", "props": {"path": "/p", "addr": "h:1", "scheme": "http"}}, "scheme"),
        ):
            self.assertIn(text, self.error("POST", "/connections", body))
        self.assertEqual(self.connections(), {})
        self.assertEqual(self.error("PUT", "/connections/x", {"typ": "websocket", "props": {"path": "/p"}}),
                         "update connection failed: connection x not existed")

    def test_rules_and_streams_select_a_connection(self):
        self.server.must("POST", "/connections", {"id": "into", "typ": "websocket", "props": {"path": "/named/in"}})
        self.server.must("POST", "/connections", {"id": "out", "typ": "websocket", "props": {"path": "/named/out"}})
        os.makedirs(os.path.join(self.server.folder, "etc/sources"), exist_ok=True)
        self.server.stop()
        with open(os.path.join(self.server.folder, "etc/sources/websocket.yaml"), "w") as file:
            file.write("named:\n  connectionSelector: into\n")
        self.server.start()
        self.stream(path="/ignored", options=', CONF_KEY="named"')
        self.rule("r1", "SELECT * FROM demo", [{"websocket": {"connectionSelector": "out", "path": "/ignored", "sendSingle": True}}])

        async def flow():
            async with connect(self.server.url("/named/out")) as out, connect(self.server.url("/named/in")) as into:
                await into.send('{"a":1}')
                self.assertEqual(await receive(out, 1), ['{"a":1}'])

        self.run_async(flow())
        self.assertEqual(self.connections()["out"]["refCount"], 1)
        for name, verb in (("out", "drop"), ("into", "drop")):
            self.assertEqual(self.error("DELETE", f"/connections/{name}"),
                             f"drop connection failed: connection {name} can't be dropped due to rule references [r1]")
        self.assertIn("rule references [r1]", self.error("PUT", "/connections/out", {"typ": "websocket", "props": {"path": "/z"}}))
        self.server.must("POST", "/rules/r1/stop")
        self.assertEqual(self.server.must("DELETE", "/connections/out"), "success")
        self.assertIn("connection out not existed", self.error("POST", "/rules/r1/start"))

    def test_only_connections_of_the_type_are_selected(self):
        with tempfile.TemporaryDirectory(prefix="haumea-conn-") as folder:
            os.makedirs(os.path.join(folder, "etc/connections"))
            with open(os.path.join(folder, "etc/connections/connection.yaml"), "w") as file:
                file.write("mqtt:\n  m:\n    server: tcp://h\nwebsocket:\n  w:\n    path: /w\n")
            server = Server(folder)
            try:
                server.must("POST", "/streams", {"sql": 'CREATE STREAM demo () WITH (DATASOURCE="/in", TYPE="websocket", FORMAT="json")'})
                rule = {"id": "r", "sql": "SELECT * FROM demo", "actions": [{"websocket": {"connectionSelector": "mqtt.m"}}]}
                self.assertIn("connection mqtt.m not existed", server.rest("POST", "/rules", rule)[1])
                rule["actions"][0]["websocket"]["connectionSelector"] = "WebSocket.w"
                server.must("POST", "/rules", rule)
            finally:
                server.close()

    def test_what_an_action_says_of_a_connection_that_it_selects_is_warned_of(self):
        self.stream()
        self.server.must("POST", "/connections", {"id": "c", "typ": "websocket", "props": {"path": "/named"}})
        self.rule("r", "SELECT * FROM demo", [{"websocket": {"connectionSelector": "c", "addr": "h:1", "path": "/other", "sendSingle": True}}])
        self.assertEqual(self.server.status("r")["warnings"],
                         ["connectionSelector: addr, path has no effect, what connection c says of the connection counts"])

    def test_a_connection_of_the_configuration_file_is_selected_with_its_type(self):
        self.server.stop()
        os.makedirs(os.path.join(self.server.folder, "etc/connections"), exist_ok=True)
        with open(os.path.join(self.server.folder, "etc/connections/connection.yaml"), "w") as file:
            file.write("websocket:\n  local:\n    path: /from/file\n")
        self.server.start()
        self.stream()
        self.rule("r1", "SELECT * FROM demo", [{"websocket": {"connectionSelector": "websocket.local"}}])
        self.assertEqual(self.server.must("GET", "/connection/websocket?endpoint=/from/file"), "true")

    def test_secrets_are_masked_and_a_mask_keeps_the_stored_one(self):
        seen = asyncio.Queue()

        async def remote(socket_, path=None):
            await seen.put((socket_.request_headers["Authorization"], socket_.request_headers["X-Plain"]))
            await discard(socket_)

        async def flow():
            async with websockets.serve(remote, "127.0.0.1", 0) as listening:
                addr = f"127.0.0.1:{listening.sockets[0].getsockname()[1]}"
                props = {"addr": addr, "path": "/x", "requestHeader": {"Authorization": "Bearer s3cret", "X-Plain": "1"}}
                await asyncio.to_thread(self.server.must, "POST", "/connections", {"id": "c", "typ": "websocket", "props": props})
                self.assertEqual(await asyncio.wait_for(seen.get(), 10), ("Bearer s3cret", "1"))
                await asyncio.to_thread(wait_for, lambda: self.connections()["c"]["status"] == "connected", "c is connected")
                shown = await asyncio.to_thread(self.connections)
                self.assertEqual(shown["c"]["props"]["requestHeader"], {"Authorization": "******", "X-Plain": "1"})
                back = shown["c"]["props"]
                back["requestHeader"]["X-Plain"] = "2"
                await asyncio.to_thread(self.server.must, "PUT", "/connections/c", {"typ": "websocket", "props": back})
                self.assertEqual(await asyncio.wait_for(seen.get(), 10), ("Bearer s3cret", "2"))
                check = "/metadata/sinks/connection/websocket"
                await asyncio.to_thread(self.ok, "POST", check, {"connectionSelector": "c"})
                self.assertEqual(await asyncio.wait_for(seen.get(), 10), ("Bearer s3cret", "2"))
                # A check with what REST has shown of a connection, a rule or a conf key; other things may have changed.
                await asyncio.to_thread(self.ok, "POST", check, {**back, "connectTimeout": "7s"})
                self.assertEqual(await asyncio.wait_for(seen.get(), 10), ("Bearer s3cret", "2"))
                await asyncio.to_thread(self.stream)
                for_rule = {"path": "/y", "addr": addr, "requestHeader": {"Authorization": "of a rule", "X-Plain": "3"}}
                await asyncio.to_thread(self.rule, "r", "SELECT * FROM demo", [{"websocket": for_rule}])
                self.assertEqual(await asyncio.wait_for(seen.get(), 10), ("of a rule", "3"))
                shown = json.loads(await asyncio.to_thread(self.server.must, "GET", "/rules/r"))["actions"][0]["websocket"]
                await asyncio.to_thread(self.ok, "POST", check, shown)
                self.assertEqual(await asyncio.wait_for(seen.get(), 10), ("of a rule", "3"))
                key = {"addr": addr, "requestHeader": {"Authorization": "of a key", "X-Plain": "4"}}
                await asyncio.to_thread(self.ok, "PUT", "/metadata/sources/websocket/confKeys/k", key)
                shown = json.loads(await asyncio.to_thread(self.server.must, "GET", "/metadata/sources/yaml/websocket"))["k"]
                await asyncio.to_thread(self.ok, "POST", check.replace("sinks", "sources"), {**shown, "DATASOURCE": "/z"})
                self.assertEqual(await asyncio.wait_for(seen.get(), 10), ("of a key", "4"))
                # The group that resourceId names is part of the map.
                await asyncio.to_thread(self.ok, "PUT", "/metadata/sinks/websocket/confKeys/s", {**key, "path": "/s"})
                await asyncio.to_thread(self.ok, "POST", check, {"resourceId": "s", "requestHeader": {"Authorization": "******", "X-Plain": "5"}})
                self.assertEqual(await asyncio.wait_for(seen.get(), 10), ("of a key", "5"))
                # What was stored for one address is not for another; a mask is no value.
                for other in ({"addr": "127.0.0.1:1"}, {"proxy": addr}, {"scheme": "wss", "insecureSkipVerify": True}, {"path": "/w"}):
                    self.assertIn("requestHeader.Authorization is masked",
                                  await asyncio.to_thread(self.error, "POST", check, {**back, **other}))
                self.assertTrue(seen.empty())

        self.run_async(flow())

    def test_force_all_lists_what_rules_have_opened(self):
        self.stream()
        self.rule("r1", "SELECT * FROM demo", [{"websocket": {"path": "/out"}}])
        port = free_port()
        self.rule("r2", "SELECT * FROM demo", [{"websocket": {"addr": f"127.0.0.1:{port}", "path": "/far"}}])
        self.assertEqual(self.connections(), {})
        shown = self.connections("?forceAll=true")
        for name, references in (("$$ws//in", 2), ("$$ws//out", 1)):
            self.assertEqual((shown[name]["isNamed"], shown[name]["status"], shown[name]["refCount"]), (False, "connected", references))
        remote = f"$$ws/ws://127.0.0.1:{port}/far"
        wait_for(lambda: "err" in self.connections("?forceAll=true")[remote], "the refused dial is shown")
        self.assertEqual(self.connections("?forceAll=true")[remote]["status"], "connecting")

    def test_clients_are_listed_and_kicked(self):
        self.server.must("POST", "/connections", {"id": "ws1", "typ": "websocket", "props": {"path": "/x"}})

        async def flow():
            async with connect(self.server.url("/x")) as client:
                for path in ("/connections/ws1/clients", "/connection/websocket/clients?endpoint=/x"):
                    clients = json.loads(await asyncio.to_thread(self.server.must, "GET", path))
                    self.assertEqual(len(clients), 1)
                    self.assertTrue(clients[0]["address"].startswith("127.0.0.1:"))
                    for key in ("since", "backlogMessages", "backlogBytes", "dropped"):
                        self.assertIn(key, clients[0])
                await asyncio.to_thread(self.ok, "DELETE", f"/connections/ws1/clients/{clients[0]['id']}")
                with self.assertRaises(websockets.exceptions.ConnectionClosed) as closed:
                    await asyncio.wait_for(client.recv(), 10)
                self.assertEqual(closed.exception.code, 1008)

        self.run_async(flow())
        self.error("DELETE", "/connections/ws1/clients/99", status=404)
        self.error("DELETE", "/connections/ws1/clients/x")
        self.error("GET", "/connection/websocket/clients?endpoint=/none", status=404)


    def test_unknown_properties_are_accepted_with_a_warning(self):
        body = json.dumps({"id": "w", "typ": "websocket", "props": {"path": "/x", "colour": "red"}}).encode()
        request = urllib.request.Request(f"http://127.0.0.1:{self.server.rest_port}/connections", body, method="POST")
        with urllib.request.urlopen(request, timeout=10) as answer:
            self.assertEqual(answer.status, 201)
            self.assertIn("colour", answer.headers["X-Haumea-Warning"])


class ConnectivityChecks(ConnectionTest):
    def test_a_remote_is_dialled_and_nothing_remains(self):
        async def flow():
            async with websockets.serve(discard, "127.0.0.1", 0) as listening:
                addr = f"127.0.0.1:{listening.sockets[0].getsockname()[1]}"
                for kind in ("sinks", "sources"):
                    await asyncio.to_thread(self.ok, "POST", f"/metadata/{kind}/connection/websocket", {"addr": addr, "path": "/x"})
                self.assertEqual(await asyncio.to_thread(self.connections, "?forceAll=true"), {})

        self.run_async(flow())
        text = self.error("POST", "/metadata/sinks/connection/websocket", {"addr": f"127.0.0.1:{free_port()}", "path": "/x"})
        self.assertIn("refused", text.lower())

    def test_the_data_server_is_tried(self):
        self.ok("POST", "/metadata/sinks/connection/websocket", {"path": "/x"})
        self.ok("POST", "/metadata/sources/connection/websocket", {"DATASOURCE": "/x"})
        self.ok("POST", "/metadata/sources/connection/websocket", {})
        self.assertIn("should start with /", self.error("POST", "/metadata/sinks/connection/websocket", {"path": "x"}))
        self.assertEqual(self.error("POST", "/metadata/sinks/connection/websocket"), "unexpected end of JSON input")
        self.assertEqual(self.error("POST", "/metadata/sinks/connection/log", {}), "sink log doesn't support ping connection")
        with socket.socket() as taken:
            taken.bind(("127.0.0.1", self.server.data_port))
            taken.listen()
            self.assertIn(str(self.server.data_port), self.error("POST", "/metadata/sinks/connection/websocket", {"path": "/x"}))


class CheckConnection(ConnectionTest):
    def test_a_served_path_needs_endpoint_and_client(self):
        self.stream()
        rule = {"id": "r1", "sql": "SELECT * FROM demo", "actions": [{"websocket": {"path": "/out", "checkConnection": True}}]}
        self.assertIn("websocket has no endpoint /out", self.error("POST", "/rules", rule))
        self.ok("POST", "/connection/websocket", {"endpoint": "/out"})
        self.assertIn("websocket endpoint /out has no connection", self.error("POST", "/rules", rule))
        self.assertEqual(json.loads(self.server.must("GET", "/rules")), [])

        async def flow():
            async with connect(self.server.url("/out")) as out:
                await asyncio.to_thread(self.server.must, "POST", "/rules", rule)
                await asyncio.to_thread(self.server.must, "PUT", "/rules/r1", {**rule, "sql": "SELECT a FROM demo"})
                async with connect(self.server.url("/in")) as into:
                    await into.send('{"a":1}')
                    self.assertEqual(await receive(out, 1), ['[{"a":1}]'])
            # The client has gone: a change is refused, the old rule runs on.
            await asyncio.to_thread(wait_for, lambda: self.server.must("GET", "/connection/websocket/clients?endpoint=/out") == "[]",
                                    "the client has gone")
            self.assertIn("has no connection", await asyncio.to_thread(self.error, "PUT", "/rules/r1", rule))
            self.assertEqual((await asyncio.to_thread(self.server.status, "r1"))["status"], "running")

        self.run_async(flow())
        # After a restart it waits, says why, and starts with the first client.
        self.server.stop(signal.SIGKILL)
        self.server.start()
        status = self.server.status("r1")
        self.assertEqual(status["status"], "stopped by error")
        self.assertIn("has no connection", status["message"])

        async def comes():
            async with connect(self.server.url("/out")):
                await asyncio.to_thread(wait_for, lambda: self.server.status("r1")["status"] == "running", "the rule has started")

        self.run_async(comes())

    def test_a_remote_has_to_answer(self):
        self.stream()
        port = free_port()
        rule = {"id": "r1", "sql": "SELECT * FROM demo",
                "actions": [{"websocket": {"addr": f"127.0.0.1:{port}", "path": "/x", "checkConnection": True}}]}
        self.assertIn("refused", self.error("POST", "/rules", rule).lower())

        async def flow():
            async with websockets.serve(discard, "127.0.0.1", port):
                await asyncio.to_thread(self.server.must, "POST", "/rules", rule)

        self.run_async(flow())
        self.assertIn("refused", self.error("PUT", "/rules/r1", rule).lower())
        self.assertEqual(self.server.status("r1")["status"], "running")
        self.server.stop(signal.SIGKILL)
        self.server.start()
        self.assertEqual(self.server.status("r1")["status"], "stopped by error")

        async def comes_back():
            async with websockets.serve(discard, "127.0.0.1", port):
                await asyncio.to_thread(wait_for, lambda: self.server.status("r1")["status"] == "running", "the rule has started")

        self.run_async(comes_back())

    def test_a_silent_remote_of_a_waiting_rule_does_not_hold_up_rest(self):
        self.stream()
        port = free_port()
        rule = {"id": "r1", "sql": "SELECT * FROM demo",
                "actions": [{"websocket": {"addr": f"127.0.0.1:{port}", "path": "/x", "checkConnection": True, "connectTimeout": "30s"}}]}

        async def flow():
            async with websockets.serve(discard, "127.0.0.1", port):
                await asyncio.to_thread(self.server.must, "POST", "/rules", rule)
                await asyncio.to_thread(self.server.stop, signal.SIGKILL)

        self.run_async(flow())
        with socket.socket() as silent:
            silent.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            silent.bind(("127.0.0.1", port))
            silent.listen()
            self.server.start()
            begin = time.monotonic()
            while time.monotonic() - begin < 2.5:
                asked = time.monotonic()
                self.assertIn("waits for the connection", self.server.status("r1")["message"])
                self.assertLess(time.monotonic() - asked, 2)

    def ask_quietly(self, props):
        with contextlib.suppress(OSError):  # the server may end before it has answered
            self.server.rest("POST", "/metadata/sinks/connection/websocket", props)

    def test_a_check_under_way_does_not_hold_up_the_end(self):
        with socket.socket() as silent:
            silent.bind(("127.0.0.1", 0))
            silent.listen()
            addr = f"127.0.0.1:{silent.getsockname()[1]}"
            asked = threading.Thread(target=self.ask_quietly, args=({"addr": addr, "path": "/x", "connectTimeout": "20s"},))
            asked.start()
            silent.settimeout(10)
            dialled, _ = silent.accept()
            with dialled:
                begin = time.monotonic()
                self.assertEqual(self.server.stop(), 0)
                self.assertLess(time.monotonic() - begin, 5)
            asked.join()

    def test_a_check_takes_no_longer_than_its_timeout(self):
        with socket.socket() as silent:
            silent.bind(("127.0.0.1", 0))
            silent.listen()
            addr = f"127.0.0.1:{silent.getsockname()[1]}"
            begin = time.monotonic()
            self.error("POST", "/metadata/sinks/connection/websocket", {"addr": addr, "path": "/x", "connectTimeout": "200ms"})
            self.assertLess(time.monotonic() - begin, 5)


class Tls(unittest.TestCase):
    def make_server(self, **settings):
        server = Server(**settings)
        self.addCleanup(server.close)
        return server

    def make_certificate(self):
        """-> files of a certificate, which signs itself, and its key"""
        folder = tempfile.TemporaryDirectory(prefix="haumea-tls-")
        self.addCleanup(folder.cleanup)
        cert, key = os.path.join(folder.name, "c.pem"), os.path.join(folder.name, "k.pem")
        subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2",
                        "-subj", "/CN=localhost", "-addext", "subjectAltName=IP:127.0.0.1", "-keyout", key, "-out", cert],
                       check=True, capture_output=True)
        return cert, key

    def test_clients_may_have_to_show_a_certificate(self):
        cert, key = self.make_certificate()
        tls = "HAUMEA__SOURCE__HTTPSERVERTLS__"
        server = self.make_server(**{tls + "CERTFILE": cert, tls + "KEYFILE": key, tls + "CLIENTCA": cert, tls + "CLIENTAUTH": "require"})
        server.must("POST", "/connection/websocket", {"endpoint": "/x"})
        remote = {"addr": f"127.0.0.1:{server.data_port}", "path": "/x", "rootCaPath": cert}
        self.assertEqual(server.rest("POST", "/metadata/sinks/connection/websocket", remote)[0], 400)
        server.must("POST", "/metadata/sinks/connection/websocket", {**remote, "certificationPath": cert, "privateKeyPath": key})

    def test_endpoints_are_served_over_tls(self):
        cert, key = self.make_certificate()
        server = self.make_server(HAUMEA__SOURCE__HTTPSERVERTLS__CERTFILE=cert, HAUMEA__SOURCE__HTTPSERVERTLS__KEYFILE=key)
        server.must("POST", "/connection/websocket", {"endpoint": "/x"})
        trusting = ssl.create_default_context(cafile=cert)

        async def flow():
            async with connect(f"wss://127.0.0.1:{server.data_port}/x", ssl=trusting):
                pass

        asyncio.run(asyncio.wait_for(flow(), 30))
        server.must("POST", "/metadata/sinks/connection/websocket",
                    {"addr": f"127.0.0.1:{server.data_port}", "path": "/x", "rootCaPath": cert})
        status, text = server.rest("POST", "/metadata/sinks/connection/websocket",
                                   {"addr": f"127.0.0.1:{server.data_port}", "path": "/x", "scheme": "wss"})
        self.assertEqual(status, 400)
        self.assertIn("certificate", text)

    def test_a_bad_certificate_is_the_error_of_who_needs_the_port(self):
        server = self.make_server(HAUMEA__SOURCE__HTTPSERVERTLS__CERTFILE="/none/c.pem",
                                  HAUMEA__SOURCE__HTTPSERVERTLS__KEYFILE="/none/k.pem")
        status, text = server.rest("POST", "/connection/websocket", {"endpoint": "/x"})
        self.assertEqual(status, 400)
        self.assertIn("/none/", text)


class Metrics(unittest.TestCase):
    def test_prometheus_has_a_port_of_its_own(self):
        port = free_port()
        server = Server(HAUMEA__BASIC__PROMETHEUS="true", HAUMEA__BASIC__PROMETHEUSPORT=str(port))
        self.addCleanup(server.close)
        server.must("POST", "/streams", {"sql": 'CREATE STREAM demo () WITH (DATASOURCE="/in", TYPE="websocket", FORMAT="json")'})
        server.must("POST", "/rules", {"id": "r1", "sql": "SELECT * FROM demo", "actions": [{"nop": {}}]})
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=10) as answer:
            text = answer.read().decode()
            self.assertTrue(answer.headers["Content-Type"].startswith("text/plain; version=0.0.4"))
        self.assertIn('kuiper_rule_status{rule="r1"} 1', text)
        self.assertIn('kuiper_source_records_in_total{op="demo",op_instance="0",rule="r1",type="source"} 0', text)


if __name__ == "__main__":
    main()
