"""What users of WebSocket sinks have suffered from elsewhere, one test each: what is delivered, to whom,
in which frames."""
import contextlib
import gzip
import json
import zlib

from harness import connect, main, receive
from weakness import Remote, WeaknessTest


class Delivery(WeaknessTest):
    def setUp(self):
        super().setUp()
        self.stream()
        self.rule("keep", "SELECT * FROM demo", [{"nop": {}}])  # the stream is there before the rule of the test

    def test_w01_a_sink_that_fails_keeps_messages_in_its_cache(self):
        async def flow():
            async with Remote() as remote, connect(self.server.url("/in")) as into:
                await self.do(self.push, "r", {"addr": remote.addr, "path": "/x", "enableCache": True,
                                               "reconnectMaxDelay": "200ms"})
                await into.send('{"a":0}')
                await self.until(lambda: remote.got == ['{"a":0}'], "the first message")
                await remote.cut()
                for a in range(1, 50):
                    await into.send('{"a":%d}' % a)
                await self.until(lambda: self.server.status("r")["source_demo_0_records_in_total"] == 50, "all were read")
                self.assertLess(await self.do(self.sink, "r", "records_out_total"), 50)
                async with remote:
                    await self.until(lambda: '{"a":49}' in remote.got, "the last message")
                    self.assertEqual(list(dict.fromkeys(remote.got)), ['{"a":%d}' % a for a in range(50)])
            self.assertEqual(await self.do(self.sink, "r", "dropped_total"), 0)

        self.run_async(flow())

    def test_w07_what_is_no_text_goes_in_binary_frames_and_both_kinds_are_read(self):
        async def flow():
            await self.do(self.push, "z", {"path": "/z", "compression": "gzip"})
            await self.do(self.push, "t", {"path": "/t"})
            async with connect(self.server.url("/z")) as z, connect(self.server.url("/t")) as t, \
                    connect(self.server.url("/in")) as into:
                await into.send(b'{"a":1}')
                self.assertEqual(gzip.decompress((await receive(z, 1))[0]), b'{"a":1}')
                self.assertEqual(await receive(t, 1), ['{"a":1}'])

        self.run_async(flow())

    def test_w08_compressed_payloads_stay_apart_in_a_burst_to_several_clients(self):
        async def flow():
            for name in ("gzip", "zlib", "flate", "zstd"):
                await self.do(self.push, name, {"path": "/" + name, "compression": name})
            async with contextlib.AsyncExitStack() as stack:
                clients = [await stack.enter_async_context(connect(self.server.url("/gzip"))) for _ in range(3)]
                others = {name: await stack.enter_async_context(connect(self.server.url("/" + name)))
                          for name in ("zlib", "flate", "zstd")}
                into = await stack.enter_async_context(connect(self.server.url("/in")))
                wanted = [b'{"a":%d}' % a for a in range(300)]
                for message in wanted:
                    await into.send(message.decode())
                for client in clients:
                    self.assertEqual([gzip.decompress(m) for m in await receive(client, 300)], wanted)
                self.assertEqual([zlib.decompress(m) for m in await receive(others["zlib"], 300)], wanted)
                self.assertEqual([zlib.decompress(m, -15) for m in await receive(others["flate"], 300)], wanted)
                self.assertEqual(len(set(await receive(others["zstd"], 300))), 300)

        self.run_async(flow())

    def test_w09_batches_stay_apart(self):
        async def flow():
            await self.do(self.push, "b", {"path": "/b", "batchSize": 3})
            async with connect(self.server.url("/b")) as out, connect(self.server.url("/in")) as into:
                for a in range(300):
                    await into.send('{"a":%d}' % a)
                batches = [json.loads(m) for m in await receive(out, 100)]
            self.assertEqual(batches, [[{"a": 3 * b + i} for i in range(3)] for b in range(100)])

        self.run_async(flow())

    def test_w10_a_template_in_a_batch_loses_nothing(self):
        async def flow():
            await self.do(self.push, "b", {"path": "/b", "batchSize": 2, "dataTemplate": '{"t":{{.a}}}'})
            async with connect(self.server.url("/b")) as out, connect(self.server.url("/in")) as into:
                for a in range(4):
                    await into.send('{"a":%d}' % a)
                self.assertEqual([json.loads(m) for m in await receive(out, 2)],
                                 [[{"t": 0}, {"t": 1}], [{"t": 2}, {"t": 3}]])

        self.run_async(flow())

    def test_w24_a_client_misses_nothing_after_its_101(self):
        async def flow():
            await self.do(self.push, "r", {"path": "/out"})
            async with connect(self.server.url("/in")) as into:
                for a in range(50):
                    async with connect(self.server.url("/out")) as out:
                        await into.send('{"a":%d}' % a)
                        self.assertEqual(await receive(out, 1), ['{"a":%d}' % a])

        self.run_async(flow())

    def test_w23_path_and_headers_follow_the_message_and_clients_have_metadata(self):
        async def flow():
            await self.do(self.push, "dynamic", {"path": "/dev/{{.id}}"}, sql="SELECT id, a FROM demo")
            await self.do(self.server.must, "POST", "/streams",
                          {"sql": 'CREATE STREAM s () WITH (DATASOURCE="/c/{id}", TYPE="websocket", FORMAT="json")'})
            await self.do(self.push, "meta", {"path": "/meta"},
                          sql="SELECT meta(id) AS id, meta(query) AS query, a FROM s")
            async with connect(self.server.url("/meta")) as out, connect(self.server.url("/c/7?k=v")) as client:
                await client.send('{"a":1}')
                self.assertEqual(json.loads((await receive(out, 1))[0]), {"id": "7", "query": "k=v", "a": 1})
            async with connect(self.server.url("/in")) as into:
                await into.send('{"id":"x","a":1}')  # opens the endpoint of that id
                await self.until(lambda: self.server.must("GET", "/connection/websocket?endpoint=/dev/x") == "true",
                                 "the endpoint of the message")
                async with connect(self.server.url("/dev/x")) as x:
                    await into.send('{"id":"y","a":2}')
                    await into.send('{"id":"x","a":3}')
                    self.assertEqual(json.loads((await receive(x, 1))[0])["a"], 3)

        self.run_async(flow())


if __name__ == "__main__":
    main()
