"""Rules that feed each other through memory topics: who is slower slows down who feeds it, and nothing is lost."""
import asyncio
import json
import pathlib
import time
import unittest

from harness import ServerTest, connect, main, wait_for

ROWS = 10_000


class MemoryChain(ServerTest):
    def count(self, rule, key):
        return self.server.status(rule)[key]

    def no_drops(self, *rules):
        for rule in rules:
            status = self.server.status(rule)
            self.assertEqual({key: value for key, value in status.items() if "dropped" in key and value != 0}, {}, rule)
            self.assertEqual({key: value for key, value in status.items() if "exceptions_total" in key and value != 0}, {}, rule)

    # Two kilobytes per row: the sockets in between and the queues hold no more than half of the file.
    def chain(self):
        padding = "x" * 2000
        pathlib.Path(self.server.folder, "rows.txt").write_text(
            "".join(f'{{"n":{n},"pad":"{padding}"}}\n' for n in range(ROWS)))
        self.server.must("POST", "/streams", {
            "sql": 'CREATE STREAM lines () WITH (TYPE="file", DATASOURCE="rows.txt", FORMAT="json", '
                   f'EXTRA="{{\\"fileType\\":\\"lines\\",\\"path\\":\\"{self.server.folder}\\"}}")'})
        for name, topic in (("first", "a/one"), ("second", "two")):
            self.server.must("POST", "/streams", {
                "sql": f'CREATE STREAM {name} () WITH (TYPE="memory", DATASOURCE="{topic}", FORMAT="json", '
                       'EXTRA="{\\"bufferLength\\":100}")'})
        self.rule("last", "SELECT * FROM second", [{"websocket": {
            "path": "/out", "sendSingle": True, "slowConsumer": "block", "backlogMessages": 50, "bufferLength": 100}}])
        self.rule("middle", "SELECT n, pad FROM first", [{"memory": {"topic": "two"}}])

    def test_a_slow_client_slows_the_file_down_through_two_topics_and_gets_every_row_in_order(self):
        self.chain()

        async def read_slowly():
            async with connect(self.server.url("/out"), max_queue=1, compression=None) as client:
                await asyncio.to_thread(self.rule, "start", "SELECT * FROM lines", [{"memory": {"topic": "a/one"}}])
                # Nobody reads: everything fills up, then the file waits.
                seen = -1

                def still():
                    nonlocal seen
                    time.sleep(0.3)
                    before, seen = seen, self.count("start", "source_lines_0_records_in_total")
                    return before == seen > 0
                await asyncio.to_thread(wait_for, still, "the file waits", 30)
                self.assertLess(seen, ROWS)
                self.assertEqual(self.count("start", "sink_memory_0_0_dropped_total"), 0)
                for n in range(ROWS):
                    self.assertEqual(json.loads(await asyncio.wait_for(client.recv(), 20))["n"], n)

        self.run_async(read_slowly(), 100)
        self.no_drops("middle", "last")
        self.assertEqual(self.count("last", "sink_websocket_0_0_records_out_total"), ROWS)
        wait_for(lambda: self.server.status("start")["status"] == "stopped", "the file has ended")

    def test_the_end_of_the_slow_rule_frees_those_that_waited_for_it(self):
        self.chain()

        async def never_read():
            async with connect(self.server.url("/out"), max_queue=1, compression=None, close_timeout=0.2):
                await asyncio.to_thread(self.rule, "start", "SELECT * FROM lines", [{"memory": {"topic": "a/one"}}])
                await asyncio.to_thread(wait_for, lambda: self.count("start", "source_lines_0_records_in_total") > 100, "rows flow")
                await asyncio.to_thread(self.server.must, "POST", "/rules/last/stop")

        self.run_async(never_read(), 60)
        wait_for(lambda: self.server.status("start")["message"] == "done", "the file is read to its end", 30)
        wait_for(lambda: self.count("middle", "source_first_0_records_in_total") == ROWS, "every row has come to the second rule")
        self.no_drops("start", "middle")

    def test_shared_topics_in_a_circle_do_not_hold_each_other_up(self):
        self.circle(', SHARED="true"')

    def test_rules_in_a_circle_go_round_until_their_condition_ends_them(self):
        self.circle("")

    def circle(self, options):
        for name in ("ping", "pong"):
            self.server.must("POST", "/streams", {
                "sql": f'CREATE STREAM {name} () WITH (TYPE="memory", DATASOURCE="{name}", FORMAT="json"{options}, '
                       'EXTRA="{\\"bufferLength\\":1}")'})
        self.stream()
        self.rule("to", "SELECT n + 1 AS m FROM ping WHERE n < 2000", [{"memory": {"topic": "pong"}}])
        self.rule("fro", "SELECT m AS n FROM pong", [{"memory": {"topic": "ping"}}, {"websocket": {"path": "/n", "sendSingle": True}}])
        self.rule("feed", "SELECT n FROM demo", [{"memory": {"topic": "ping"}}])

        async def play():
            async with connect(self.server.url("/n")) as out, connect(self.server.url("/in")) as into:
                await into.send('{"n":0}')
                for n in range(1, 2001):
                    self.assertEqual(json.loads(await asyncio.wait_for(out.recv(), 20)), {"n": n})

        self.run_async(play())
        self.no_drops("to", "fro", "feed")
        self.assertEqual(self.server.must("POST", "/rules/to/stop"), "Rule to was stopped.")


if __name__ == "__main__":
    main()
