"""The command line: `haumea watch` in both roles, `version`, `--help`, and wrong usage."""
import asyncio
import json
import pathlib
import signal
import subprocess
import tempfile
import unittest

import websockets
from harness import BINARY, Server, ServerTest, connect, free_port, main


def run(*arguments, seconds=60):
    """-> (exit status, standard output, standard error)"""
    done = subprocess.run([BINARY, *arguments], capture_output=True, text=True, timeout=seconds)
    return done.returncode, done.stdout, done.stderr


class CommandLine(unittest.TestCase):
    def test_the_version_is_told_in_both_ways(self):
        status, text, _ = run("version")
        self.assertEqual(status, 0)
        self.assertRegex(text, r"^haumea \d+\.\d+\.\d+\S*\n$")
        self.assertIn(run("--version")[1].strip(), text)

    def test_help_names_every_command_and_option(self):
        status, text, _ = run("--help")
        self.assertEqual(status, 0)
        for part in ("haumea serve", "haumea watch ws://", "version", "README.md"):
            self.assertIn(part, text)
        for command, options in (("serve", ("--etc", "--data", "--log")), ("watch", ("--rate", "--listen", "--seconds", "--count", "--insecure"))):
            status, text, _ = run(command, "--help")
            self.assertEqual(status, 0)
            for option in options:
                self.assertIn(option, text)

    def test_wrong_usage_ends_with_status_2_and_says_what_is_right(self):
        for arguments, part in (
                ((), "haumea serve"), (("nosuch",), "nosuch"), (("watch",), "give either a URL"),
                (("watch", "ws://127.0.0.1:1/x", "--listen", "127.0.0.1:1/x"), "give either a URL"),
                (("watch", "http://127.0.0.1/x"), '"http://127.0.0.1/x" is no WebSocket address; it looks like ws://'),
                (("watch", "127.0.0.1:10081/x"), "is no WebSocket address"),
                (("watch", "ws://127.0.0.1:99999/x"), "99999"), (("watch", "ws:///x"), "watch: "),
                (("watch", "--count", "-1", "ws://127.0.0.1:1/x"), "--count"), (("watch", "--seconds", "x", "ws://a/x"), "--seconds"),
                (("serve", "--nosuch"), "--nosuch")):
            with self.subTest(arguments):
                status, text, error = run(*arguments)
                self.assertIn(status, (1, 2))
                self.assertIn(part, text + error)


class Watch(ServerTest):
    def feed(self):
        self.stream()
        self.rule("r", "SELECT * FROM demo", [{"websocket": {"path": "/out", "sendSingle": True}}])

    def start(self, *arguments):
        process = subprocess.Popen([BINARY, "watch", *arguments], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        self.addCleanup(process.communicate)
        self.addCleanup(process.kill)
        return process

    def send(self, messages, url=None):
        async def send():
            async with connect(url or self.server.url("/in")) as into:
                for message in messages:
                    await into.send(message)
        self.run_async(send())

    def test_it_prints_messages_until_their_count_and_only_them(self):
        self.feed()
        process = self.start("--count", "3", self.server.url("/out"))
        self.assertEqual(process.stderr.readline(), f"connected to {self.server.url('/out')}\n")
        self.send(json.dumps({"n": n}) for n in range(5))
        self.assertEqual(process.communicate(timeout=30)[0], '{"n":0}\n{"n":1}\n{"n":2}\n')
        self.assertEqual(process.returncode, 0)

    def test_it_ends_by_itself_after_its_time_and_politely_on_ctrl_c(self):
        self.feed()
        self.assertEqual(run("watch", "--seconds", "0.3", self.server.url("/out"))[0], 0)
        process = self.start(self.server.url("/out"))
        process.stderr.readline()
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=30)
        self.assertEqual(process.returncode, 0)

    def test_rate_shows_messages_and_bytes_per_second(self):
        self.feed()
        process = self.start("--rate", self.server.url("/out"))
        process.stderr.readline()
        self.send(['{"n":1}'] * 10)
        total = 0
        while total < 10:
            line = process.stdout.readline()
            self.assertRegex(line, r"^\d+ messages/s, \d+\.\d kB/s, \d+ messages in all\n$")
            total = int(line.split()[4])
        self.assertEqual(total, 10)

    def test_as_a_server_it_prints_what_clients_send(self):
        port = free_port()
        process = self.start("--listen", f"127.0.0.1:{port}/remote", "--count", "2")
        self.assertEqual(process.stderr.readline(), f"waiting for clients on ws://127.0.0.1:{port}/remote\n")
        self.send(["one", b"\x00\x01\xff"], f"ws://127.0.0.1:{port}/remote")
        self.assertEqual(process.communicate(timeout=30)[0], "one\n<3 bytes>\n")

    def test_the_reason_of_a_remote_stays_in_its_line(self):
        port = free_port()
        process = self.start("--listen", f"127.0.0.1:{port}/remote")
        process.stderr.readline()

        async def leave():
            async with connect(f"ws://127.0.0.1:{port}/remote") as socket_:
                await socket_.close(reason="bye\n127.0.0.1:1 connected\x1b[2J")
        self.run_async(leave())
        self.assertRegex(process.stderr.readline(), r" connected\n$")
        self.assertRegex(process.stderr.readline(), r" left: bye\?127\.0\.0\.1:1 connected\?\[2J\n$")

    def test_it_plays_the_remote_of_a_rule(self):
        port = free_port()
        process = self.start("--listen", f"127.0.0.1:{port}/remote", "--count", "1")
        process.stderr.readline()
        self.stream()
        self.rule("push", "SELECT a FROM demo", [{"websocket": {"addr": f"127.0.0.1:{port}", "path": "/remote"}}])
        self.send(['{"a":7}'])
        self.assertEqual(process.communicate(timeout=30)[0], '[{"a":7}]\n')

    def test_a_remote_that_is_away_or_refuses_is_named_and_dialled_again(self):
        port = free_port()
        process = self.start(f"ws://127.0.0.1:{port}/x", "--count", "1")
        self.assertRegex(process.stderr.readline(), rf"^ws://127\.0\.0\.1:{port}/x: .*refused.*; trying again\n$")
        self.feed()
        refused = self.start(self.server.url("/nosuch"))
        self.assertRegex(refused.stderr.readline(), r"404.*; trying again\n$")

        async def serve():
            async def one(socket_, path=None):
                await socket_.send("here")
                await socket_.wait_closed()
            async with websockets.serve(one, "127.0.0.1", port):
                return await asyncio.to_thread(process.communicate, None, 30)
        self.assertEqual(self.run_async(serve())[0], "here\n")

    def test_a_port_in_use_is_an_error(self):
        status, _, error = run("watch", "--listen", f"127.0.0.1:{self.server.rest_port}/x")
        self.assertEqual(status, 1)
        self.assertIn("address already in use", error)


class WatchTls(unittest.TestCase):
    def test_a_certificate_that_nobody_vouches_for_is_refused_by_name_unless_told_to_take_it(self):
        with tempfile.TemporaryDirectory(prefix="haumea-e2e-") as folder:
            subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", "key.pem", "-out", "cert.pem",
                            "-days", "2", "-subj", "/CN=localhost"], cwd=folder, check=True, capture_output=True)
            pem = {name: str(pathlib.Path(folder, name)) for name in ("key.pem", "cert.pem")}
            server = Server(HAUMEA__SOURCE__HTTPSERVERTLS__CERTFILE=pem["cert.pem"], HAUMEA__SOURCE__HTTPSERVERTLS__KEYFILE=pem["key.pem"])
            self.addCleanup(server.close)
            server.must("POST", "/connection/websocket", {"endpoint": "/out"})
            for scheme, part in (("wss", "certificate"), ("ws", "trying again")):
                process = subprocess.Popen([BINARY, "watch", f"{scheme}://localhost:{server.data_port}/out"], stderr=subprocess.PIPE,
                                           stdout=subprocess.DEVNULL, text=True)
                line = process.stderr.readline()
                process.kill()
                process.communicate()
                self.assertIn(part, line)
            for switch in ("--insecure", "-k"):
                process = subprocess.Popen([BINARY, "watch", switch, f"wss://localhost:{server.data_port}/out"], stderr=subprocess.PIPE,
                                           stdout=subprocess.DEVNULL, text=True)
                lines = [process.stderr.readline() for _ in range(2)]
                process.kill()
                process.communicate()
                self.assertEqual(lines, ["warning: the server's certificate is not verified (--insecure)\n",
                                         f"connected to wss://localhost:{server.data_port}/out\n"])


if __name__ == "__main__":
    main()
