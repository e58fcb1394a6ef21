"""Remotes that die, fall silent, do not read, break off, cannot be found: the rule runs, the state is told, nothing that
was not handed over is lost (contract §2, §8)."""
import asyncio
import contextlib
import json
import os
import socket
import time

from faults import FaultTest, Frames, RemoteProcess, accept_for, read_head, reset
from harness import connect, main, wait_for
from weakness import Remote

QUICK = {"reconnectInitialDelay": "10ms", "reconnectMaxDelay": "200ms"}


class Faults(FaultTest):
    def setUp(self):
        super().setUp()
        self.stream()
        self.rule("keep", "SELECT * FROM demo", [{"nop": {}}])

    def test_a_killed_remote_is_shown_redialled_and_gets_what_waited(self):
        remote = RemoteProcess(self.server.folder)
        self.addCleanup(remote.kill)
        remote.start()
        url = f"ws://{remote.addr}/x"
        self.named("n", remote.addr, **QUICK)
        self.push("r", {"connectionSelector": "n"})

        async def flow():
            async with connect(self.server.url("/in")) as into:
                await self.until(lambda: self.sink("r", "connection_status") == 1, "connected")
                await self.feed(into, 1, 100)
                await self.until(lambda: remote.got() == self.numbers(1, 100), "the first hundred")
                await self.do(remote.kill)
                await self.until(lambda: self.sink("r", "connection_status") == -1, "disconnected")
                told = await self.do(self.agreed, "r", "n", url)
                self.assertEqual((told["state"], told["disconnects"], told["reconnects"]), (-1, 1, 0))
                self.assertRegex(told["error"], "reset|refused|ended the connection")
                await self.feed(into, 101, 300)
                await self.until(lambda: self.sink("r", "connection_backlog_messages") == 200, "two hundred wait")
                await self.do(remote.start)
                await self.until(lambda: len(remote.got()) >= 300, "what waited")
                self.assertEqual(remote.got(), self.numbers(1, 300))
                told = await self.do(self.agreed, "r", "n", url)
                self.assertEqual((told["state"], told["disconnects"], told["reconnects"]), (1, 1, 1))
                self.assertEqual(set(told["dropped"].values()), {0})

        self.run_async(flow())
        self.assertEqual(self.server.status("r")["status"], "running")
        self.assertEqual(self.sink("r", "records_out_total"), 300)

    def test_a_rule_that_joins_a_connection_shows_when_that_changed(self):
        remote = RemoteProcess(self.server.folder)
        self.addCleanup(remote.kill)
        remote.start()
        self.named("n", remote.addr, reconnectInitialDelay="1h", reconnectMaxDelay="1h")

        def state(name):
            return json.loads(self.server.must("GET", "/connections/n"))["status"] == name

        def same(rule, *names):
            stats = json.loads(self.server.must("GET", "/connections/n"))["stats"]
            for name in names:
                key = "connection_last_" + {"lastConnectedTime": "connected", "lastDisconnectedTime": "disconnected"}[name] + "_time"
                self.assertEqual(self.sink(rule, key), stats[name], name)
        wait_for(lambda: state("connected"), "connected")
        self.push("first", {"connectionSelector": "n"})
        same("first", "lastConnectedTime")
        remote.kill()
        wait_for(lambda: state("disconnected"), "disconnected")
        same("first", "lastConnectedTime", "lastDisconnectedTime")
        self.push("second", {"connectionSelector": "n"})
        same("second", "lastDisconnectedTime")
        # The same holds for sources, alone or shared.
        self.server.must("PUT", "/metadata/sources/websocket/confKeys/k", {"connectionSelector": "n"})
        for name, options in (("alone", ""), ("shared", ', SHARED="true"')):
            self.stream(name, "/x", f', CONF_KEY="k"{options}')
            for rule in (name, name + "2"):
                self.rule(rule, f"SELECT * FROM {name}", [{"nop": {}}])
                stats = json.loads(self.server.must("GET", "/connections/n"))["stats"]
                self.assertEqual(self.server.status(rule)[f"source_{name}_0_connection_last_disconnected_time"],
                                 stats["lastDisconnectedTime"], rule)

    def test_a_source_shows_its_connection_as_a_sink_does(self):
        remote = RemoteProcess(self.server.folder)
        self.addCleanup(remote.kill)
        remote.start()
        self.named("n", remote.addr, **QUICK)
        self.server.must("PUT", "/metadata/sources/websocket/confKeys/k", {"connectionSelector": "n"})
        for name, options in (("alone", ""), ("shared", ', SHARED="true"')):
            self.stream(name, "/x", f', CONF_KEY="k"{options}')
            self.rule(name, f"SELECT * FROM {name}", [{"nop": {}}])
        self.push("sink", {"connectionSelector": "n"})
        nodes = {"alone": "source_alone", "shared": "source_shared", "sink": "sink_websocket_0"}
        for kill, start, state in ((False, False, 1), (True, False, -1), (False, True, 1)):
            if kill:
                remote.kill()
            if start:
                remote.start()
            for rule, node in nodes.items():
                wait_for(lambda: self.server.status(rule)[f"{node}_0_connection_status"] == state, f"{rule} says {state}")
                told = self.agreed(rule, "n", f"ws://{remote.addr}/x", node)
                self.assertEqual(told["state"], state)
                self.assertEqual((told["disconnects"], told["reconnects"]), (0 if told["error"] == "" else 1, 1 if start else 0))
                if state == -1:
                    self.assertRegex(self.server.status(rule)[f"{node}_0_last_exception"], "reset|refused|ended the connection")
        kinds = {key.removeprefix("sink_websocket_0_0_") for key in self.server.status("sink") if key.startswith("sink_websocket_0_0_c")}
        for rule in ("alone", "shared"):
            prefix = nodes[rule] + "_0_"
            self.assertEqual({key.removeprefix(prefix) for key in self.server.status(rule) if key.startswith(prefix + "c")}, kinds)
        # Server role.
        self.push("served", {"path": "/in"})
        status = self.server.status("served")
        kinds = [{key.removeprefix(prefix): value for key, value in status.items() if key.startswith(prefix + "connection_c")}
                 for prefix in ("source_demo_0_", "sink_websocket_0_0_")]
        self.assertEqual(kinds[0]["connection_clients"], 0)
        self.assertEqual(kinds[0], kinds[1])
        opened = [c for c in json.loads(self.server.must("GET", "/connections?forceAll=true")) if c["id"] == "$$ws//in"]
        since = [status[f"{node}_0_connection_last_connected_time"] for node in ("source_demo", "sink_websocket_0")]
        self.assertEqual([c["stats"]["stateSince"] for c in opened] * 2, since)

    def test_a_half_open_remote_is_found_by_pings_and_nothing_that_waited_is_lost(self):
        async def flow():
            async with Remote() as plain, Remote() as cached, connect(self.server.url("/in")) as into:
                taps = [await self.do(self.tap, remote.port) for remote in (plain, cached)]
                props = {**QUICK, "pingInterval": "200ms", "pongTimeout": "300ms", "connectTimeout": "500ms"}
                await self.do(self.named, "n", taps[0].addr, **props)
                await self.do(self.push, "plain", {"connectionSelector": "n"})
                await self.do(self.push, "cached", {"addr": taps[1].addr, "path": "/x", "enableCache": True, **props})
                for rule in ("plain", "cached"):
                    await self.until(lambda: self.sink(rule, "connection_status") == 1, "connected")
                await self.feed(into, 1, 10)
                await self.until(lambda: len(plain.got) == 10 and len(cached.got) == 10, "all while it works")
                for tap in taps:
                    tap.freeze()
                await self.feed(into, 11, 20)  # these go into the void
                for rule in ("plain", "cached"):
                    await self.until(lambda: self.sink(rule, "connection_status") == -1, "noticed")
                # What follows cannot connect either: the tap takes connections and says nothing.
                await self.until(lambda: self.sink("plain", "connection_handshake_failures_http_total"), "silence is seen")
                told = await self.do(self.agreed, "plain", "n", f"ws://{taps[0].addr}/x")
                self.assertEqual((told["state"], told["disconnects"]), (-1, 1))
                self.assertIn("no answer to a ping within 300 ms (pongTimeout)", await self.do(self.server.log_text))
                self.assertIn("has not answered the WebSocket handshake within 500 ms (connectTimeout)", told["error"])
                await self.feed(into, 21, 70)
                await self.until(lambda: self.sink("plain", "records_in_total") == 70, "all have come in")
                for tap in taps:
                    tap.thaw()
                await self.until(lambda: len(plain.got) >= 60, "what waited")
                self.assertEqual(plain.got, self.numbers(1, 10) + self.numbers(21, 70))
                # With the cache also what the dead connection had swallowed.
                await self.until(lambda: set(cached.got) == set(self.numbers(1, 70)), "all, with the cache")
                self.assertEqual(list(dict.fromkeys(cached.got)), self.numbers(1, 70))
                self.assertEqual(self.sink("plain", "records_out_total"), 70)

        self.run_async(flow())

    def test_a_remote_that_never_reads_delays_no_rule_in_starting_stopping_or_going(self):
        async def serve_never_reading():
            held = []

            def script(peer, _number):
                held.append(peer)
                peer.sendall(accept_for(read_head(peer)))
            return script
        remote = self.scripted(asyncio.run(serve_never_reading()), receive_buffer=4096)
        props = {"addr": remote.addr, "path": "/x", "slowConsumer": "block", "writeTimeout": "1m", "pingInterval": 0}
        self.push("stuck", props)
        self.push("stuck2", props, sql="SELECT a FROM demo")  # on the same connection
        wait_for(lambda: self.sink("stuck", "connection_status") == 1, "connected")

        async def flood():
            async with connect(self.server.url("/in")) as into:
                for _ in range(200):
                    await into.send(json.dumps({"a": "x" * 20_000}))
        self.run_async(flood())
        wait_for(lambda: self.sink("stuck", "connection_backlog_messages") > 10, "messages wait")
        self.stream("other", "/other")
        for method, path, body in (
                ("POST", "/rules", {"id": "o", "sql": "SELECT * FROM other", "actions": [{"websocket": {"path": "/o"}}]}),
                ("POST", "/rules", {"id": "third", "sql": "SELECT * FROM demo", "actions": [{"websocket": props}]}),
                ("POST", "/rules/third/stop", None), ("POST", "/rules/third/start", None), ("DELETE", "/rules/third", None),
                ("GET", "/connections?forceAll=true", None), ("POST", "/rules/o/stop", None), ("POST", "/rules/o/start", None),
                ("POST", "/rules/stuck/stop", None), ("POST", "/rules/stuck/start", None), ("POST", "/rules/stuck/restart", None),
                ("DELETE", "/rules/stuck", None), ("DELETE", "/rules/stuck2", None), ("DELETE", "/rules/o", None)):
            self.soon(method, path, body)

    def test_a_handshake_that_breaks_at_any_byte_is_tried_again(self):
        """Reset and closed at each offset of the answer; after all of them the rule connects and has lost nothing."""
        size = len(accept_for(b"Sec-WebSocket-Key: x\r\n"))
        steps = [(offset, end) for offset in range(size) for end in (reset, socket.socket.close)]
        got = []

        def script(peer, number):
            with peer:
                head = read_head(peer)
                if number < len(steps):
                    offset, end = steps[number]
                    peer.sendall(accept_for(head)[:offset])
                    if offset and end is reset:
                        time.sleep(0.001)  # so that the bytes are read before the reset throws them away, mostly
                    end(peer)
                    return
                peer.sendall(accept_for(head))
                while data := peer.recv(4096):
                    got.append(data)
        remote = self.scripted(script)
        self.named("n", remote.addr, reconnectInitialDelay=1, reconnectMaxDelay=2)
        self.push("r", {"connectionSelector": "n"})

        async def flow():
            async with connect(self.server.url("/in")) as into:
                await into.send('{"a":1}')
        self.run_async(flow())
        wait_for(lambda: self.sink("r", "connection_status") == 1, "connected in the end", 60)
        wait_for(lambda: got, "what waited")
        told = self.agreed("r", "n", f"ws://{remote.addr}/x")
        self.assertEqual({step: count for step, count in told["failures"].items() if count}, {"http": len(steps)})
        self.assertEqual((told["disconnects"], told["reconnects"]), (0, 0))
        self.assertRegex(told["error"], "^HTTP: ")

    def test_a_refusal_is_shown_as_what_it_is_and_asked_again_slowly_a_passing_failure_soon(self):
        answers = {"/401": b"401 Unauthorized", "/403": b"403 Forbidden", "/404": b"404 Not Found", "/503": b"503 Busy",
                   "/429": b"429 Slow down"}

        def script(peer, _number):
            with peer:
                path = read_head(peer).split(b" ")[1].decode()
                peer.sendall(b"HTTP/1.1 " + answers[path] + b"\r\nContent-Length: 0\r\n\r\n")
        remote = self.scripted(script)
        for path in answers:
            self.named(path[1:], remote.addr, path, reconnectMaxDelay="1h")
            self.push("r" + path[1:], {"connectionSelector": path[1:]})
        for path, answer in answers.items():
            code = path[1:]
            wait_for(lambda: self.sink("r" + code, "connection_attempts_total"), code)
            told = self.agreed("r" + code, code, f"ws://{remote.addr}{path}")
            self.assertIn(f"HTTP: the server answered HTTP {answer.decode()}", told["error"])
            self.assertEqual((told["state"], self.server.status("r" + code)["status"]), (0, "running"))
            if code in ("503", "429"):
                wait_for(lambda: self.sink("r" + code, "connection_attempts_total") >= 3, code + " is asked again soon")
            else:
                stats = json.loads(self.server.must("GET", f"/connections/{code}"))["stats"]
                self.assertGreaterEqual(stats["nextTryTime"] - stats["lastTryTime"], 30 * 60_000)
                self.assertEqual(stats["attempts"], 1)

    def test_garbage_instead_of_a_handshake_is_refused_in_bounded_time_and_memory(self):
        def endless(peer):
            peer.sendall(b"HTTP/1.1 101 x\r\n")
            while True:
                peer.sendall(b"X-More: " + b"y" * 1000 + b"\r\n")

        def one_line(peer):
            peer.sendall(b"HTTP/1.1 101 ")
            while True:
                peer.sendall(b"x" * 65536)

        def drip(peer):
            for byte in b"HTTP/1.1 101 Switching Protocols\r\n" * 100:
                peer.sendall(bytes([byte]))
                time.sleep(0.05)
        kinds = {"key": lambda peer: peer.sendall(accept_for(b"Sec-WebSocket-Key: other\r\n")), "endless": endless,
                 "line": one_line, "drip": drip, "text": lambda peer: peer.sendall(b"SSH-2.0-OpenSSH_9\r\n")}

        def script(peer, _number):
            with peer:
                kinds[read_head(peer).split(b" ")[1].decode()[1:]](peer)
        remote = self.scripted(script)
        before = self.memory_kb()
        for kind in kinds:
            self.push(kind, {"addr": remote.addr, "path": "/" + kind, "connectTimeout": "1s"})
        for kind, text in (("key", "Sec-WebSocket-Accept"), ("endless", "refused"), ("line", "refused"), ("text", "WebSocket: "),
                           ("drip", "within 1000 ms (connectTimeout)")):
            wait_for(lambda: text in self.sink(kind, "last_exception"), f"{kind}: {text}")
            self.assertEqual(self.sink(kind, "connection_status"), 0)
        self.assertLess(self.memory_kb() - before, 20_000)

    def memory_kb(self):
        with open(f"/proc/{self.server.process.pid}/status", encoding="ascii") as lines:
            return next(int(line.split()[1]) for line in lines if line.startswith("VmRSS:"))

    def test_reconnects_by_the_hundred_keep_order_and_lose_nothing_that_waited(self):
        """The remote ends the connection after some messages, in four ways. Without a cache only what had been handed to
        a socket may be missing; with it nothing is."""
        cycles = int(os.environ.get("HAUMEA_TEST_RECONNECTS", "100"))
        self.run_async(self.cycle(cycles), 30 + cycles)

    async def cycle(self, cycles):
        plain, cached = await CuttingRemote.start(cycles), await CuttingRemote.start(cycles)
        for rule, remote, more in (("plain", plain, {}), ("cached", cached, {"enableCache": True})):
            await self.do(self.named, rule, remote.addr, reconnectInitialDelay=1, reconnectMaxDelay=4)
            await self.do(self.push, rule, {"connectionSelector": rule, **more})
        sent = 0
        async with connect(self.server.url("/in"), ping_interval=None) as into:
            while not (plain.done and cached.done):
                # Not so far ahead that the checks of what came take longer than what comes.
                if sent - min(remote.got[-1] if remote.got else 0 for remote in (plain, cached)) < 1000:
                    await self.feed(into, sent + 1, sent + 20)
                    sent += 20
                await asyncio.sleep(0.002)
            await self.feed(into, sent + 1, sent + 20)
            sent += 20
            await self.until(lambda: all(remote.got and remote.got[-1] == sent for remote in (plain, cached)), "the last one")
        for rule, remote in (("plain", plain), ("cached", cached)):
            told = await self.do(self.agreed, rule, rule, f"ws://{remote.addr}/x")
            self.assertEqual((told["state"], told["disconnects"], told["reconnects"]), (1, cycles, cycles), rule)
            self.assertEqual(set(told["dropped"].values()), {0})
            self.assertEqual(self.sink(rule, "dropped_total"), 0)
        # Each message was handed over once, in order; what is missing was on its way when the remote hung up.
        self.assertEqual(plain.got, sorted(set(plain.got)))
        self.assertEqual(self.sink("plain", "records_out_total"), sent)
        # With the cache: on every connection without a gap, beginning at the latest behind what had come before.
        self.assertEqual(cached.gaps, [])
        self.assertEqual(sorted(set(cached.got)), list(range(1, sent + 1)))
        await plain.stop()
        await cached.stop()


class CuttingRemote:
    """Hangs up after a few messages, `cycles` times, and checks the order."""

    @classmethod
    async def start(cls, cycles):
        remote = cls()
        remote.cycles, remote.connections, remote.got, remote.gaps, remote.done = cycles, 0, [], [], False
        remote.server = await asyncio.start_server(remote.serve, "127.0.0.1", 0)
        remote.addr = f"127.0.0.1:{remote.server.sockets[0].getsockname()[1]}"
        return remote

    async def stop(self):
        self.server.close()
        await self.server.wait_closed()

    async def serve(self, reader, writer):
        number, self.connections = self.connections, self.connections + 1
        last = number >= self.cycles
        self.done = self.done or last
        with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError):
            writer.write(accept_for(await reader.readuntil(b"\r\n\r\n")))
            frames = Frames(reader, writer)
            count, before = 0, max(self.got, default=0)
            previous = None
            while last or count < 1 + number % 7:
                opcode, payload = await frames.next()
                if opcode == 9:
                    frames.send(10, payload)
                elif opcode == 8:
                    frames.send(8, payload[:2])
                    break
                elif opcode == 1:
                    value = json.loads(payload)["a"]
                    if (value != previous + 1) if previous is not None else (value > before + 1):
                        self.gaps.append((number, before, previous, value))
                    previous = value
                    self.got.append(value)
                    count += 1
            await self.end(number % 4, frames, reader, writer)
        writer.close()

    @staticmethod
    async def end(kind, frames, reader, writer):
        if kind == 0:  # politely: a close frame, and its answer is awaited
            frames.send(8, b"\x03\xe9restart")
            while (await frames.next())[0] != 8:
                pass
        elif kind == 1:  # a close frame and nothing more
            frames.send(8, b"\x03\xe8")
        elif kind == 2:  # reset
            writer.transport.abort()
        # else: TCP just ends


if __name__ == "__main__":
    main()
