"""The way to a remote: names that cannot be resolved or change, several addresses, proxies that refuse or talk nonsense."""
import base64
import contextlib
import json
import os
import socket
import subprocess
import threading

from faults import FaultTest, read_head
from harness import connect, free_port, main, wait_for
from weakness import Remote


class Names(FaultTest):
    """The server has name files of its own, by a mount namespace, where the system lets it."""

    def setUp(self):
        self.hosts = self.resolv = None
        super().setUp()
        self.stream()
        self.rule("keep", "SELECT * FROM demo", [{"nop": {}}])

    def restart_with_own_names(self):
        """-> whether it could be done. Nobody answers name queries then; /etc/hosts is self.hosts."""
        self.hosts, self.resolv = (os.path.join(self.server.folder, name) for name in ("hosts", "resolv.conf"))
        with open(self.resolv, "w", encoding="ascii") as file:
            file.write("nameserver 127.0.0.1\noptions timeout:1 attempts:1\n")
        self.write_hosts("127.0.0.1 localhost\n")
        mount = f"mount --bind {self.hosts} /etc/hosts && mount --bind {self.resolv} /etc/resolv.conf"
        wrapper = ["unshare", "--map-root-user", "--mount", "sh", "-c", mount + ' && exec "$@"', "sh"]
        if subprocess.run([*wrapper, "true"], capture_output=True, check=False).returncode != 0:
            print("skipped: names of its own for the server (this system allows no mount namespaces)")
            return False
        self.server.stop()
        self.server.wrapper = wrapper
        self.server.start()
        return True

    def write_hosts(self, text):
        with open(self.hosts, "w", encoding="ascii") as file:  # in place: the mount is of this inode
            file.write(text)

    def test_a_name_that_is_unknown_is_a_failure_of_dns_in_plain_words(self):
        self.named("n", "no-such-host.invalid:80", reconnectMaxDelay="200ms")
        self.push("r", {"connectionSelector": "n"})
        wait_for(lambda: self.sink("r", "connection_attempts_total") >= 3, "dials go on")
        told = self.agreed("r", "n", "ws://no-such-host.invalid:80/x")
        self.assertTrue(told["error"].startswith('DNS: host name "no-such-host.invalid": '), told["error"])
        self.assertEqual(told["state"], 0)
        self.assertGreaterEqual(told["failures"].pop("dns"), 2)
        self.assertEqual(set(told["failures"].values()), {0})
        self.assertEqual(self.server.status("r")["status"], "running")
        props = {"addr": "no-such-host.invalid:80", "path": "/x"}
        self.assertIn('DNS: host name "no-such-host.invalid": ', self.message("POST", "/metadata/sinks/connection/websocket", props))
        self.assertIn('DNS: host name "no-such-host.invalid": ', self.message("POST", "/rules", {
            "id": "c", "sql": "SELECT * FROM demo", "actions": [{"websocket": {**props, "checkConnection": True}}]}))

    def test_name_servers_that_do_not_answer_are_a_failure_of_dns(self):
        if not self.restart_with_own_names():
            return
        self.named("n", "remote.test:80", reconnectMaxDelay="200ms", connectTimeout="5s")
        self.push("r", {"connectionSelector": "n"})
        wait_for(lambda: self.sink("r", "connection_handshake_failures_dns_total"), "a failure of DNS")
        told = self.agreed("r", "n", "ws://remote.test:80/x")
        self.assertRegex(told["error"], 'DNS: host name "remote.test": the name servers cannot be reached')

    def test_a_name_is_resolved_anew_for_every_dial_and_all_its_addresses_are_tried(self):
        if not self.restart_with_own_names():
            return

        async def flow():
            async with Remote() as remote, connect(self.server.url("/in")) as into:
                await self.do(self.push, "r", {"addr": f"remote.test:{remote.port}", "path": "/x", "reconnectMaxDelay": "200ms"})
                await self.until(lambda: self.sink("r", "connection_handshake_failures_dns_total"), "unknown at first")
                await into.send('{"a":1}')
                # Nobody listens at the first address.
                self.write_hosts("127.0.0.1 localhost\n127.0.0.2 remote.test\n127.0.0.1 remote.test\n")
                await self.until(lambda: remote.got == ['{"a":1}'], "what waited")
                # It moves away.
                self.write_hosts("127.0.0.1 localhost\n127.0.0.2 remote.test\n")
                await remote.cut()
                await self.until(lambda: "connect to 127.0.0.2:" in self.sink("r", "last_exception"), "the new address is dialled")

        self.run_async(flow())


class Proxy:
    """An HTTP proxy: a tunnel for who has the password, or what `script(socket, head)` does instead."""

    def __init__(self, script=None):
        self.script, self.heads = script, []
        self.listening = socket.create_server(("127.0.0.1", 0))
        self.port = self.listening.getsockname()[1]
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        with contextlib.suppress(OSError):
            while True:
                threading.Thread(target=self.run, args=(self.listening.accept()[0],), daemon=True).start()

    def run(self, near):
        with contextlib.suppress(OSError), near:
            head = read_head(near)
            self.heads.append(head)
            if self.script:
                self.script(near, head)
                return
            if b"Proxy-Authorization: Basic " + base64.b64encode(b"me:p@ss") not in head:
                near.sendall(b"HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\n\r\n")
                return
            host, port = head.split(b" ")[1].decode().rsplit(":", 1)
            with socket.create_connection((host, int(port))) as far:
                near.sendall(b"HTTP/1.1 200 Connection established\r\n\r\n")
                back = threading.Thread(target=self.pump, args=(far, near), daemon=True)
                back.start()
                self.pump(near, far)
                back.join()

    @staticmethod
    def pump(source, sink):
        with contextlib.suppress(OSError):
            while data := source.recv(65536):
                sink.sendall(data)
            sink.shutdown(socket.SHUT_WR)

    def close(self):
        self.listening.close()


class Proxies(FaultTest):
    def setUp(self):
        super().setUp()
        self.stream()
        self.rule("keep", "SELECT * FROM demo", [{"nop": {}}])

    def proxy(self, script=None):
        proxy = Proxy(script)
        self.addCleanup(proxy.close)
        return proxy

    def test_messages_go_through_the_tunnel_of_a_proxy_both_ways(self):
        proxy = self.proxy()

        async def flow():
            async with Remote() as remote, connect(self.server.url("/in")) as into:
                await self.do(self.push, "r", {"addr": remote.addr, "path": "/x", "proxy": f"http://me:p%40ss@127.0.0.1:{proxy.port}"})
                await into.send('{"a":1}')
                await self.until(lambda: remote.got == ['{"a":1}'], "the message")
                self.assertTrue(proxy.heads[0].startswith(f"CONNECT {remote.addr} HTTP/1.1\r\n".encode()), proxy.heads)
                self.assertNotIn("p%40ss", await self.do(self.server.must, "GET", "/rules/r"))

        self.run_async(flow())
        self.assertNotIn("p@ss", self.server.log_text())

    def test_what_a_proxy_refuses_is_told_as_its_doing(self):
        def answer(text):
            return lambda near, _head: near.sendall(text)
        cases = {  # script of the proxy: what is said, and whether it is asked again soon
            "password": (None, "answered HTTP 407 Proxy Authentication Required to CONNECT", False),
            "forbidden": (answer(b"HTTP/1.1 403 Forbidden\r\n\r\n"), "answered HTTP 403 Forbidden to CONNECT", False),
            "gateway": (answer(b"HTTP/1.1 502 Bad Gateway\r\n\r\n"), "answered HTTP 502 Bad Gateway to CONNECT", True),
            "garbage": (answer(b"\x05\x00\x00hello\r\n\r\n"), "gave an answer that cannot be read", False),
            "hangs-up": (answer(b""), "closed the connection without answering CONNECT", True),
            "talks-on": (answer(b"HTTP/1.1 200 OK\r\n\r\nsurprise"), "sent bytes behind its answer", False),
            "silent": (lambda near, _head: near.recv(1), "has not answered CONNECT within 300 ms (connectTimeout)", True),
        }
        for name, (script, _, _) in cases.items():
            self.named(name, "remote.invalid:80", proxy=f"http://127.0.0.1:{self.proxy(script).port}", reconnectMaxDelay="1h",
                       connectTimeout="300ms" if name == "silent" else "10s")
            self.push("r" + name, {"connectionSelector": name})
        port = free_port()
        self.named("refused", "remote.invalid:80", proxy=f"http://127.0.0.1:{port}", reconnectMaxDelay="1h")
        self.push("rrefused", {"connectionSelector": "refused"})
        cases["refused"] = (None, f"127.0.0.1:{port} cannot be reached: connect to 127.0.0.1:{port}: connection refused", True)
        for name, (_, text, soon) in cases.items():
            wait_for(lambda: self.sink("r" + name, "connection_handshake_failures_proxy_total"), name)
            stats = json.loads(self.server.must("GET", f"/connections/{name}"))["stats"]
            self.assertTrue(stats["lastError"].startswith("proxy: "), stats)
            self.assertIn(text, stats["lastError"])
            if soon:
                wait_for(lambda: self.sink("r" + name, "connection_attempts_total") >= 2, name + " is asked again soon")
            else:
                told = self.agreed("r" + name, name, "ws://remote.invalid:80/x")
                self.assertEqual((told["state"], told["failures"]["proxy"]), (0, 1))
                self.assertGreaterEqual(stats["nextTryTime"] - stats["lastTryTime"], 30 * 60_000)
            self.assertEqual(self.server.status("r" + name)["status"], "running")


if __name__ == "__main__":
    main()
