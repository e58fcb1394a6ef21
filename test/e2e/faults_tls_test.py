"""Certificates that are expired, foreign, for another host, missing, renewed on disk; handshakes of TLS that break:
told in plain words, told apart, in both roles."""
import asyncio
import contextlib
import json
import os
import socket
import ssl
import subprocess
import tempfile

from faults import FaultTest, read_head
from harness import connect, main, receive, wait_for
from weakness import Remote


class Authority:
    """A CA, and what it signs."""

    def __init__(self, folder, name="ca"):
        self.folder, self.name = folder, name
        self.openssl("req", "-x509", *self.new_key(name), "-days", "2", "-subj", f"/CN={name}", "-out", self.path(name + ".pem"))

    def path(self, name):
        return os.path.join(self.folder, name)

    def new_key(self, name):
        return ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", self.path(name + ".key")]

    @staticmethod
    def openssl(*arguments):
        subprocess.run(["openssl", *arguments], check=True, capture_output=True)

    @property
    def ca(self):
        return self.path(self.name + ".pem")

    def sign(self, name, common_name="localhost", alternative="IP:127.0.0.1,DNS:localhost", days=2):
        """-> certificate file and key file; days -1: expired since yesterday"""
        request, cert = self.path(name + ".csr"), self.path(name + ".pem")
        self.openssl("req", *self.new_key(name), "-subj", f"/CN={common_name}", "-addext", f"subjectAltName={alternative}",
                     "-out", request)
        self.openssl("x509", "-req", "-in", request, "-CA", self.ca, "-CAkey", self.path(self.name + ".key"),
                     "-CAcreateserial", "-copy_extensions", "copy", "-days", str(days), "-out", cert)
        return cert, self.path(name + ".key")


def served_by(cert, key, client_ca=None):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(cert, key)
    if client_ca:
        context.verify_mode = ssl.CERT_REQUIRED
        context.load_verify_locations(client_ca)
    return context


class TlsFaultTest(FaultTest):
    @classmethod
    def setUpClass(cls):
        cls.own_folder = tempfile.TemporaryDirectory(prefix="haumea-faults-tls-")
        cls.addClassCleanup(cls.own_folder.cleanup)
        cls.authority = Authority(cls.own_folder.name)

    def replace(self, old, new):
        """Puts the files of `new` in place of `old` as a tool that renews certificates does."""
        for target, source in zip(old, new):
            with open(source, "rb") as file:
                data = file.read()
            with open(target + ".new", "wb") as file:
                file.write(data)
            os.replace(target + ".new", target)


class ClientRole(TlsFaultTest):
    def setUp(self):
        super().setUp()
        self.stream()
        self.rule("keep", "SELECT * FROM demo", [{"nop": {}}])

    def test_a_bad_certificate_is_told_in_plain_words_and_the_rule_runs(self):
        other = Authority(self.own_folder.name, "other")
        cases = {
            "expired": (self.authority.sign("expired", days=-1), "the server's certificate is refused: certificate has expired"),
            "host": (self.authority.sign("host", alternative="DNS:elsewhere.test"), "the server's certificate is not for \"127.0.0.1\""),
            "ca": (other.sign("foreign"), "the server's certificate is refused: it is from a CA that is not known here; set rootCaPath"),
        }

        async def case(name, files, text):
            async with Remote(ssl=served_by(*files)) as remote:
                props = {"addr": remote.addr, "path": "/x", "rootCaPath": self.authority.ca}
                await self.do(self.named, name, remote.addr, rootCaPath=self.authority.ca)
                await self.do(self.push, "r" + name, {"connectionSelector": name})
                await self.until(lambda: self.sink("r" + name, "connection_attempts_total"), "a dial")
                await self.until(lambda: self.sink("r" + name, "last_exception"), "its end")
                told = await self.do(self.agreed, "r" + name, name, f"wss://{remote.addr}/x")
                self.assertTrue(told["error"].startswith("TLS: " + text), told["error"])
                self.assertEqual((told["state"], told["failures"]["tls"]), (0, 1))
                self.assertEqual((await self.do(self.server.status, "r" + name))["status"], "running")
                stats = json.loads(await self.do(self.server.must, "GET", f"/connections/{name}"))["stats"]
                self.assertGreaterEqual(stats["nextTryTime"] - stats["lastTryTime"], 5000, "the slow end")
                said = await self.do(self.message, "POST", "/rules", {
                    "id": "c" + name, "sql": "SELECT * FROM demo", "actions": [{"websocket": {**props, "checkConnection": True}}]})
                self.assertIn(text, said)
                self.assertEqual((await self.do(self.server.rest, "GET", f"/rules/c{name}"))[0], 404)
                said = await self.do(self.message, "POST", "/metadata/sinks/connection/websocket", props)
                self.assertIn("TLS: " + text, said)
                await self.do(self.server.must, "POST", "/metadata/sinks/connection/websocket",
                              {"addr": remote.addr, "path": "/x", "insecureSkipVerify": True})

        async def flow():
            for name, (files, text) in cases.items():
                await case(name, files, text)

        self.run_async(flow())

    def test_a_server_that_wants_our_certificate_says_so_with_the_remedy(self):
        server, mine = self.authority.sign("wants"), self.authority.sign("mine", "device-1")
        strange = Authority(self.own_folder.name, "strange").sign("strangers", "device-1")

        check = "/metadata/sinks/connection/websocket"
        for version in (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3):
            context = served_by(*server, client_ca=self.authority.ca)
            context.minimum_version = context.maximum_version = version
            props = {"addr": self.secured(context).addr, "path": "/x", "rootCaPath": self.authority.ca}
            said = self.message("POST", check, props)
            self.assertIn("TLS: the server refuses: ", said)
            self.assertIn("certificationPath", said)
            said = self.message("POST", check, {**props, "certificationPath": strange[0], "privateKeyPath": strange[1]})
            self.assertIn("TLS: the server refuses: it does not know the CA of our client certificate", said)
            said = self.message("POST", check, {**props, "certificationPath": mine[0], "privateKeyPath": mine[1]})
            self.assertIn("HTTP: the server answered HTTP 404", said)

    def secured(self, context):
        """A server that sends its alerts, and 404 to who passes."""
        def script(peer, _number):
            with contextlib.suppress(ssl.SSLError), context.wrap_socket(peer, server_side=True) as secured:
                read_head(secured)
                secured.sendall(b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n")
        return self.scripted(script)

    def test_an_old_version_of_tls_is_refused(self):
        context = served_by(*self.authority.sign("old"))
        context.maximum_version = ssl.TLSVersion.TLSv1_2
        props = {"addr": self.secured(context).addr, "path": "/x", "rootCaPath": self.authority.ca}
        check = "/metadata/sinks/connection/websocket"
        self.assertIn("HTTP: the server answered HTTP 404", self.message("POST", check, props))
        self.assertIn("TLS: the server refuses: it speaks none of our TLS versions (tlsMinVersion)",
                      self.message("POST", check, {**props, "tlsMinVersion": "tls1.3"}))

    def test_a_tls_handshake_that_breaks_at_any_point_is_tried_again_soon(self):
        context = served_by(*self.authority.sign("cut"))

        async def flow():
            async with Remote(ssl=context) as remote:
                tap = await self.do(self.tap, remote.port)
                tap.cut_after = 0
                await self.do(self.named, "n", tap.addr, rootCaPath=self.authority.ca, reconnectInitialDelay=1, reconnectMaxDelay="1m",
                              reconnectMultiplier=1)
                await self.do(self.push, "r", {"connectionSelector": "n"})
                offset = 0
                while await self.do(self.sink, "r", "connection_status") != 1 and offset < 3000:
                    offset += 53
                    tap.cut_after = offset
                    await asyncio.sleep(0.02)
                tap.cut_after = None
                await self.until(lambda: self.sink("r", "connection_status") == 1, "connected")
                self.assertGreater(await self.do(self.sink, "r", "connection_handshake_failures_tls_total"), 10)
                self.assertEqual((await self.do(self.server.status, "r"))["status"], "running")

        self.run_async(flow())

    def test_a_client_certificate_that_was_renewed_is_used_by_the_next_connection(self):
        files = self.authority.sign("client", "device-1")
        renewed = self.authority.sign("client2", "device-2")
        names = []

        async def flow():
            remote = Remote(ssl=served_by(*self.authority.sign("server"), client_ca=self.authority.ca))

            def seen():
                for peer in remote.server.websockets:
                    subject = dict(entry[0] for entry in peer.transport.get_extra_info("peercert")["subject"])
                    return subject["commonName"]
                return None
            async with remote:
                await self.do(self.push, "r", {"addr": remote.addr, "path": "/x", "rootCaPath": self.authority.ca, "reconnectMaxDelay": 200,
                                               "certificationPath": files[0], "privateKeyPath": files[1]})
                await self.until(seen, "connected")
                names.append(seen())
                await self.until(lambda: self.sink("r", "connection_status") == 1, "the engine has read the answer")
                self.replace(files, renewed)
                await remote.cut()
                await self.until(lambda: self.sink("r", "connection_status") == -1, "away")
                async with remote:
                    await self.until(seen, "connected again")
                    names.append(seen())

        self.run_async(flow())
        self.assertEqual(names, ["device-1", "device-2"])


class ServerRole(TlsFaultTest):
    def setUp(self):
        self.files = self.authority.sign("live")
        tls = "HAUMEA__SOURCE__HTTPSERVERTLS__"
        type(self).settings = {tls + "CERTFILE": self.files[0], tls + "KEYFILE": self.files[1]}
        super().setUp()
        self.stream()
        self.push("r", {"path": "/out"})

    def connect(self, path):
        return connect(f"wss://localhost:{self.server.data_port}{path}", ssl=ssl.create_default_context(cafile=self.authority.ca),
                       host="127.0.0.1", server_hostname="localhost")

    @staticmethod
    def certificate(peer):
        return peer.transport.get_extra_info("ssl_object").getpeercert(True)

    def test_a_certificate_that_was_renewed_is_shown_to_new_clients_and_the_old_ones_stay(self):
        async def flow():
            async with self.connect("/in") as into, self.connect("/out") as old:
                self.replace(self.files, self.authority.sign("live2"))
                async with self.connect("/out") as new:
                    self.assertNotEqual(self.certificate(new), self.certificate(old))
                    await into.send('{"a":1}')
                    for client in (old, new):
                        self.assertEqual(await receive(client, 1), ['{"a":1}'])
                # Half of a renewal: a certificate without its key. The pair of before goes on.
                self.replace(self.files[:1], self.authority.sign("live3")[:1])
                async with self.connect("/out") as third:
                    self.assertEqual(self.certificate(third), self.certificate(new))
                self.assertIn("the old ones stay", await self.do(self.server.log_text))

        self.run_async(flow())

    def test_clients_that_break_the_tls_handshake_are_counted_and_leave_nothing_behind(self):
        def handshakes():
            return {key.split('"')[1]: int(value) for key, value in self.metrics().items()
                    if key.startswith("haumea_data_server_handshakes_total")}
        hello = self.client_hello()
        for offset in range(0, len(hello), 29):
            with socket.create_connection(("127.0.0.1", self.server.data_port)) as raw:
                raw.sendall(hello[:offset])
        with socket.create_connection(("127.0.0.1", self.server.data_port)) as raw:
            raw.sendall(b"GET /out HTTP/1.1\r\nHost: x\r\n\r\n")
            raw.settimeout(20)
            with self.subTest("plain text gets no answer in plain text"):
                try:
                    self.assertFalse(raw.recv(100).startswith(b"HTTP"))
                except ConnectionResetError:
                    pass
        count = len(range(0, len(hello), 29)) + 1
        wait_for(lambda: handshakes()["tls_failed"] + handshakes()["ended_early"] == count, "all are counted")

        async def still_served():
            async with self.connect("/in") as into, self.connect("/out") as out:
                await into.send('{"a":1}')
                self.assertEqual(await receive(out, 1), ['{"a":1}'])
        self.run_async(still_served())

    @staticmethod
    def client_hello():
        incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        try:
            context.wrap_bio(incoming, outgoing).do_handshake()
        except ssl.SSLWantReadError:
            pass
        return outgoing.read()


if __name__ == "__main__":
    main()
