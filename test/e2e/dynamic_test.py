"""Templates in path and header values: a connection, or a served path, for every value that messages have."""
import asyncio
import json
import pathlib
import signal
import sqlite3

import websockets
from harness import connect, main, receive
from weakness import Remote, WeaknessTest


def stored(folder):
    """Messages in the cache files of a folder, read behind the engine's back."""
    count = 0
    for path in folder.glob("*.db"):
        try:
            with sqlite3.connect(path) as db:
                count += db.execute("SELECT count(*) FROM message").fetchone()[0]
        except sqlite3.OperationalError:
            pass
    return count


class DynamicTest(WeaknessTest):
    def setUp(self):
        super().setUp()
        self.stream()
        self.rule("keep", "SELECT * FROM demo", [{"nop": {}}])

    def warnings(self, **props):
        return self.server.must("POST", "/rules/validate", {"id": "v", "sql": "SELECT * FROM demo",
                                                            "actions": [{"websocket": {"sendSingle": True, **props}}]})

    async def send(self, into, *ids, **more):
        for number, name in enumerate(ids):
            await into.send(json.dumps({"id": name, "n": number, **more}))


class ClientRole(DynamicTest):
    def test_every_distinct_value_has_one_connection(self):
        async def flow():
            async with Remote() as remote, connect(self.server.url("/in")) as into:
                await self.do(self.push, "r", {"addr": remote.addr, "path": "/dev/{{.id}}?k={{.k}}",
                                               "requestHeader": {"X-Device": "{{.id}}", "X-Fixed": "f"}})
                await self.send(into, "a", "b", "a", "c", "b", "a", k=1)
                await self.until(lambda: len(remote.got) == 6, "all messages")
                self.assertEqual(sorted((path, headers["X-Device"], headers["X-Fixed"]) for path, headers in remote.requests),
                                 [(f"/dev/{name}?k=1", name, "f") for name in "abc"])
                # The order of one value is kept.
                for name, numbers in (("a", [0, 2, 5]), ("b", [1, 4])):
                    self.assertEqual([m["n"] for m in map(json.loads, remote.got) if m["id"] == name], numbers)

        self.run_async(flow())

    def test_the_number_of_connections_is_bounded_and_idle_ones_make_room(self):
        async def flow():
            async with Remote() as remote, connect(self.server.url("/in")) as into:
                await self.do(self.push, "r", {"addr": remote.addr, "path": "/{{.id}}", "maxDynamicTargets": 2})
                for number in range(6):
                    await self.send(into, f"d{number}")
                    await self.until(lambda n=number: len(remote.got) == n + 1, "each message")
                    await self.until(lambda: len(remote.server.websockets) <= 2, "two connections at most")
                self.assertEqual(len(remote.requests), 6)

        self.run_async(flow())

    def test_beyond_the_bound_messages_are_dropped_and_counted_when_none_is_idle(self):
        async def flow():
            away = Remote()
            async with connect(self.server.url("/in")) as into:
                await self.do(self.push, "r", {"addr": away.addr, "path": "/{{.id}}", "maxDynamicTargets": 2})
                await self.send(into, "a", "b", "c", "d", "a")  # the first two have messages that wait
                await self.until(lambda: self.sink("r", "dropped_total") == 2, "those of c and d")
                self.assertIn("maxDynamicTargets allows more", self.server.log_text())
                async with away:
                    await self.until(lambda: len(away.got) == 3, "the others")

        self.run_async(flow())

    def test_an_idle_connection_is_closed_politely(self):
        async def flow():
            async with Remote() as remote, connect(self.server.url("/in")) as into:
                await self.do(self.push, "r", {"addr": remote.addr, "path": "/{{.id}}", "dynamicTargetIdle": "100ms"})
                await self.send(into, "a")
                await self.until(lambda: len(remote.got) == 1, "the message")
                peer = next(iter(remote.server.websockets), None)
                await self.until(lambda: not remote.server.websockets, "it is closed")
                self.assertEqual(peer.close_code, 1000)
                await self.send(into, "a")
                await self.until(lambda: len(remote.got) == 2 and len(remote.requests) == 2, "and opened again")

        self.run_async(flow())

    def test_values_that_would_break_the_request_never_get_on_the_wire(self):
        async def flow():
            async with Remote() as remote, connect(self.server.url("/in")) as into:
                await self.do(self.push, "r", {"addr": remote.addr, "path": "/{{.id}}", "requestHeader": {"X-Value": "{{.h}}"}})
                bad = [("a b", "x"), ("a\r\nX-Evil: 1", "x"), ("a\n", "x"), ("a\u0000", "x"), ("\t", "x"), ("ok", "x\r\nX-Evil: 1"),
                       ("ok", "x\ny"), ("ok", "\u0000"), ("a" * 5000, "x"), ("ok", None)]
                for name, header in bad:
                    await self.send(into, name, h=header)
                await self.send(into, "fine", h="a value")
                await self.until(lambda: len(remote.got) == 1, "the good one")
                self.assertEqual([(path, headers["X-Value"]) for path, headers in remote.requests], [("/fine", "a value")])
                self.assertNotIn("X-Evil", remote.requests[0][1])
                self.assertEqual(await self.do(self.sink, "r", "dropped_total"), len(bad))
                self.assertIn("requestHeader.X-Value", await self.do(self.sink, "r", "last_exception"))

        self.run_async(flow())

    def test_one_destination_that_is_away_holds_up_no_other(self):
        async def flow():
            def refuse(path, headers):
                return (403, {}, b"") if path == "/away" else None

            async def process(path, headers):
                return refuse(path, headers)
            async with Remote(process_request=process) as remote, connect(self.server.url("/in")) as into:
                await self.do(self.push, "r", {"addr": remote.addr, "path": "/{{.id}}"})
                for _ in range(10):
                    await self.send(into, "away", "there")
                await self.until(lambda: len(remote.got) == 10, "all for the one that is there")
                self.assertNotEqual(await self.do(self.sink, "r", "connection_status"), 1)  # the worst is shown
                self.assertIn("/away", (await self.do(self.server.status, "r"))["sink_websocket_0_0_last_exception"])

        self.run_async(flow())

    def cached(self, rule="r"):
        return self.server.status(rule)["op_websocket_0_2_cache_0_buffer_length"]

    def test_with_a_cache_one_destination_that_is_away_holds_up_no_other_and_gets_all_later(self):
        refusing = ["/away"]

        async def process(path, headers):
            return (403, {}, b"") if path in refusing else None

        async def flow():
            async with Remote(process_request=process) as remote, connect(self.server.url("/in")) as into:
                await self.do(self.push, "r", {"addr": remote.addr, "path": "/{{.id}}", "enableCache": True, "reconnectMaxDelay": 200})
                await self.send(into, *["away", "there"] * 300)
                await self.until(lambda: len(remote.got) == 300, "all for the one that is there")
                await self.until(lambda: self.cached() == 300, "the others wait")
                self.assertTrue(all(json.loads(m)["id"] == "there" for m in remote.got))
                refusing.clear()
                await into.send('{"id":"away","n":600}')
                await self.until(lambda: len(remote.got) == 601 and self.cached() == 0, "those that waited, then the new one")
                self.assertEqual([json.loads(m)["n"] for m in remote.got[300:]], [*range(0, 600, 2), 600])
                status = await self.do(self.server.status, "r")
                self.assertEqual([status[f"op_websocket_0_2_cache_0_records_{way}_total"] for way in ("in", "out")], [601, 601])
                self.assertEqual(status["sink_websocket_0_0_records_out_total"], 601)

        self.run_async(flow())

    def test_with_a_cache_more_destinations_than_may_be_open_take_turns_and_lose_nothing(self):
        async def flow():
            async with Remote() as remote, connect(self.server.url("/in")) as into:
                await self.do(self.push, "r", {"addr": remote.addr, "path": "/{{.id}}", "enableCache": True, "maxDynamicTargets": 3})
                await self.send(into, *[f"d{n % 20}" for n in range(200)])
                await self.until(lambda: len(remote.got) >= 200 and self.cached() == 0, "all of 20 destinations")
                got = [json.loads(m) for m in remote.got]
                self.assertEqual(sorted(m["n"] for m in got), list(range(200)))
                for name in range(20):
                    self.assertEqual([m["n"] for m in got if m["id"] == f"d{name}"], list(range(name, 200, 20)))
                self.assertEqual(await self.do(self.sink, "r", "dropped_total"), 0)
            # What waits when the rule ends is kept.
            await self.until(lambda: self.sink("r", "connection_status") != 1, "the remote is away")
            async with connect(self.server.url("/in")) as into:
                await self.send(into, *[f"e{n}" for n in range(10)])
                await self.until(lambda: self.cached() == 10 and self.sink("r", "buffer_length") == 0, "seven have no place but a file")
            folder = pathlib.Path(self.server.folder, "data", "cache", "r", "websocket_0")
            await self.until(lambda: stored(folder) == 10, "all are in files")
            await self.do(self.server.stop, signal.SIGKILL)
            await self.do(self.server.start)
            async with remote:
                await self.until(lambda: len(remote.got) == 210, "those too")

        self.run_async(flow())

    def test_after_a_kill_each_destination_gets_what_waited_for_it_in_order(self):
        async def flow():
            remote = Remote()
            await self.do(self.push, "r", {"addr": remote.addr, "path": "/{{.id}}", "enableCache": True, "reconnectMaxDelay": 200})
            async with connect(self.server.url("/in")) as into:
                await self.send(into, *["a", "b", "c"] * 100)
                folder = pathlib.Path(self.server.folder, "data", "cache", "r", "websocket_0")
                await self.until(lambda: stored(folder) == 300, "all are in files")
            await self.do(self.server.stop, signal.SIGKILL)
            await self.do(self.server.start)
            async with remote:
                await self.until(lambda: len(remote.got) >= 300, "all came without a new message")
                got = [json.loads(m) for m in remote.got]
                for name in "abc":
                    mine = [m["n"] for m in got if m["id"] == name]
                    self.assertEqual(mine, list(range("abc".index(name), 300, 3)))
                await self.until(lambda: self.cached() == 0, "and are confirmed")
            await self.do(self.server.must, "DELETE", "/rules/r")
            await self.until(lambda: not folder.parent.exists(), "its caches go with the rule")

        self.run_async(flow())

    def test_what_waits_follows_the_rule_to_a_path_without_templates_and_back(self):
        async def flow():
            remote = Remote()
            props = {"addr": remote.addr, "enableCache": True, "reconnectMaxDelay": 200, "sendSingle": True}

            def put(path):
                self.server.must("PUT", "/rules/r", {"id": "r", "sql": "SELECT * FROM demo",
                                                     "actions": [{"websocket": {**props, "path": path}}]})
            await self.do(self.push, "r", {**props, "path": "/{{.id}}"})
            async with connect(self.server.url("/in")) as into:
                await self.send(into, *["a", "b"] * 50)
                await self.until(lambda: self.cached() == 100, "100 wait")
                await self.do(put, "/fixed")
                await self.until(lambda: self.cached() == 100, "they still do")
                async with remote:
                    await self.until(lambda: len(remote.got) == 100 and self.cached() == 0, "now they come")
                    self.assertEqual({path for path, _ in remote.requests}, {"/fixed"})
                await self.until(lambda: self.sink("r", "connection_status") != 1, "the remote is away")
                await self.send(into, "a")
                await self.until(lambda: self.cached() == 1, "one waits")
                await self.do(put, "/{{.id}}")  # it was made for no template, so that it has no destination
                await self.until(lambda: self.server.status("r").get("op_websocket_0_2_cache_0_dropped_total") == 1, "counted")
                async with remote:
                    await self.send(into, "b")
                    await self.until(lambda: len(remote.got) == 101, "the new one")

        self.run_async(flow())


class ServerRole(DynamicTest):
    def served(self, path):
        return self.server.must("GET", "/connection/websocket?endpoint=" + path) == "true"

    def test_every_distinct_path_is_served_and_an_idle_one_no_more(self):
        async def flow():
            await self.do(self.push, "r", {"path": "/dev/{{.id}}", "dynamicTargetIdle": "200ms"})
            async with connect(self.server.url("/in")) as into:
                await self.send(into, "a")
                await self.until(lambda: self.served("/dev/a"), "the path of the message")
                async with connect(self.server.url("/dev/a")) as a:
                    await self.send(into, "b", "a")
                    self.assertEqual(json.loads((await receive(a, 1))[0])["id"], "a")
                    await self.until(lambda: not self.served("/dev/b"), "the idle path has gone")
                    self.assertTrue(await self.do(self.served, "/dev/a"))  # somebody listens
                await self.until(lambda: not self.served("/dev/a"), "nobody listens any more")
                with self.assertRaises(websockets.InvalidStatusCode) as refused:
                    await connect(self.server.url("/dev/a"))
                self.assertEqual(refused.exception.status_code, 404)

        self.run_async(flow())

    def test_clients_that_must_not_miss_the_first_message_wait_at_a_managed_endpoint(self):
        async def flow():
            await self.do(self.push, "r", {"path": "/dev/{{.id}}"})
            await self.do(self.server.must, "POST", "/connection/websocket", {"endpoint": "/dev/a"})
            async with connect(self.server.url("/dev/a")) as a, connect(self.server.url("/in")) as into:
                await self.send(into, "a")
                self.assertEqual(json.loads((await receive(a, 1))[0])["n"], 0)
                await self.send(into, "b")
                await self.until(lambda: self.sink("r", "dropped_no_client_total") == 1, "nobody can have waited at /dev/b")

        self.run_async(flow())

    def test_with_a_cache_a_path_waits_for_its_client_while_others_flow(self):
        async def flow():
            await self.do(self.push, "r", {"path": "/dev/{{.id}}", "enableCache": True, "dynamicTargetIdle": "100ms"})
            await self.do(self.server.must, "POST", "/connection/websocket", {"endpoint": "/dev/a"})
            async with connect(self.server.url("/dev/a")) as a, connect(self.server.url("/in")) as into:
                await self.send(into, *["b", "a"] * 20)
                self.assertEqual([json.loads(m)["n"] for m in await receive(a, 20)], list(range(1, 40, 2)))
                await asyncio.sleep(0.3)  # idle time passes: what waits keeps its path
                async with connect(self.server.url("/dev/b")) as b:
                    self.assertEqual([json.loads(m)["n"] for m in await receive(b, 20)], list(range(0, 40, 2)))

        self.run_async(flow())

    def test_values_that_are_no_path_are_dropped_and_counted(self):
        async def flow():
            await self.do(self.push, "r", {"path": "/{{.id}}"})
            async with connect(self.server.url("/in")) as into:
                bad = ["a b", "a\r\nb", "{x}", "a?b", None]
                await self.send(into, *bad)
                await self.until(lambda: self.sink("r", "dropped_total") == len(bad), "all are counted")
                self.assertIn("property path", await self.do(self.sink, "r", "last_exception"))

        self.run_async(flow())

    def test_what_has_no_effect_is_warned_of(self):
        self.assertIn("requestHeader has no effect without addr", self.warnings(path="/x", requestHeader={"X-A": "{{.id}}"}))

    def test_what_cannot_be_a_template_says_so(self):
        for props, said in (({"addr": "{{.id}}:80", "path": "/x"}, "may not hold a template"),
                            ({"path": "/x", "connectionSelector": "{{.id}}"}, "connection {{.id}} not existed"),
                            ({"addr": "h:1", "path": "/x", "rootCaPath": "{{.id}}"}, "may not hold a template")):
            self.assertIn(said, self.message("POST", "/rules", {"id": "r", "sql": "SELECT * FROM demo",
                                                                      "actions": [{"websocket": props}]}))
        self.assertIn("checkConnection", self.message("POST", "/rules", {
            "id": "r", "sql": "SELECT * FROM demo", "actions": [{"websocket": {"path": "/{{.id}}", "checkConnection": True}}]}))


if __name__ == "__main__":
    main()
