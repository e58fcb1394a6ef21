"""Programs that we did not write, in both roles: `ws` of Node, Boost.Beast, Python's websockets, nginx in front, Chromium.
Plain, TLS and certificates on both sides, with and without compression."""
import asyncio
import base64
import json
import os
import pathlib
import re
import shutil
import ssl
import subprocess
import sys
import tempfile
import threading
import unittest
import urllib.request

import websockets
from harness import Server, ServerTest, free_port, main, receive, wait_for

HERE = pathlib.Path(__file__).resolve().parent
NODE_ENV = {**os.environ, "NODE_PATH": "/usr/share/nodejs"}
BEAST = sys.argv.pop(1) if len(sys.argv) > 1 and "beast_peer" in sys.argv[1] else None


def why_no_node():
    if not shutil.which("node"):
        return "there is no node; apt-get install node-ws"
    found = subprocess.run(["node", "-e", 'require("ws")'], env=NODE_ENV, capture_output=True, check=False)
    return "" if found.returncode == 0 else "node has no package ws; apt-get install node-ws"


def why_no_browser():
    return "" if os.path.exists("/usr/bin/chromium") else "there is no /usr/bin/chromium; apt-get install chromium"


def why_no_nginx():
    return "" if shutil.which("nginx") or os.path.exists("/usr/sbin/nginx") else "there is no nginx; apt-get install nginx-light"


def needs(reason):
    """Skips, and says so in the output of the test run."""
    if reason:
        print(f"skipped: {reason}", flush=True)
    return unittest.skipIf(reason, reason)


class Peer:
    """A program that prints what happens to it, line by line."""

    def __init__(self, test, *command):
        self.lines = []
        self.process = subprocess.Popen(command, env=NODE_ENV, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                        stderr=subprocess.STDOUT, text=True)
        self.reader = threading.Thread(target=lambda: self.lines.extend(line.rstrip("\n") for line in self.process.stdout))
        self.reader.start()
        test.addCleanup(self.end)

    def end(self):
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        self.reader.join()
        self.process.stdout.close()

    def until(self, text):
        """-> the first line that begins with `text`"""
        return wait_for(lambda: next((line for line in list(self.lines) if line.startswith(text)), None),
                        f"{text!r} among {self.lines}")


class PeerTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.TemporaryDirectory(prefix="haumea-peers-")
        cls.addClassCleanup(cls.folder.cleanup)
        cls.cert, cls.key = (os.path.join(cls.folder.name, name) for name in ("c.pem", "k.pem"))
        subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2",
                        "-subj", "/CN=localhost", "-addext", "subjectAltName=IP:127.0.0.1,DNS:localhost", "-keyout", cls.key,
                        "-out", cls.cert], check=True, capture_output=True)

    def serve(self, security):
        """Our server; every message that comes in on /in leaves on /text, and compressed on /binary."""
        tls = "HAUMEA__SOURCE__HTTPSERVERTLS__"
        settings = {} if security == "plain" else {tls + "CERTFILE": self.cert, tls + "KEYFILE": self.key}
        if security == "mutual":
            settings |= {tls + "CLIENTCA": self.cert, tls + "CLIENTAUTH": "require"}
        server = Server(**settings)
        self.addCleanup(server.close)
        server.must("POST", "/streams", {"sql": 'CREATE STREAM demo () WITH (DATASOURCE="/io", TYPE="websocket", FORMAT="json")'})
        return server

    def rule(self, server, props):
        server.must("POST", "/rules", {"id": "r", "sql": "SELECT * FROM demo", "actions": [{"websocket": {"sendSingle": True, **props}}]})

    def our_tls(self, security):
        """The properties of our client role."""
        return {"plain": {}, "tls": {"rootCaPath": self.cert},
                "mutual": {"rootCaPath": self.cert, "certificationPath": self.cert, "privateKeyPath": self.key}}[security]

    def each_way(self, check):
        for security in ("plain", "tls", "mutual"):
            for deflate in (False, True):
                with self.subTest(security=security, deflate=deflate):
                    check(security, deflate)

    # A peer is a pair of functions: the command of a client and of a server.
    def check_as_client(self, command):
        """The peer dials our server: it sends on the path that the rule publishes on, and gets it back."""
        def check(security, deflate):
            server = self.serve(security)
            self.rule(server, {"path": "/io", "permessageDeflate": {"enabled": deflate, "threshold": 0}})
            peer = Peer(self, *command(server.data_port, security, deflate, '{"a":"ä€"}'))
            self.assertEqual("permessage-deflate" in peer.until("open"), deflate)
            self.assertEqual(peer.until("text"), 'text {"a":"ä€"}')
            peer.until("closed 1000")
            server.close()

        self.each_way(check)

    def check_as_server(self, command):
        """We dial the peer: it gets what the rule pushes, also as binary, and a close frame at the end."""
        def check(security, deflate):
            server = self.serve("plain")
            peer = Peer(self, *command(security, deflate))
            port = int(peer.until("port").split()[1])
            self.rule(server, {"addr": f"127.0.0.1:{port}", "path": "/x?y=1", **self.our_tls(security),
                               "permessageDeflate": {"enabled": deflate, "threshold": 0}})
            self.assertEqual("permessage-deflate" in peer.until("open"), deflate)

            async def send():
                async with websockets.connect(server.url("/io")) as into:
                    await into.send('{"a":"ä€"}')

            asyncio.run(asyncio.wait_for(send(), 20))
            self.assertEqual(peer.until("text"), 'text {"a":"ä€"}')
            server.must("POST", "/rules/r/stop")
            peer.until("closed 1000")
            server.close()

        self.each_way(check)


class Node(PeerTest):
    SCRIPT = str(HERE.parent / "interop" / "node_peer.js")

    def options(self, security, deflate, server, send=None):
        options = {"deflate": deflate, "send": send}
        if security != "plain":
            options["ca"] = self.cert if security == "mutual" or not server else None
        if (security != "plain" and server) or security == "mutual":
            options |= {"cert": self.cert, "key": self.key}
        return json.dumps(options)

    @needs(why_no_node())
    def test_ws_of_node_is_our_client(self):
        self.check_as_client(lambda port, security, deflate, send: (
            "node", self.SCRIPT, "client", f"{'ws' if security == 'plain' else 'wss'}://127.0.0.1:{port}/io", "1",
            self.options(security, deflate, False, send)))

    @needs(why_no_node())
    def test_ws_of_node_is_our_remote(self):
        self.check_as_server(lambda security, deflate: ("node", self.SCRIPT, "server", self.options(security, deflate, True)))


class Beast(PeerTest):
    def options(self, security, deflate, server):
        words = ["deflate"] if deflate else []
        if security != "plain":
            words += [f"ca={self.cert}"] if security == "mutual" or not server else []
            words += [f"cert={self.cert}", f"key={self.key}"] if security == "mutual" or server else []
        return words

    @needs("" if BEAST else "the Boost.Beast peer was not given as second argument")
    def test_boost_beast_is_our_client(self):
        self.check_as_client(lambda port, security, deflate, send: (
            BEAST, "client", "127.0.0.1", str(port), "/io", "1", f"send={send}", *self.options(security, deflate, False)))

    @needs("" if BEAST else "the Boost.Beast peer was not given as second argument")
    def test_boost_beast_is_our_remote(self):
        self.check_as_server(lambda security, deflate: (BEAST, "server", *self.options(security, deflate, True)))


class Python(PeerTest):
    def test_websockets_of_python_is_our_client_and_our_remote(self):
        def check(security, deflate):
            server = self.serve(security)
            self.rule(server, {"path": "/io", "permessageDeflate": deflate})
            trusting = None
            if security != "plain":
                trusting = ssl.create_default_context(cafile=self.cert)
                if security == "mutual":
                    trusting.load_cert_chain(self.cert, self.key)

            async def as_client():
                url = server.url("/io").replace("ws:", "ws:" if security == "plain" else "wss:")
                async with websockets.connect(url, ssl=trusting, compression="deflate" if deflate else None) as client:
                    await client.send(json.dumps({"a": "x" * 1000}))
                    self.assertEqual(json.loads((await receive(client, 1))[0]), {"a": "x" * 1000})
                    self.assertEqual(bool(client.extensions), deflate)

            asyncio.run(asyncio.wait_for(as_client(), 20))
            server.close()

            pusher, got = self.serve("plain"), []
            context = None
            if security != "plain":
                context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
                context.load_cert_chain(self.cert, self.key)
                if security == "mutual":
                    context.load_verify_locations(self.cert)
                    context.verify_mode = ssl.CERT_REQUIRED

            async def as_remote():
                async def keep(peer, path=None):
                    async for message in peer:
                        got.append((message, bool(peer.extensions)))

                async with websockets.serve(keep, "127.0.0.1", 0, ssl=context, compression="deflate" if deflate else None) as listening:
                    addr = f"127.0.0.1:{listening.sockets[0].getsockname()[1]}"
                    await asyncio.to_thread(self.rule, pusher, {"addr": addr, "path": "/x", "permessageDeflate": deflate,
                                                                **self.our_tls(security)})
                    async with websockets.connect(pusher.url("/io")) as into:
                        await into.send('{"a":1}')
                        await asyncio.to_thread(wait_for, lambda: got, "the message")
                    await asyncio.to_thread(pusher.must, "POST", "/rules/r/stop")
                self.assertEqual(got, [('{"a":1}', deflate)])

            asyncio.run(asyncio.wait_for(as_remote(), 20))
            pusher.close()

        self.each_way(check)


class Nginx(PeerTest):
    @needs(why_no_nginx())
    def test_nginx_ends_tls_in_front_of_us(self):
        server = self.serve("plain")
        self.rule(server, {"path": "/io"})
        port, folder = free_port(), tempfile.mkdtemp(dir=self.folder.name)
        pathlib.Path(folder, "nginx.conf").write_text(f"""
daemon off; master_process off; pid {folder}/pid; error_log {folder}/error.log;
events {{}}
http {{
  access_log off;
  client_body_temp_path {folder}/b; proxy_temp_path {folder}/p; fastcgi_temp_path {folder}/f; uwsgi_temp_path {folder}/u; scgi_temp_path {folder}/s;
  server {{
    listen 127.0.0.1:{port} ssl; ssl_certificate {self.cert}; ssl_certificate_key {self.key};
    location / {{ proxy_pass http://127.0.0.1:{server.data_port}; proxy_http_version 1.1; proxy_set_header Host $host;
                  proxy_set_header Upgrade $http_upgrade; proxy_set_header Connection upgrade; }}
  }}
}}
""")
        nginx = shutil.which("nginx") or "/usr/sbin/nginx"
        Peer(self, nginx, "-p", folder, "-e", f"{folder}/error.log", "-c", f"{folder}/nginx.conf")
        wait_for(lambda: pathlib.Path(folder, "pid").exists(), "nginx runs")

        async def flow():
            trusting = ssl.create_default_context(cafile=self.cert)
            async with websockets.connect(f"wss://127.0.0.1:{port}/io", ssl=trusting) as client:
                await client.send('{"a":1}')
                self.assertEqual(await receive(client, 1), ['{"a":1}'])

        asyncio.run(asyncio.wait_for(flow(), 20))
        # Our client role goes through it as well, both ends being ours.
        dialler = self.serve("plain")
        self.rule(dialler, {"addr": f"127.0.0.1:{port}", "path": "/io", "rootCaPath": self.cert})
        wait_for(lambda: dialler.status("r")["sink_websocket_0_0_connection_status"] == 1, "connected through nginx")


class Chromium(ServerTest):
    @needs(why_no_browser())
    def test_a_browser_shows_what_the_channel_sends(self):
        self.server.must("POST", "/streams", {"sql": 'CREATE STREAM demo () WITH (DATASOURCE="/in", TYPE="websocket", FORMAT="json")'})
        self.rule("r", "SELECT date, celsius FROM demo", [{"websocket": {"path": "/temperature", "sendSingle": True}}])
        page = (HERE.parent.parent / "examples" / "live.html").as_uri() + f"?url={self.server.url('/temperature')}"
        ended = threading.Event()

        def feed():
            async def send():
                async with websockets.connect(self.server.url("/in")) as into:
                    hour = 0
                    while not ended.is_set():
                        await into.send(json.dumps({"date": f"2012-01-{hour // 24 % 28 + 1:02}T{hour % 24:02}:00:00", "celsius": 10 + hour % 7}))
                        hour += 1
                        await asyncio.sleep(0.02)
            asyncio.run(send())

        feeder = threading.Thread(target=feed)
        feeder.start()
        self.addCleanup(feeder.join)
        self.addCleanup(ended.set)
        folder = tempfile.TemporaryDirectory(prefix="haumea-chromium-", ignore_cleanup_errors=True)
        self.addCleanup(folder.cleanup)
        browser = subprocess.Popen(
            ["/usr/bin/chromium", "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
             "--disable-background-networking", "--disable-component-update", "--disable-sync", "--window-size=800,620",
             f"--user-data-dir={folder.name}", "--remote-debugging-port=0", page],
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        self.addCleanup(browser.wait)
        self.addCleanup(browser.terminate)
        active = pathlib.Path(folder.name, "DevToolsActivePort")
        wait_for(lambda: active.exists() and "\n" in active.read_text(), "the browser runs", 60)
        listing = f"http://127.0.0.1:{active.read_text().split()[0]}/json/list"

        def debugger():
            with urllib.request.urlopen(listing, timeout=10) as answer:
                return next((t["webSocketDebuggerUrl"] for t in json.load(answer) if t["type"] == "page"), None)

        async def look():
            async with websockets.connect(wait_for(debugger, "the page is open"), max_size=None) as tools:
                async def call(method, **parameters):
                    await tools.send(json.dumps({"id": 1, "method": method, "params": parameters}))
                    while True:
                        answer = json.loads(await asyncio.wait_for(tools.recv(), 20))
                        if answer.get("id") == 1:
                            return answer["result"]
                for _ in range(200):
                    text = (await call("Runtime.evaluate", expression="document.body.innerText"))["result"].get("value", "")
                    found = re.search(r"(\d+) messages", text)
                    if found and int(found[1]) > 100:
                        break
                    await asyncio.sleep(0.1)
                self.assertIn("connected to " + self.server.url("/temperature"), text)
                self.assertRegex(text, r"1\d\.0 °C")
                if picture := os.environ.get("HAUMEA_SCREENSHOT"):
                    pathlib.Path(picture).write_bytes(base64.b64decode((await call("Page.captureScreenshot"))["data"]))
                self.assertGreater(int(found[1]) if found else 0, 100)

        self.run_async(look())


if __name__ == "__main__":
    main()
