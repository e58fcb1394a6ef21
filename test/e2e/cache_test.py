"""The cache of an action through real sockets: what the remote gets when it goes away, when the engine is killed, when
nobody is connected."""
import asyncio
import contextlib
import os
import pathlib
import random
import re
import resource
import signal
import sqlite3
import subprocess

import harness
from harness import connect, receive, wait_for


NUMBER = re.compile(r'"n":(\d+)')


class Remote:
    """A WebSocket server that can go away and come back on its port; keeps the numbers it got."""

    def __init__(self):
        self.port = harness.free_port()
        self.got = []
        self.server = None

    async def start(self):
        async def handle(socket):
            try:
                async for message in socket:
                    self.got.append(int(NUMBER.search(message)[1]))
            except harness.websockets.ConnectionClosed:
                pass
        self.server = await harness.websockets.serve(handle, "127.0.0.1", self.port, ping_interval=None)

    async def stop(self):
        """Cuts: no close frame, what was not read is gone."""
        self.server.close()
        for socket in list(self.server.websockets):
            socket.transport.abort()
        await self.server.wait_closed()
        self.server = None

    async def until(self, condition, what, seconds=30):
        for _ in range(int(seconds * 100)):
            if condition():
                return
            await asyncio.sleep(0.01)
        raise AssertionError(f"not within {seconds} s: {what}; got {len(self.got)}, last {self.got[-3:]}")


def first_arrivals(numbers):
    """The numbers without repetitions; fails when one comes before a smaller one that is still missing later."""
    seen, order = set(), []
    for number in numbers:
        if number not in seen:
            seen.add(number)
            order.append(number)
    assert order == sorted(order), "out of order"
    return order


def cached_in_file(server, rule):
    """Numbers in the file of the rule's cache, read behind the engine's back."""
    path = pathlib.Path(server.folder, "data", "cache", rule, "websocket_0.db")
    if not path.exists():
        return []
    with sqlite3.connect(path) as db:
        try:
            return [int(NUMBER.search(p.decode())[1]) for (p,) in db.execute("SELECT payload FROM message ORDER BY seq")]
        except sqlite3.OperationalError:
            return []


class CacheTest(harness.ServerTest):
    columns = "n"

    def client_rule(self, remote, rule="r", **more):
        return self.rule(rule, f"SELECT {self.columns} FROM demo", [{"websocket": {
            "addr": f"127.0.0.1:{remote.port}", "path": "/x", "sendSingle": True, "enableCache": True,
            "reconnectMaxDelay": 200, **more}}])

    async def send(self, source, numbers):
        for n in numbers:
            await source.send(f'{{"n":{n}}}')

    def cache_length(self, rule="r"):
        return self.server.status(rule)["op_websocket_0_0_transform_0_records_in_total"], \
            self.server.status(rule)["op_websocket_0_2_cache_0_buffer_length"]

    def test_what_a_remote_missed_while_away_comes_in_order_before_what_is_new(self):
        async def run():
            remote = Remote()
            self.stream()
            self.client_rule(remote)
            async with connect(self.server.url("/in")) as source:
                await self.send(source, range(1, 2001))
                await remote.start()
                await remote.until(lambda: len(remote.got) >= 2000, "2000 after the remote came")
                await self.send(source, range(2001, 2501))
                await remote.until(lambda: len(remote.got) >= 2500, "the live ones")
                await remote.stop()
                await self.send(source, range(2501, 3001))
                await remote.start()
                await remote.until(lambda: remote.got and remote.got[-1] == 3000, "those of the second absence")
            self.assertEqual(first_arrivals(remote.got), list(range(1, 3001)))
            self.assertLess(len(remote.got), 3000 + 200, "few duplicates")
            await asyncio.to_thread(wait_for, lambda: self.server.status("r")["op_websocket_0_2_cache_0_buffer_length"] == 0,
                                    "all is confirmed")  # the remote has to answer pings meanwhile
            status = self.server.status("r")
            self.assertEqual(status["op_websocket_0_2_cache_0_records_in_total"], 3000)
            self.assertEqual(status["op_websocket_0_2_cache_0_records_out_total"], 3000)
            await remote.stop()
        self.run_async(run())

    def test_a_killed_engine_sends_what_was_in_its_file_first(self):
        async def run():
            remote = Remote()
            self.stream()
            self.client_rule(remote, rule="rule-with-hyphen")
            async with connect(self.server.url("/in")) as source:
                await self.send(source, range(1, 501))
                wait_for(lambda: cached_in_file(self.server, "rule-with-hyphen") == list(range(1, 501)),
                         "all 500 are in the file")
            self.server.stop(signal.SIGKILL)
            self.server.start()
            await remote.start()
            async with connect(self.server.url("/in")) as source:
                await self.send(source, range(501, 511))
                await remote.until(lambda: remote.got and remote.got[-1] == 510, "old and new ones")
            self.assertEqual(remote.got, list(range(1, 511)))
            await remote.stop()
        self.run_async(run())

    def test_kills_at_random_points_lose_nothing_that_was_written(self):
        kills = int(os.environ.get("HAUMEA_TEST_KILLS", "20"))
        rng = random.Random(7)

        async def run():
            remote = Remote()
            await remote.start()
            self.stream()
            self.client_rule(remote)
            sent, certain, lost = 0, [], 0
            for kill in range(kills):
                begin = sent + 1
                with contextlib.suppress(harness.websockets.ConnectionClosed):  # its goodbye after the kill
                    async with connect(self.server.url("/in")) as source:
                        end = asyncio.get_running_loop().time() + rng.uniform(0.05, 0.4)
                        while asyncio.get_running_loop().time() < end:
                            step = rng.random()
                            if step < 0.05 and remote.server:
                                await remote.stop()
                            elif step < 0.1 and not remote.server:
                                await remote.start()
                            await self.send(source, range(sent + 1, sent + 21))
                            sent += 20
                            await asyncio.sleep(rng.uniform(0, 0.01))
                        self.server.stop(signal.SIGKILL)
                certain.append((begin, sent, cached_in_file(self.server, "r")))
                self.server.start()
            if not remote.server:
                await remote.start()
            async with connect(self.server.url("/in")) as source:
                await self.send(source, [sent + 1])
                await remote.until(lambda: remote.got and remote.got[-1] == sent + 1, "the last one")
            order = first_arrivals(remote.got)
            got = set(order)
            for begin, end, written in certain:
                self.assertEqual([n for n in written if n not in got], [], "written, but lost")
                # A kill takes the newest, which no file and no socket had yet: never one before another that came.
                missing = [n for n in range(begin, end + 1) if n not in got]
                lost += len(missing)
                self.assertEqual(missing, list(range(end + 1 - len(missing), end + 1)), "a hole")
            print(f"{kills} kills: {sent} sent, {len(order)} arrived, {lost} newest ones went with the process, "
                  f"{len(remote.got) - len(order)} came twice")
            await remote.stop()
        self.run_async(run(), 60 + 3 * kills)

    def test_a_polite_stop_leaves_nothing_to_be_sent_twice(self):
        async def run():
            remote = Remote()
            await remote.start()
            self.stream()
            self.client_rule(remote)
            sent = 0
            for round_ in range(4):
                async with connect(self.server.url("/in")) as source:
                    await self.send(source, range(sent + 1, sent + 31))
                    sent += 30
                    await remote.until(lambda: remote.got and remote.got[-1] == sent, "the last one")
                    if round_ == 2:
                        await asyncio.to_thread(self.server.stop)
                        self.server.start()
                    else:
                        await asyncio.to_thread(self.server.must, "POST", "/rules/r/restart")
            async with connect(self.server.url("/in")) as source:
                await self.send(source, [sent + 1])
                await remote.until(lambda: remote.got[-1] == sent + 1, "one more")
            self.assertEqual(remote.got, list(range(1, sent + 2)))
            await remote.stop()
        self.run_async(run())

    def test_messages_wait_for_the_first_client(self):
        async def run():
            self.stream()
            self.rule("r", "SELECT n FROM demo", [{"websocket": {"path": "/out", "sendSingle": True, "enableCache": True}}])
            async with connect(self.server.url("/in")) as source:
                await self.send(source, range(1, 3001))
                wait_for(lambda: self.server.status("r")["op_websocket_0_2_cache_0_buffer_length"] == 3000, "3000 wait")
                self.assertEqual(self.server.status("r")["sink_websocket_0_0_records_out_total"], 0)
                async with connect(self.server.url("/out")) as client:
                    got = await receive(client, 3000)
                    await self.send(source, [3001])
                    got += await receive(client, 1)
            self.assertEqual(got, [f'{{"n":{n}}}' for n in range(1, 3002)])
            status = self.server.status("r")
            self.assertEqual(status["sink_websocket_0_0_records_out_total"], 3001)
            self.assertEqual(status["op_websocket_0_2_cache_0_buffer_length"], 0)
        self.run_async(run())

    def test_a_replay_larger_than_a_clients_backlog_is_whole(self):
        async def run():
            self.stream()
            self.rule("r", "SELECT n, p FROM demo", [{"websocket": {
                "path": "/out", "sendSingle": True, "enableCache": True, "backlogMessages": 100}}])
            padding = "x" * 2000
            async with connect(self.server.url("/in")) as source:
                for n in range(5000):
                    await source.send(f'{{"n":{n},"p":"{padding}"}}')
                wait_for(lambda: self.server.status("r")["op_websocket_0_2_cache_0_buffer_length"] == 5000, "5000 wait")
                async with connect(self.server.url("/out"), max_queue=4) as client:
                    await asyncio.sleep(0.2)  # its socket is full by now
                    got = await receive(client, 5000)
            self.assertEqual([m[:12] for m in got], [f'{{"n":{n},"p":"x'[:12] for n in range(5000)])
            self.assertEqual(self.server.status("r")["sink_websocket_0_0_records_out_total"], 5000)
        self.run_async(run())

    def test_a_full_disk_is_shown_and_what_memory_holds_still_arrives(self):
        async def run():
            remote = Remote()
            self.stream()
            self.client_rule(remote)
            # No file of the process may grow beyond 1 MiB: to SQLite that is a full disk.
            resource.prlimit(self.server.process.pid, resource.RLIMIT_FSIZE, (1 << 20, resource.RLIM_INFINITY))
            padding = "y" * 1000
            async with connect(self.server.url("/in")) as source:
                for n in range(1, 3001):
                    await source.send(f'{{"n":{n},"p":"{padding}"}}')
                exception = "op_websocket_0_2_cache_0_last_exception"
                wait_for(lambda: "write" in self.server.status("r")[exception], "the failure is shown")
                status = self.server.status("r")
                self.assertIn("data/cache/r/websocket_0.db", status[exception])
                self.assertEqual(status["status"], "running")
                resource.prlimit(self.server.process.pid, resource.RLIMIT_FSIZE,
                                 (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
                await remote.start()
                await remote.until(lambda: len(set(remote.got)) == 3000, "all of them")
                self.assertEqual(first_arrivals(remote.got), list(range(1, 3001)))
            await remote.stop()
        self.columns = "n, p"
        self.run_async(run())

    def small_disk(self):
        """A file system of 1 MiB where caches lie; skips the test where this user may not mount one."""
        folder = pathlib.Path(self.server.folder, "data", "cache")
        folder.mkdir(parents=True, exist_ok=True)
        made = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", str(folder)], capture_output=True, text=True)
        if made.returncode:
            self.skipTest("cannot mount a file system of 1 MiB: " + made.stderr.strip())

        def unmount():  # once the server has ended, before its folder goes
            self.server.stop()
            subprocess.run(["umount", "-l", str(folder)], check=True)
        self.addCleanup(unmount)
        return folder

    def test_a_file_system_without_room_is_shown_ends_nothing_and_gives_back_what_it_took(self):
        async def run():
            remote = Remote()
            self.stream()
            folder = self.small_disk()
            self.client_rule(remote, memoryCacheThreshold=128, bufferPageSize=128, maxDiskCache=12800)
            padding = "y" * 1000
            exception = "op_websocket_0_2_cache_0_last_exception"
            async with connect(self.server.url("/in")) as source:
                for n in range(1, 3001):
                    await source.send(f'{{"n":{n},"p":"{padding}"}}')
                wait_for(lambda: "full" in self.server.status("r")[exception], "the failure is shown")
                self.assertIn("free some space", self.server.status("r")[exception])
                self.assertEqual(self.server.status("r")["status"], "running")
                await remote.start()
                await remote.until(lambda: len(set(remote.got)) == 3000, "all of them")
                self.assertEqual(first_arrivals(remote.got), list(range(1, 3001)))
                length = "op_websocket_0_2_cache_0_buffer_length"
                await asyncio.to_thread(wait_for, lambda: self.server.status("r")[length] == 0, "all is confirmed")
                # What was confirmed leaves the file although the disk was full.
                await asyncio.to_thread(wait_for, lambda: self.written(folder) == 0, "the file forgets it")
            await asyncio.to_thread(self.server.stop, signal.SIGKILL)
            before = len(remote.got)
            self.server.start()
            async with connect(self.server.url("/in")) as source:
                await source.send('{"n":3001,"p":""}')
                await remote.until(lambda: remote.got[-1] == 3001, "a new one")
            self.assertEqual(remote.got[before:], [3001], "nothing comes twice")
            await remote.stop()
        self.columns = "n, p"
        self.run_async(run())

    def test_what_was_written_before_the_disk_was_full_survives_a_kill(self):
        async def run():
            remote = Remote()
            self.stream()
            self.small_disk()
            self.client_rule(remote)
            padding = "y" * 1000
            async with connect(self.server.url("/in")) as source:
                for n in range(1, 3001):
                    await source.send(f'{{"n":{n},"p":"{padding}"}}')
                wait_for(lambda: "full" in self.server.status("r")["op_websocket_0_2_cache_0_last_exception"], "it is full")
                written = cached_in_file(self.server, "r")
            self.server.stop(signal.SIGKILL)
            self.assertGreater(len(written), 0)
            self.server.start()
            await remote.start()
            await remote.until(lambda: len(remote.got) >= len(written), "what was written")
            self.assertEqual(remote.got, written)
            await remote.stop()
        self.columns = "n, p"
        self.run_async(run())

    def written(self, folder):
        path = folder / "r" / "websocket_0.db"
        if not path.exists():
            return 0
        try:
            with sqlite3.connect(path) as db:
                return db.execute("SELECT count(*) FROM message").fetchone()[0]
        except sqlite3.OperationalError:
            return None

    def test_a_damaged_cache_file_is_said_and_the_rule_goes_on(self):
        async def run():
            remote = Remote()
            self.stream()
            self.client_rule(remote)
            async with connect(self.server.url("/in")) as source:
                await self.send(source, range(1, 301))
                wait_for(lambda: len(cached_in_file(self.server, "r")) == 300, "300 are in the file")
            self.server.stop(signal.SIGKILL)
            path = pathlib.Path(self.server.folder, "data", "cache", "r", "websocket_0.db")
            for suffix in ("-wal", "-shm"):
                pathlib.Path(str(path) + suffix).unlink(missing_ok=True)
            path.write_bytes(b"no database" * 3000)
            self.server.start()
            exception = "op_websocket_0_2_cache_0_last_exception"
            wait_for(lambda: ".damaged" in self.server.status("r")[exception], "the damage is shown")
            await remote.start()
            async with connect(self.server.url("/in")) as source:
                await self.send(source, range(301, 311))
                await remote.until(lambda: len(remote.got) == 10, "what is new")
            self.assertEqual(remote.got, list(range(301, 311)))
            await remote.stop()
        self.run_async(run())

    def test_the_cache_goes_with_its_rule_and_with_no_other(self):
        async def run():
            remote = Remote()
            self.stream()
            self.client_rule(remote, rule="r1")
            self.client_rule(remote, rule="r10")
            async with connect(self.server.url("/in")) as source:
                await self.send(source, range(50))
                for rule in ("r1", "r10"):
                    wait_for(lambda r=rule: len(cached_in_file(self.server, r)) == 50, f"the cache of {rule}")
            self.server.must("DELETE", "/rules/r1")
            wait_for(lambda: not pathlib.Path(self.server.folder, "data/cache/r1").exists(), "the folder of r1 has gone")
            self.assertEqual(len(cached_in_file(self.server, "r10")), 50)
            self.server.must("POST", "/rules/r10/stop")
            self.server.must("POST", "/rules/r10/start")
            await remote.start()
            await remote.until(lambda: len(remote.got) == 50, "all of r10, after a stop and a start")
            self.assertEqual(remote.got, list(range(50)))
            await remote.stop()
        self.run_async(run())

    def test_caches_go_with_their_actions_when_the_rule_changes(self):
        async def run():
            remotes = {name: Remote() for name in "abc"}
            self.stream()
            actions = {name: {"websocket": {"addr": f"127.0.0.1:{remote.port}", "path": "/x", "sendSingle": True, "enableCache": True,
                                            "reconnectMaxDelay": 200}} for name, remote in remotes.items()}

            def put(*chosen):
                self.server.must("PUT", "/rules/r", {"id": "r", "sql": "SELECT n FROM demo", "actions": list(chosen)})

            def waiting():
                status = self.server.status("r")
                return [value for key, value in status.items() if key.endswith("cache_0_buffer_length")]
            self.rule("keep", "SELECT * FROM demo", [{"nop": {}}])  # the path of the source is served meanwhile
            self.rule("r", "SELECT n FROM demo", [actions["a"], actions["b"], actions["c"]])
            async with connect(self.server.url("/in")) as source:
                await self.send(source, range(50))
                wait_for(lambda: waiting() == [50, 50, 50], "each has 50")
                put(actions["c"], {"nop": {}}, actions["b"])  # without a, the others at other places
                wait_for(lambda: waiting() == [50, 50], "both have moved")
                wait_for(lambda: "websocket_0 was the cache of an action" in self.server.log_text(), "the log tells of the first")
                await self.send(source, [50])
                for name in "abc":
                    await remotes[name].start()
                for name in "bc":
                    await remotes[name].until(lambda n=name: len(remotes[n].got) == 51, f"all of {name}")
                    self.assertEqual(remotes[name].got, list(range(51)), name)
                await asyncio.to_thread(wait_for, lambda: waiting() == [0, 0], "all is confirmed")
            self.assertEqual(remotes["a"].got, [])
            put({"nop": {}})
            folder = pathlib.Path(self.server.folder, "data", "cache", "r")
            await asyncio.to_thread(wait_for, lambda: not list(folder.iterdir()), "no action has a cache any more")
            for remote in remotes.values():
                await remote.stop()
        self.run_async(run())

    def test_a_resend_destination_is_checked_and_says_what_it_needs(self):
        self.stream()
        for alter in (True, False):
            status, text = self.server.rest("POST", "/rules", {"id": "v", "sql": "SELECT * FROM demo", "actions": [
                {"websocket": {"path": "/x", "enableCache": True, "resendAlterQueue": alter, "resendDestination": "late"}}]})
            self.assertEqual(status, 400)
            self.assertIn('resendDestination is \\"late\\", but has to be a path such as /late, or host:port/path', text)
        said = self.server.must("POST", "/rules/validate", {"id": "v", "sql": "SELECT * FROM demo", "actions": [
            {"websocket": {"path": "/x", "enableCache": True, "resendDestination": "/late"}}]})
        self.assertIn("resendDestination has an effect only with resendAlterQueue: true", said)

    def test_resend_indicator_marks_late_messages_only(self):
        async def run():
            got = []

            async def handle(socket):
                async for message in socket:
                    got.append(message)
            port = harness.free_port()
            self.stream()
            self.rule("r", "SELECT n FROM demo", [{"websocket": {
                "addr": f"127.0.0.1:{port}", "path": "/x", "enableCache": True, "reconnectMaxDelay": 100,
                "resendIndicatorField": "resend"}}])
            async with connect(self.server.url("/in")) as source:
                await self.send(source, [1])
                wait_for(lambda: self.server.status("r")["op_websocket_0_2_cache_0_buffer_length"] == 1, "one waits")
                async with harness.websockets.serve(handle, "127.0.0.1", port):
                    while not got:
                        await asyncio.sleep(0.01)
                    await self.send(source, [2])
                    while len(got) < 2:
                        await asyncio.sleep(0.01)
            self.assertEqual(got, ['[{"n":1,"resend":true}]', '[{"n":2}]'])
        self.run_async(run())

    def test_late_messages_may_go_to_another_path(self):
        async def run():
            self.stream()
            self.rule("r", "SELECT n FROM demo", [{"websocket": {
                "path": "/live", "sendSingle": True, "enableCache": True, "resendAlterQueue": True,
                "resendDestination": "/late"}}])
            async with connect(self.server.url("/in")) as source:
                await self.send(source, range(5))
                wait_for(lambda: self.server.status("r")["op_websocket_0_cache_0_buffer_length"] == 5, "five wait")
                async with connect(self.server.url("/late")) as late, connect(self.server.url("/live")) as live:
                    self.assertEqual(await receive(late, 5), [f'{{"n":{n}}}' for n in range(5)])
                    await self.send(source, [5])
                    self.assertEqual(await receive(live, 1), ['{"n":5}'])
        self.run_async(run())


if __name__ == "__main__":
    harness.main()
