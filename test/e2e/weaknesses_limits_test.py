"""What users of WebSocket sinks have suffered from elsewhere, one test each: limits, secrets,
certificates, what a handshake agrees on."""
import base64
import contextlib
import http
import json
import os
import pathlib
import socket
import ssl
import subprocess
import tempfile
import threading

import websockets
from harness import Server, connect, free_port, main, wait_for
from weakness import Remote, WeaknessTest


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

    def test_w21_what_a_rule_dials_tells_its_author_nothing_but_the_status(self):
        """Rules may name any address, loopback and private ones too. What such a service answers to a request that it
        does not understand stays with the engine."""
        body = b"instance-secret-0123456789"

        def serve(listening):
            with contextlib.suppress(OSError):
                while True:
                    with listening.accept()[0] as peer:
                        peer.recv(4096)
                        peer.sendall(b"HTTP/1.1 200 OK\r\nX-Secret: " + body + b"\r\nContent-Length: %d\r\n\r\n" % len(body) + body)
        listening = socket.create_server(("127.0.0.1", 0))
        self.addCleanup(listening.close)
        threading.Thread(target=serve, args=(listening,), daemon=True).start()
        addr = f"127.0.0.1:{listening.getsockname()[1]}"
        self.push("r", {"addr": addr, "path": "/latest/meta-data"})
        wait_for(lambda: "HTTP 200" in self.sink("r", "last_exception"), "the status is told")
        said = [json.dumps(self.server.status("r")), self.server.must("GET", "/connections?forceAll=true"), self.server.log_text(),
                self.message("POST", "/metadata/sinks/connection/websocket", {"addr": addr, "path": "/latest/meta-data"})]
        for text in said:
            self.assertNotIn(body.decode(), text)
        for bad in (f"user@{addr}", f"{addr}/other", f"{addr}?x", f"http://{addr}", f"{addr}\r\nX: y", f"{addr} "):
            self.assertIn("addr", self.message("POST", "/rules", {
                "id": "bad", "sql": "SELECT * FROM demo", "actions": [{"websocket": {"addr": bad, "path": "/x"}}]}), bad)

    def test_w21_a_dial_follows_no_redirect_and_no_environment(self):
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
    def test_w17_pages_of_foreign_origins_are_refused_with_the_setting_that_allows_them(self):
        allows = Server(HAUMEA__SOURCE__ALLOWEDORIGINS='["https://app.example"]')
        every = Server(HAUMEA__SOURCE__ALLOWEDORIGINS='["*"]')
        for server in (self.server, allows, every):
            server.must("POST", "/connection/websocket", {"endpoint": "/x"})
        self.addCleanup(allows.close)
        self.addCleanup(every.close)
        port = self.server.data_port

        def status(server, origin, host=None):
            with socket.create_connection(("127.0.0.1", server.data_port)) as client:
                lines = [f"Host: {host or f'127.0.0.1:{server.data_port}'}"] + ([f"Origin: {origin}"] if origin else [])
                client.sendall(("GET /x HTTP/1.1\r\n" + "\r\n".join(lines) + "\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                                "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n").encode())
                client.settimeout(20)
                answer = b""
                while b"\r\n\r\n" not in answer or (b" 403 " in answer and b"allowedOrigins" not in answer):
                    more = client.recv(4096)
                    if not more:
                        break
                    answer += more
                return int(answer.split(b" ")[1]), answer.decode()
        for origin in (None, "http://127.0.0.1:3000", "http://localhost:5173", "https://[::1]:8", "null", f"http://127.0.0.1:{port}"):
            self.assertEqual(status(self.server, origin)[0], 101, origin)
        self.assertEqual(status(self.server, "https://device.example:8443", "device.example:10081")[0], 101, "the same host, any port")
        for origin in ("https://evil.example", "http://127.0.0.1.evil.example", "http://localhost.evil.example",
                       "https://device.example.evil.example", "http://evil.example#127.0.0.1", "file://"):
            code, answer = status(self.server, origin, "device.example:10081")
            self.assertEqual(code, 403, origin)
            self.assertIn("allowedOrigins", answer)
        wait_for(lambda: "allowedOrigins" in self.server.log_text(), "the log names the setting too")
        self.assertEqual(status(allows, "https://app.example")[0], 101)
        self.assertEqual(status(allows, "https://evil.example")[0], 403)
        self.assertEqual(status(every, "https://evil.example")[0], 101)

    def test_w17_clients_may_have_to_show_a_certificate_and_a_setting_that_would_not_cover_them_is_refused(self):
        with self.assertRaises(AssertionError) as ended:
            Server(HAUMEA__BASIC__AUTHENTICATION="true")
        self.assertIn("authentication", str(ended.exception))
        self.assertIn("reverse proxy", str(ended.exception))
        with tempfile.TemporaryDirectory(prefix="haumea-w17-") as folder:
            cert, key = os.path.join(folder, "c.pem"), os.path.join(folder, "k.pem")
            subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days",
                            "2", "-subj", "/CN=x", "-addext", "subjectAltName=IP:127.0.0.1", "-keyout", key, "-out", cert],
                           check=True, capture_output=True)
            tls = "HAUMEA__SOURCE__HTTPSERVERTLS__"
            server = Server(**{tls + "CERTFILE": cert, tls + "KEYFILE": key, tls + "CLIENTCA": cert, tls + "CLIENTAUTH": "require",
                               "HAUMEA__SOURCE__HTTPSERVERIP": "0.0.0.0"})
            self.addCleanup(server.close)
            self.assertNotIn("WebSocket channels (0.0.0.0", server.log_text())
            server.must("POST", "/connection/websocket", {"endpoint": "/x"})
            anonymous, known = (ssl.create_default_context(cafile=cert) for _ in range(2))
            known.load_cert_chain(cert, key)

            async def flow():
                url = f"wss://127.0.0.1:{server.data_port}/x"
                with self.assertRaises((OSError, websockets.InvalidHandshake)):
                    await connect(url, ssl=anonymous)
                with self.assertRaises((OSError, websockets.InvalidHandshake)):
                    await connect(server.url("/x"))
                async with connect(url, ssl=known):
                    pass
            self.run_async(flow())

    def test_w17_clients_and_messages_are_limited_and_an_open_port_is_warned_of(self):
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
