"""Everything that a source produces at full speed is either received or counted as dropped, with the reason: the numbers add
up exactly."""
import asyncio
import json
import os
import pathlib

from harness import connect, main
from weakness import Remote, WeaknessTest

ROWS = int(os.environ.get("HAUMEA_TEST_FLOOD", "20000"))
ROW = '{"n":%d,"pad":"' + "x" * 100 + '"}'
LAST = ROW % (ROWS - 1)


class Flood(WeaknessTest):
    def setUp(self):
        super().setUp()
        pathlib.Path(self.server.folder, "rows").write_text("".join(ROW % n + "\n" for n in range(ROWS)))
        self.server.must("PUT", "/metadata/sources/file/confKeys/k", {"path": self.server.folder, "fileType": "lines",
                                                                      "interval": "24h"})
        self.server.must("POST", "/streams", {"sql": 'CREATE STREAM rows () WITH (DATASOURCE="rows", TYPE="file", FORMAT="json", '
                                                     'CONF_KEY="k")'})

    def flood(self, **props):
        self.push("r", props, sql="SELECT n, pad FROM rows", **props.pop("more", {}))

    async def produced(self):
        await self.until(lambda: self.server.status("r")["source_rows_0_records_in_total"] == ROWS, "all rows are read")
        await self.until(lambda: self.server.status("r")["op_websocket_0_1_encode_0_records_out_total"] == ROWS, "and encoded")

    def drops(self):
        """-> reason: count"""
        status = self.server.status("r")
        drops = {key[len("sink_websocket_0_0_dropped_"):-len("_total")]: count for key, count in status.items()
                 if key.startswith("sink_websocket_0_0_dropped_") and key != "sink_websocket_0_0_dropped_total" and count}
        self.assertEqual(sum(drops.values()), status["sink_websocket_0_0_dropped_total"])
        return drops

    @staticmethod
    def numbers(messages):
        return [json.loads(message)["n"] for message in messages]

    def assert_increasing(self, numbers):
        self.assertTrue(all(a < b for a, b in zip(numbers, numbers[1:])), "order, and nothing twice")

    @staticmethod
    async def all_of(client, got):
        """Reads until the last row."""
        while not got or got[-1] != LAST:
            got.append(await asyncio.wait_for(client.recv(), 30))

    def test_served_clients_fast_and_slow(self):
        async def flow():
            # The path stays when the rule has gone.
            await self.do(self.server.must, "POST", "/connections", {"id": "c", "typ": "websocket", "props": {
                "path": "/out", "backlogMessages": 2000}})
            fast, slow = [], []
            async with connect(self.server.url("/out")) as one, connect(self.server.url("/out"), max_queue=1, read_limit=1024) as two:
                reading = asyncio.create_task(self.all_of(one, fast))
                await self.do(self.flood, path="/out", connectionSelector="c")
                await self.produced()
                await reading
                await self.all_of(two, slow)  # begins to read when all is over
            for got in (fast, slow):
                self.assert_increasing(self.numbers(got))
            drops = await self.do(self.drops)
            self.assertLessEqual(set(drops), {"slow_client"})
            self.assertGreater(drops["slow_client"], 0)
            self.assertEqual(len(fast) + len(slow) + drops["slow_client"], 2 * ROWS)
            self.assertEqual(await self.do(self.sink, "r", "records_out_total"), ROWS)

        self.run_async(flow(), 90)

    def test_nobody_connected(self):
        self.flood(path="/out")
        self.run_async(self.produced())
        self.assertEqual(self.drops(), {"no_client": ROWS})
        self.assertEqual(self.sink("r", "records_out_total"), 0)

    def test_a_remote_that_comes_late_and_reads_slowly(self):
        async def flow():
            remote = Remote(max_queue=1, read_limit=1024)
            await self.do(self.flood, addr=remote.addr, path="/x", bufferLength=500, backlogMessages=500, reconnectMaxDelay="50ms")
            async with remote:
                await self.until(lambda: LAST in remote.got[-1:], "the last row")
            await self.produced()
            self.assert_increasing(self.numbers(remote.got))
            drops = await self.do(self.drops)
            self.assertLessEqual(set(drops), {"queue_full"})
            self.assertEqual(len(remote.got) + sum(drops.values()), ROWS)
            self.assertEqual(await self.do(self.sink, "r", "records_out_total"), len(remote.got))

        self.run_async(flow(), 90)

    def test_a_rule_that_waits_instead_of_dropping(self):
        async def flow():
            remote = Remote()
            await self.do(self.flood, addr=remote.addr, path="/x", bufferLength=500, backlogMessages=500, reconnectMaxDelay="50ms",
                          more={"options": {"disableBufferFullDiscard": True}})
            async with remote:
                await self.until(lambda: len(remote.got) == ROWS, "all rows")
            self.assertEqual(self.numbers(remote.got), list(range(ROWS)))
            self.assertEqual(await self.do(self.drops), {})

        self.run_async(flow(), 90)

    def test_a_cache_and_a_remote_that_is_cut_again_and_again(self):
        async def flow():
            remote = Remote()
            await self.do(self.flood, addr=remote.addr, path="/x", enableCache=True, maxDiskCache=1_024_000, reconnectMaxDelay="50ms")
            for _ in range(4):
                before = len(remote.got)
                async with remote:
                    await self.until(lambda: len(remote.got) >= min(before + 2000, ROWS), "some rows")
            async with remote:
                await self.until(lambda: remote.got[-1] == LAST, "the last row")
                await self.until(lambda: self.server.status("r")["op_websocket_0_2_cache_0_buffer_length"] == 0, "all is confirmed")
            self.assertEqual(self.numbers(dict.fromkeys(remote.got)), list(range(ROWS)))
            self.assertEqual(await self.do(self.drops), {})
            self.assertNotIn("op_websocket_0_2_cache_0_dropped_total", await self.do(self.server.status, "r"))
            print(f"{ROWS} rows through 4 cuts: {len(remote.got) - ROWS} came twice")

        self.run_async(flow(), 90)

    def test_a_cache_over_its_bound(self):
        async def flow():
            remote = Remote()
            await self.do(self.flood, addr=remote.addr, path="/x", enableCache=True, maxDiskCache=5120, reconnectMaxDelay="50ms")
            await self.produced()
            cache = "op_websocket_0_2_cache_0_"
            await self.until(lambda: self.server.status("r")[cache + "buffer_length"] <= 5120 + 1024, "the bound")
            async with remote:
                await self.until(lambda: remote.got[-1:] == [LAST], "the last row")
                await self.until(lambda: self.server.status("r")[cache + "buffer_length"] == 0, "all is confirmed")
            status = await self.do(self.server.status, "r")
            self.assert_increasing(self.numbers(remote.got))
            self.assertEqual(len(remote.got) + status[cache + "dropped_cache_full_total"], ROWS)
            self.assertEqual(status[cache + "dropped_total"], status[cache + "dropped_cache_full_total"])
            self.assertEqual(await self.do(self.drops), {})

        self.run_async(flow(), 90)


if __name__ == "__main__":
    main()
