"""The data server as a stranger meets it: limits, refusals, clients that stay, and numbers that agree."""
import contextlib
import ctypes
import json
import os
import re
import socket
import struct
import time
import urllib.parse
import urllib.request

from harness import Server, ServerTest, free_port, main, wait_for
from raw_peer import CLOSE, PING, TEXT, Raw, RawRemote, frame, request

PIDFD_GETFD = 438


def sockets_of(pid: int) -> list:
    """Copies of the TCP sockets of a process that is a child of this one; None where that is not allowed."""
    libc, found = ctypes.CDLL(None, use_errno=True), []
    process = os.pidfd_open(pid)
    try:
        for name in os.listdir(f"/proc/{pid}/fd"):
            with contextlib.suppress(OSError):
                if not os.readlink(f"/proc/{pid}/fd/{name}").startswith("socket:"):
                    continue
                copy = libc.syscall(PIDFD_GETFD, process, int(name), 0)
                if copy < 0:
                    return None
                one = socket.socket(fileno=copy)
                if one.family in (socket.AF_INET, socket.AF_INET6):
                    found.append(one)
                else:
                    one.close()
    finally:
        os.close(process)
    return found


class DataServer(ServerTest):
    def open(self, path="/out", server=None, **headers):
        """-> (connection, first line of the answer)"""
        raw = Raw((server or self.server).data_port)
        self.addCleanup(raw.socket.close)
        raw.send(request(path, **headers))
        return raw, raw.head().split("\r\n")[0]

    def answer(self, data, server=None):
        """All that comes back until the server closes."""
        with Raw((server or self.server).data_port) as raw:
            raw.send(data)
            return raw.all()

    def serve(self, path="/out", **properties):
        self.stream()
        self.rule("r", "SELECT * FROM demo", [{"websocket": {"path": path, "sendSingle": True, **properties}}])
        return self.open("/in")[0]

    def limited(self, **settings):
        server = Server(HAUMEA__BASIC__PROMETHEUS="true", HAUMEA__BASIC__PROMETHEUSPORT=str(free_port()), **settings)
        self.addCleanup(server.close)
        server.must("POST", "/connection/websocket", {"endpoint": "/out"})
        return server

    @staticmethod
    def metric(server, name):
        url = f"http://127.0.0.1:{server.settings['HAUMEA__BASIC__PROMETHEUSPORT']}/metrics"
        with urllib.request.urlopen(url, timeout=20) as answer:
            lines = [line for line in answer.read().decode().splitlines() if line.startswith(name + " ")]
        return int(lines[0].split()[1])

    def stats(self, path="/out", server=None):
        every = json.loads((server or self.server).must("GET", "/connections?forceAll=true"))
        return next(one["stats"] for one in every if one["id"] == "$$ws/" + path)

    # ---- sockets ----

    def test_small_messages_leave_at_once_and_the_kernel_holds_little_for_a_client(self):
        remote = RawRemote(lambda raw, head: remote.good(raw, head))
        self.addCleanup(remote.close)
        self.stream()
        self.rule("r", "SELECT * FROM demo", [{"websocket": {"path": "/out"}},
                                              {"websocket": {"addr": f"127.0.0.1:{remote.port}", "path": "/x"}}])
        self.open("/out")
        wait_for(lambda: self.server.status("r")["sink_websocket_1_0_connection_status"] == 1, "the remote is connected")
        copies = sockets_of(self.server.process.pid)
        if copies is None:
            print("skipped: the kernel does not let a parent look at the sockets of its child")
            return
        checked = set()
        for one in copies:
            with one:
                try:
                    ours, theirs = one.getsockname()[1], one.getpeername()[1]
                except OSError:
                    continue  # it listens, or its peer has gone
                if ours == self.server.data_port:
                    checked.add("server")
                    # The kernel doubles what was asked for.
                    self.assertLessEqual(one.getsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF), 1 << 20)
                elif theirs == remote.port:
                    checked.add("client")
                else:
                    continue
                self.assertEqual(one.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY), 1)
        self.assertEqual(checked, {"server", "client"})

    # ---- limits ----

    def test_clients_in_total_are_limited_and_the_refusal_is_counted_everywhere(self):
        server = self.limited(HAUMEA__SOURCE__MAXCLIENTS="3")
        server.must("POST", "/connection/websocket", {"endpoint": "/other"})
        clients = [self.open(path, server) for path in ("/out", "/other", "/out")]
        self.assertEqual([line for _, line in clients], ["HTTP/1.1 101 Switching Protocols"] * 3)
        answer = self.answer(request("/out"), server).decode()
        self.assertTrue(answer.startswith("HTTP/1.1 503 Service Unavailable\r\n"), answer)
        self.assertIn("too many clients: maxClients of the data server is 3", answer)
        self.assertEqual(self.stats("/out", server)["handshakes"]["over_limit"], 1)
        whole = json.loads(server.must("GET", "/connection/websocket/server"))
        self.assertEqual((whole["clients"], whole["stats"]["handshakes"]["over_limit"]), (3, 1))
        self.assertEqual(self.metric(server, 'haumea_data_server_handshakes_total{outcome="over_limit"}'), 1)
        self.assertEqual(self.metric(server, 'haumea_endpoint_handshakes_total{endpoint="/out",outcome="over_limit"}'), 1)
        clients[0][0].send(frame(CLOSE, struct.pack("!H", 1000)))
        clients[0][0].all()
        clients[0][0].socket.close()
        wait_for(lambda: self.open("/out", server)[1].startswith("HTTP/1.1 101"), "a client that leaves makes room")

    def test_refused_handshakes_lock_nobody_of_their_address_out(self):
        server = self.limited(HAUMEA__SOURCE__MAXCLIENTSPERADDRESS="2")
        held = [self.open("/nosuch", server) for _ in range(100)]  # each keeps its side open
        self.assertEqual({line for _, line in held}, {"HTTP/1.1 404 Not Found"})
        silent = [Raw(server.data_port) for _ in range(100)]
        for raw in silent:
            self.addCleanup(raw.socket.close)
        good = [self.open("/out", server) for _ in range(3)]
        self.assertEqual([line.split()[1] for _, line in good], ["101", "101", "503"])

    def test_the_line_that_names_allowed_origins_is_not_lost_in_a_flood(self):
        self.server.must("POST", "/connection/websocket", {"endpoint": "/out"})
        for _ in range(50):
            self.open("/nosuch")
        self.assertEqual(self.open("/out", Origin="https://evil.test")[1], "HTTP/1.1 403 Forbidden")
        wait_for(lambda: re.search(r"refused with 403: .*https://evil\.test.*allowedOrigins", self.server.log_text()), "the line")

    # ---- refusals ----

    def test_a_path_that_is_not_served_is_404_also_for_plain_http(self):
        into = self.serve()
        out, _ = self.open("/out")
        self.server.must("POST", "/connection/websocket", {"endpoint": "/other"})  # the port stays open
        self.server.must("POST", "/rules/r/stop")
        self.assertEqual((out.close_code()[0], into.close_code()[0]), (1000, 1000))
        for head in (request("/out"), b"GET /out HTTP/1.1\r\nHost: h\r\n\r\n", b"POST /out HTTP/1.1\r\nHost: h\r\nContent-Length: 0\r\n\r\n"):
            self.assertTrue(self.answer(head).startswith(b"HTTP/1.1 404 Not Found\r\n"), head)
        for head, status in ((b"GET /other HTTP/1.1\r\nHost: h\r\n\r\n", b"400"), (b"HEAD /other HTTP/1.1\r\nHost: h\r\n\r\n", b"405"),
                             (request("/other", Sec_WebSocket_Version="8"), b"426")):
            answer = self.answer(head)
            self.assertEqual(answer.split()[1], status)
            self.assertEqual(answer.endswith(b"\r\n\r\n"), head.startswith(b"HEAD"))
        self.assertEqual({cause: n for cause, n in self.stats("/other")["handshakes"].items() if n},
                         {"malformed": 1, "wrong_method": 1, "wrong_version": 1})

    def test_half_a_handshake_does_not_hold_up_the_end(self):
        self.server.must("POST", "/connection/websocket", {"endpoint": "/out"})
        half = Raw(self.server.data_port)
        self.addCleanup(half.socket.close)
        half.send(request("/out")[:-2])
        began = time.monotonic()
        self.assertEqual(self.server.stop(), 0)
        answer = half.all()
        self.assertTrue(answer == b"" or answer.startswith(b"HTTP/1.1 503"), answer)
        self.assertLess(time.monotonic() - began, 4.5, "handshakeTimeout (5 s) was waited for")

    # ---- clients that stay ----

    def test_clients_of_a_rule_that_is_replaced_or_restarted_stay_connected(self):
        into = self.serve()
        out, _ = self.open("/out")

        def change(sql, **properties):
            self.server.must("PUT", "/rules/r", {"id": "r", "sql": sql, "actions": [
                {"websocket": {"path": "/out", "sendSingle": True, **properties}}]})
        change("SELECT a AS b FROM demo")
        into.send(frame(TEXT, b'{"a":1}'))
        self.assertEqual(out.frame(), (TEXT, b'{"b":1}'))
        self.server.must("POST", "/rules/r/restart")
        into.send(frame(TEXT, b'{"a":2}'))
        self.assertEqual(out.frame(), (TEXT, b'{"b":2}'))
        change("SELECT a AS c FROM demo", checkConnection=True)  # the clients of the old rule count
        into.send(frame(TEXT, b'{"a":3}'))
        self.assertEqual(out.frame(), (TEXT, b'{"c":3}'))
        change("SELECT a AS d FROM demo", slowConsumer="conflate", maxClients=1)
        into.send(frame(TEXT, b'{"a":4}'))
        self.assertEqual(out.frame(), (TEXT, b'{"d":4}'))
        self.assertEqual(self.open("/out")[1], "HTTP/1.1 503 Service Unavailable")

    def test_what_a_rule_asks_of_a_path_holds_although_others_were_there_first(self):
        self.server.must("POST", "/connection/websocket", {"endpoint": "/out"})
        self.server.must("PUT", "/metadata/sources/websocket/confKeys/k", {"metadataHeaders": ["X-Device"], "maxMessageBytes": 50})
        self.stream(path="/out", options=', CONF_KEY="k"')
        self.open("/out")
        self.rule("r", "SELECT a, meta(headers) AS h FROM demo", [
            {"websocket": {"path": "/out", "sendSingle": True, "checkConnection": True, "permessageDeflate": True, "maxClients": 3}}])
        client, _ = self.open("/out", X_Device="d7", Sec_WebSocket_Extensions="permessage-deflate")
        client.send(frame(TEXT, b'{"a":1}'))
        self.assertEqual(client.frame(), (TEXT, b'{"a":1,"h":{"X-Device":"d7"}}'))
        client.send(frame(TEXT, b'{"a":"%s"}' % (b"x" * 50)))
        self.assertEqual(client.close_code()[0], 1009)
        lines = [self.open("/out")[1].split()[1] for _ in range(3)]
        self.assertEqual(lines, ["101", "101", "503"])
        self.assertNotIn("other settings", self.server.log_text())
        self.rule("other", "SELECT * FROM demo", [{"websocket": {"path": "/out", "maxClients": 4}}])
        self.assertRegex(self.server.log_text(), r"rule other: sink websocket: .* exists with other settings.*\(maxClients\); it is used by")

    def test_nothing_is_lost_that_a_client_sends_while_its_rule_is_replaced(self):
        into = self.serve()
        out, _ = self.open("/out")
        for round_ in range(5):
            into.send(b"".join(frame(TEXT, b'{"a":%d}' % (100 * round_ + n)) for n in range(100)))
            self.server.must("PUT", "/rules/r", {"id": "r", "sql": "SELECT * FROM demo", "actions": [
                {"websocket": {"path": "/out", "sendSingle": True}}]})
        got = [json.loads(out.frame()[1])["a"] for _ in range(500)]
        self.assertEqual(got, list(range(500)))
        self.assertEqual(self.stats("/in")["messagesIgnored"], 0)

    def test_a_conf_key_that_does_not_exist_is_warned_of(self):
        status, text = self.server.rest("PUT", "/metadata/sources/websocket/confKeys/source", {"addr": "x:1"})
        self.assertEqual(status, 400, text)
        self.assertIn('\\"source\\" are the settings of the data server', text)
        self.stream(options=', CONF_KEY="source"')
        self.rule("r", "SELECT * FROM demo", [{"nop": {}}])
        self.assertIn('stream demo: CONF_KEY "source" is no group of etc/sources/websocket.yaml', self.server.status("r")["warnings"][0])

    # ---- truth ----

    def stuck(self, path):
        slow = socket.socket()
        slow.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        slow.connect(("127.0.0.1", self.server.data_port))
        slow.sendall(request(path))
        self.addCleanup(slow.close)
        raw = Raw(conn=slow)
        raw.head()
        return raw

    def test_what_slow_clients_of_a_templated_path_miss_is_counted_when_numbers_are_read(self):
        into = self.serve("/room/{{.room}}", slowConsumer="drop_newest", backlogMessages=5)
        into.send(frame(TEXT, b'{"room":1}'))  # from here on the path is served; this message found no client
        wait_for(lambda: self.server.status("r").get("sink_websocket_0_0_connection_dropped_no_client_total") == 1, "the path is served")
        self.stuck("/room/1")
        into.send(b"".join(frame(TEXT, json.dumps({"room": 1, "pad": "x" * 60000}).encode()) for _ in range(200)))
        wait_for(lambda: self.server.status("r")["source_demo_0_records_in_total"] == 201, "all are in")

        def agree():
            status = self.server.status("r")
            missed = self.stats("/room/1")["dropped"]["newest"]
            again = json.loads(self.server.must("GET", "/connection/websocket/clients?endpoint=/room/1"))[0]["dropped"]
            return (missed > 50 and missed == again == status["sink_websocket_0_0_dropped_slow_client_total"]
                    == status["sink_websocket_0_0_connection_dropped_newest_total"])
        wait_for(agree, "status, connection and client say the same")
        self.assertEqual(self.server.status("r")["sink_websocket_0_0_connection_clients"], 1)

    def test_templates_in_headers_that_are_never_sent_are_not_computed(self):
        into = self.serve(requestHeader={"X-Row": "{{index .nothing 5}}"})
        out, _ = self.open("/out")
        into.send(frame(TEXT, b'{"a":1}'))
        self.assertEqual(out.frame(), (TEXT, b'{"a":1}'))
        self.assertEqual(self.server.status("r")["op_websocket_0_0_transform_0_exceptions_total"], 0)

    def test_a_client_that_is_closed_for_being_slow_is_one_line_of_the_log(self):
        into = self.serve(slowConsumer="disconnect", backlogMessages=5)
        slow = self.stuck("/out")
        into.send(b"".join(frame(TEXT, json.dumps({"pad": "x" * 60000}).encode()) for _ in range(200)))
        wait_for(lambda: self.stats()["clientsClosed"]["too_slow"] == 1, "it is closed")
        self.assertEqual(slow.close_code(), (1013, "the client is too slow: its backlog is full"))
        lines = [line for line in self.server.log_text().splitlines() if "slow client" in line]
        self.assertEqual(len(lines), 1, lines)
        self.assertIn("/out", lines[0])
        self.assertIn("closed with 1013", lines[0])
        self.assertEqual(self.stats()["backlogMessagesMax"], 5)
        self.assertEqual(self.stats()["logMessages"], 0)

    def test_clients_of_a_path_without_a_name_are_listed_and_closed_by_its_id(self):
        self.serve()
        out, _ = self.open("/out")
        every = json.loads(self.server.must("GET", "/connections?forceAll=true"))
        name = urllib.parse.quote(next(one["id"] for one in every if one["props"]["path"] == "/out"), safe="")
        client = json.loads(self.server.must("GET", f"/connections/{name}/clients"))[0]
        self.assertEqual(client["address"], "%s:%d" % out.socket.getsockname())
        self.server.must("DELETE", f"/connections/{name}/clients/{client['id']}")
        self.assertEqual(out.close_code()[0], 1008)
        self.assertEqual(self.stats()["clientsClosed"]["kicked"], 1)

    def test_a_message_that_is_too_big_is_counted_as_that(self):
        self.serve(maxMessageBytes=1000)
        for data in (frame(TEXT, b"", announced=1 << 30), frame(TEXT, b"x" * 2000)):
            client, _ = self.open("/out")
            client.send(data)
            self.assertEqual(client.close_code(), (1009, "message longer than the limit"))
        client, _ = self.open("/out")
        client.send(frame(TEXT, b"\xff"))
        self.assertEqual(client.close_code()[0], 1007)
        self.assertEqual({cause: n for cause, n in self.stats()["clientsClosed"].items() if n}, {"too_big": 2, "protocol_error": 1})

    def test_a_remote_is_told_why_the_connection_ends(self):
        ends = []

        def script(raw, head):
            raw.send(RawRemote.answer(head))
            while (got := raw.frame()) is not None:
                if got[0] == CLOSE:
                    ends.append((struct.unpack("!H", got[1][:2])[0], got[1][2:].decode()))
                    raw.send(frame(CLOSE, got[1], masked=False))
        remote = RawRemote(script)
        self.addCleanup(remote.close)
        self.stream()
        for name in "ab":
            self.rule(name, "SELECT * FROM demo", [{"websocket": {"addr": f"127.0.0.1:{remote.port}", "path": f"/{name}"}}])
            wait_for(lambda name=name: self.server.status(name)["sink_websocket_0_0_connection_status"] == 1, "connected")
        self.server.must("POST", "/rules/a/stop")
        wait_for(lambda: ends, "the first is told")
        self.assertEqual(self.server.stop(), 0)
        wait_for(lambda: len(ends) == 2, "the second is told")
        self.assertEqual(ends, [(1000, "no rule needs the connection any more"), (1001, "the engine is shutting down")])

    def test_what_a_remote_sends_has_its_address_path_and_query_as_metadata(self):
        def script(raw, head):
            raw.send(RawRemote.answer(head) + frame(TEXT, b'{"a":1}', masked=False))
            while (got := raw.frame()) is not None and got[0] != PING:
                pass
        remote = RawRemote(script)
        self.addCleanup(remote.close)
        self.server.must("POST", "/connection/websocket", {"endpoint": "/out"})
        out, _ = self.open("/out")
        self.server.must("PUT", "/metadata/sources/websocket/confKeys/k", {"addr": f"127.0.0.1:{remote.port}"})
        self.stream(path="/feed?room=7", options=', CONF_KEY="k"')
        self.rule("r", "SELECT a, meta(remoteAddress) AS r, meta(path) AS p, meta(query) AS q, meta(pathVariables) AS v FROM demo",
                  [{"websocket": {"path": "/out", "sendSingle": True}}])
        self.assertEqual(json.loads(out.frame()[1]),
                         {"a": 1, "r": f"127.0.0.1:{remote.port}", "p": "/feed", "q": "room=7", "v": {}})


if __name__ == "__main__":
    main()
