"""Properties of the websocket action as a user meets them over REST: what is refused, what is warned of and where the warning
shows, which rules share a connection (contract §1, §2)."""
import base64
import contextlib
import hashlib
import json
import os
import pathlib
import re
import socket
import ssl
import subprocess
import threading
import time
import unittest
import urllib.request

from harness import Server, ServerTest, connect, main, wait_for


class Waiting:
    """Accepts, reads and never answers, as a server of plain HTTP does that waits for the end of a request; or answers the
    handshake and nothing after it."""

    def __init__(self, handshake=False):
        self.handshake = handshake
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.addr = f"127.0.0.1:{self.listener.getsockname()[1]}"
        self.peers, self.heads = [], []
        self.thread = threading.Thread(target=self.run, daemon=True)
        self.thread.start()

    def run(self):
        with contextlib.suppress(OSError):
            while True:
                self.peers.append(self.listener.accept()[0])
                self.heads.append(self.peers[-1].recv(65536))
                if self.handshake:
                    key = re.search(rb"Sec-WebSocket-Key: (\S+)", self.heads[-1]).group(1)
                    accept = base64.b64encode(hashlib.sha1(key + b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11").digest())
                    self.peers[-1].sendall(b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                                           b"Sec-WebSocket-Accept: " + accept + b"\r\n\r\n")

    def close(self):
        with contextlib.suppress(OSError):
            self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()
        self.thread.join(10)
        for peer in self.peers:
            peer.close()


class Properties(ServerTest):
    def setUp(self):
        super().setUp()
        self.stream()
        self.count = 0

    def post(self, props, path="/rules", sql="SELECT * FROM demo"):
        """-> (status, text, header X-Haumea-Warning); the rule is self.last"""
        self.count += 1
        self.last = f"r{self.count}"
        body = json.dumps({"id": self.last, "sql": sql, "actions": [{"websocket": props}]}).encode()
        request = urllib.request.Request(f"http://127.0.0.1:{self.server.rest_port}{path}", body, method="POST")
        try:
            with urllib.request.urlopen(request, timeout=30) as answer:
                return answer.status, answer.read().decode(), answer.headers.get("X-Haumea-Warning", "")
        except urllib.error.HTTPError as error:
            return error.code, error.read().decode(), error.headers.get("X-Haumea-Warning", "")

    def waiting(self, handshake=False):
        server = Waiting(handshake)
        self.addCleanup(server.close)
        return server

    def test_a_warning_shows_in_the_header_the_validation_and_the_status(self):
        cases = {
            "unknown property colour": {"path": "/a", "colour": "red"},
            "property maxConnRetry is accepted without effect": {"path": "/a", "maxConnRetry": 3},
            "property renegotiationSupport is accepted without effect": {"path": "/a", "renegotiationSupport": "never"},
            "without addr tlsMinVersion has no effect": {"path": "/a", "tlsMinVersion": "tls1.3"},
            "without addr insecureSkipVerify has no effect": {"path": "/a", "insecureSkipVerify": True},
            "insecureSkipVerify has no effect with scheme ws":
                {"path": "/a", "addr": "127.0.0.1:1", "scheme": "ws", "insecureSkipVerify": True},
        }
        for text, props in cases.items():
            status, answer, header = self.post(props, "/rules/validate")
            self.assertEqual(status, 200, answer)
            self.assertIn(text, " ".join(json.loads(answer)["warnings"]))
            self.assertIn(text, header)
            status, answer, header = self.post(props)
            self.assertEqual(status, 201, answer)
            self.assertIn(text, header)
            self.assertIn(text, " ".join(self.server.status(self.last)["warnings"]))

    def test_what_is_wrong_in_the_conf_key_of_a_source_is_told_by_its_rules(self):
        self.server.must("PUT", "/metadata/sources/websocket/confKeys/k", {"path": "/not/of/the/stream", "maxConnRetry": 3, "tlsMinVersion": "tls1.3", "nosuch": 1})
        self.stream("s", "/s", ', CONF_KEY="k"')
        status, answer, header = self.post({"path": "/a"}, sql="SELECT * FROM s")
        self.assertEqual(status, 201, answer)
        for text in ("maxConnRetry is accepted without effect", "without addr tlsMinVersion", "unknown property nosuch"):
            self.assertIn(text, header)

    def test_mistakes_are_refused_with_field_and_remedy_and_nothing_is_kept(self):
        text = base64.b64encode(b"no PEM").decode()
        for props, words in (
                ({"PATH": "/a", "path": "/b"}, ("PATH", "also as path", "give only one")),
                ({"path": "/a", "connectionSelector": 5}, ("connectionSelector is 5", "in quotes")),
                ({"path": "/a", "addr": "wss://h"}, ("addr", '\\"wss://h\\"', "host:port alone")),
                ({"path": "/a", "addr": "u:secret@h"}, ("addr", "******@h", "requestHeader")),
                ({"path": "/a", "rootCaPath": "none.pem"}, ("rootCaPath", "none.pem", "working directory " + self.server.folder)),
                ({"path": "/a", "addr": "h", "rootCARaw": text}, ("rootCARaw", "holds no PEM certificate")),
                ({"path": "x", "addr": "h"}, ("path is", "write", "eKuiper 1.x"))):
            for path, expected in (("/rules/validate", 422), ("/rules", 400)):
                status, answer, _ = self.post(props, path)
                self.assertEqual(status, expected, answer)
                for word in words:
                    self.assertIn(word.replace('\\', '') if expected == 422 else word, answer)
                self.assertNotIn("secret", answer)
        self.assertEqual(json.loads(self.server.must("GET", "/rules")), [])
        self.assertNotIn("secret", self.server.log_text())

    def test_a_plain_server_that_waits_where_tls_is_the_default_says_set_scheme_ws(self):
        remote = self.waiting()
        status, answer, _ = self.post({"addr": remote.addr, "path": "/x", "insecureSkipVerify": True, "connectTimeout": "300ms"})
        self.assertEqual(status, 201, answer)
        wait_for(lambda: "set scheme: ws" in self.server.status(self.last)["sink_websocket_0_0_last_exception"], "the remedy is shown")
        self.assertEqual(self.server.status(self.last)["status"], "running")

    def test_a_check_takes_no_longer_than_connect_timeout_whatever_the_remote_keeps_silent_about(self):
        remote = self.waiting(handshake=True)
        props = {"addr": remote.addr, "path": "/x", "connectTimeout": "500ms", "closeTimeout": "60s", "checkConnection": True}
        begin = time.monotonic()
        status, answer, _ = self.post(props)
        self.assertEqual(status, 400)
        self.assertIn("has not answered a ping within 500 ms (connectTimeout)", answer)
        self.assertLess(time.monotonic() - begin, 20)

    def test_a_check_that_waits_for_its_remote_holds_up_nobody_else(self):
        remote = self.waiting()
        props = {"addr": remote.addr, "path": "/x", "connectTimeout": "25s", "checkConnection": True}
        self.rule("other", "SELECT * FROM demo", [{"websocket": {"path": "/out"}}])
        answers = []
        rule = {"id": "waits", "sql": "SELECT * FROM demo", "actions": [{"websocket": props}]}
        asked = [threading.Thread(target=lambda request=request: answers.append(self.server.rest(*request)), daemon=True)
                 for request in (("POST", "/rules", rule), ("POST", "/metadata/sinks/connection/websocket", props),
                                 ("PUT", "/rules/other", rule | {"id": "other"}), ("POST", "/rules/validate", rule))]
        for thread in asked:
            thread.start()
        wait_for(lambda: len(remote.peers) == len(asked), "all of them have dialled")
        self.rule("new", "SELECT * FROM demo", [{"websocket": {"path": "/new"}}])
        for method, path in (("POST", "/rules/new/stop"), ("POST", "/rules/new/start"), ("DELETE", "/rules/new"), ("POST", "/rules/other/stop"),
                             ("POST", "/rules/other/start"), ("GET", "/ping")):
            self.server.must(method, path)
        self.assertEqual(json.loads(self.server.must("GET", "/rules"))[0]["id"], "other")
        self.assertEqual(answers, [], "they wait still")
        remote.close()  # which resets what was accepted
        for thread in asked:
            thread.join(30)
        self.assertEqual(sorted(status for status, _ in answers), [400, 400, 400, 422], answers)
        self.assertEqual([r["id"] for r in json.loads(self.server.must("GET", "/rules"))], ["other"])
        self.assertEqual(self.server.status("other")["status"], "running")

    def test_a_start_whose_check_fails_stores_nothing(self):
        remote = self.waiting(handshake=True)
        rule = {"id": "r", "sql": "SELECT * FROM demo", "triggered": False, "actions": [{"websocket": {"addr": remote.addr, "path": "/x"}}]}
        self.server.must("POST", "/rules", rule)
        rule["actions"][0]["websocket"] |= {"path": "/served", "addr": "", "checkConnection": True}
        self.server.must("POST", "/connection/websocket", {"endpoint": "/served"})
        with socket.create_connection(("127.0.0.1", self.server.data_port), 10) as client:
            client.sendall(b"GET /served HTTP/1.1\r\nHost: h\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
                           b"Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n")
            self.assertIn(b"101", client.recv(1000))
            self.server.must("PUT", "/rules/r", rule)
        wait_for(lambda: self.server.rest("POST", "/rules/r/start")[0] == 400, "the client has gone")
        self.server.must("POST", "/rules/r/stop")
        status, text = self.server.rest("POST", "/rules/r/start")
        self.assertEqual((status, json.loads(text)["message"]), (400, "start rule error: websocket endpoint /served has no connection"))
        self.assertEqual(json.loads(self.server.must("GET", "/rules/r")).get("triggered"), False)
        self.server.stop()
        self.server.start()
        self.assertEqual(self.server.status("r")["status"], "stopped")

    def test_of_a_file_and_base64_the_file_counts_and_both_spellings_are_read(self):
        def made(name):
            files = [os.path.join(self.server.folder, f"{name}.{end}") for end in ("crt", "key")]
            subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2",
                            "-subj", f"/CN={name}", "-out", files[0], "-keyout", files[1]], check=True, capture_output=True)
            return files, [base64.b64encode(pathlib.Path(file).read_bytes()).decode() for file in files]

        (certificate, key), (certificate_text, key_text) = made("one")
        _, (_, other_key_text) = made("two")
        base = {"path": "/x", "addr": "127.0.0.1:1"}
        for props, expected in (
                ({"certificationPath": certificate, "certificationRaw": "%", "privateKeyPath": key, "privateKeyRaw": other_key_text}, 201),
                ({"certificationPath": certificate, "privateKeyRaw": key_text}, 201),
                ({"certificationRaw": certificate_text, "privateKeyPath": os.path.basename(key)}, 201),
                ({"certficationRaw": certificate_text, "privateKeyRaw": key_text, "rootCARaw": certificate_text}, 201),
                ({"certificationRaw": certificate_text, "certficationRaw": certificate_text, "privateKeyRaw": key_text}, 201),
                ({"rootCaPath": certificate, "rootCARaw": "%"}, 201),
                ({"certificationPath": certificate, "privateKeyRaw": other_key_text}, 400),
                ({"certificationRaw": certificate_text, "privateKeyPath": "none.key", "privateKeyRaw": key_text}, 400),
                ({"certificationRaw": certificate_text, "certficationRaw": key_text, "privateKeyRaw": key_text}, 400)):
            status, answer, _ = self.post({**base, **props})
            self.assertEqual(status, expected, (list(props), answer))
            self.assertNotIn(key_text[40:80], answer)

    def test_of_the_subprotocols_offered_the_one_we_name_first_is_spoken(self):
        self.assertEqual(self.post({"path": "/sub", "subprotocols": ["v2", "v1"]})[0], 201)

        async def spoken(*offered):
            async with connect(self.server.url("/sub"), subprotocols=list(offered) or None) as client:
                return client.subprotocol

        self.assertEqual(self.run_async(spoken("v1")), "v1")
        self.assertEqual(self.run_async(spoken("v1", "x", "v2")), "v2")
        self.assertIsNone(self.run_async(spoken()))
        with self.assertRaises(Exception) as refused:
            self.run_async(spoken("x"))
        self.assertIn("400", str(refused.exception))

    def test_headers_in_another_order_are_the_same_connection_other_values_are_not(self):
        remote = self.waiting()
        base = {"addr": remote.addr, "path": "/x"}
        for headers in ({"X": "1", "Y": ["2", "3"]}, {"y": ["2", "3"], "x": ["1"]}):
            self.assertEqual(self.post({**base, "requestHeader": headers})[0], 201)
        opened = [c for c in json.loads(self.server.must("GET", "/connections?forceAll=true")) if remote.addr in c["id"]]
        self.assertEqual([c["refCount"] for c in opened], [2])
        self.assertEqual(self.post({**base, "requestHeader": {"X": "1", "Y": ["3", "2"]}})[0], 201)
        wait_for(lambda: len(remote.heads) == 2, "two connections")
        opened = [c for c in json.loads(self.server.must("GET", "/connections?forceAll=true")) if remote.addr in c["id"]]
        self.assertEqual(sorted(c["refCount"] for c in opened), [1, 2])


class PrivateNetworks(ServerTest):
    settings = {"HAUMEA__BASIC__DIALPRIVATENET": "false"}

    def test_they_can_be_closed_to_actions_checks_and_connections(self):
        remote = Waiting()
        self.addCleanup(remote.close)
        self.stream()
        for host in ("127.0.0.1", "localhost"):
            props = {"addr": remote.addr.replace("127.0.0.1", host), "path": "/x"}
            status, text = self.server.rest("POST", "/metadata/sinks/connection/websocket", props)
            self.assertEqual(status, 400)
            self.assertIn("basic.dialPrivateNet", text)
            proxied = {"addr": "example.com", "path": "/x", "proxy": props["addr"]}
            self.assertIn("basic.dialPrivateNet", self.server.rest("POST", "/metadata/sinks/connection/websocket", proxied)[1])
            self.server.must("POST", "/connections", {"id": host.replace(".", "-"), "typ": "websocket", "props": props})
            wait_for(lambda: "dialPrivateNet" in json.loads(self.server.must("GET", "/connections/" + host.replace(".", "-"))).get("err", ""),
                     "the connection says so")
            self.rule(host.replace(".", "-"), "SELECT * FROM demo", [{"websocket": props}])
            wait_for(lambda: "dialPrivateNet" in self.server.status(host.replace(".", "-"))["sink_websocket_0_0_last_exception"],
                     "the rule runs and says so")
        self.assertEqual(remote.peers, [])


class LeastTlsVersion(unittest.TestCase):
    def test_the_data_server_refuses_what_is_older_than_configured(self):
        server = Server()
        server.stop()
        self.addCleanup(server.close)
        cert, key = os.path.join(server.folder, "c.pem"), os.path.join(server.folder, "k.pem")
        subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2",
                        "-subj", "/CN=localhost", "-addext", "subjectAltName=IP:127.0.0.1", "-keyout", key, "-out", cert],
                       check=True, capture_output=True)
        os.makedirs(os.path.join(server.folder, "etc/sources"), exist_ok=True)

        def version(minimum, most):
            with open(os.path.join(server.folder, "etc/sources/websocket.yaml"), "w") as file:
                file.write(f"source:\n  httpServerTls:\n    certfile: {cert}\n    keyfile: {key}\n{minimum}")
            server.start()
            server.must("POST", "/connection/websocket", {"endpoint": "/x"})
            context = ssl.create_default_context(cafile=cert)
            context.maximum_version = most
            try:
                with socket.create_connection(("127.0.0.1", server.data_port), 10) as peer, \
                        context.wrap_socket(peer, server_hostname="127.0.0.1") as secured:
                    return secured.version()
            except ssl.SSLError as error:
                return "refused: " + error.reason
            finally:
                server.stop()

        self.assertEqual(version("", ssl.TLSVersion.TLSv1_2), "TLSv1.2")
        self.assertIn("refused: TLSV1_ALERT_PROTOCOL_VERSION", version("    tlsMinVersion: tls1.3\n", ssl.TLSVersion.TLSv1_2))
        self.assertEqual(version("    tlsMinVersion: tls1.3\n", ssl.TLSVersion.TLSv1_3), "TLSv1.3")


if __name__ == "__main__":
    main()
