"""Start of the server: configuration from files and variables, and what stops it."""
import asyncio
import json
import os
import pathlib
import subprocess
import tempfile
import unittest

from harness import BINARY, Server, connect, free_port, main


class Start(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory(prefix="haumea-e2e-")
        self.addCleanup(self.folder.cleanup)

    def write(self, name, text):
        path = pathlib.Path(self.folder.name, name)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)

    def server(self, **settings):
        server = Server(self.folder.name, **settings)
        self.addCleanup(server.close)
        return server

    def refused(self, *parts, **settings):
        """The server ends at once with status 1, and says `parts`."""
        environment = {k: v for k, v in os.environ.items() if not k.startswith(("HAUMEA__", "KUIPER__"))}
        environment.update({"HAUMEA__BASIC__RESTIP": "127.0.0.1", "HAUMEA__BASIC__RESTPORT": str(free_port()), **settings})
        ended = subprocess.run([BINARY, "serve"], cwd=self.folder.name, env=environment, capture_output=True, text=True, timeout=60)
        self.assertEqual(ended.returncode, 1, ended.stderr)
        for part in parts:
            self.assertIn(part, ended.stdout + ended.stderr)

    def test_an_empty_folder_is_enough(self):
        server = self.server()
        self.assertEqual(server.must("GET", "/rules"), "[]")
        self.assertEqual(server.stop(), 0)
        self.assertTrue(pathlib.Path(self.folder.name, "data/haumea.db").exists())
        self.assertNotIn("warning", server.log_text())

    def test_bad_values_stop_it_with_file_key_value_and_remedy(self):
        self.write("etc/haumea.yaml", "basic:\n  prometheusPort: \"9081\"\n")
        self.refused('etc/haumea.yaml: basic.prometheusPort: "9081" is no whole number: write it without quotes')
        self.write("etc/haumea.yaml", "rule:\n  qos: 7\n")
        self.refused("etc/haumea.yaml: rule.qos: 7 is out of range: it must be 0 to 2")
        self.write("etc/haumea.yaml", "basic:\n  timezone: Mars/Phobos\n")
        self.refused("etc/haumea.yaml: basic.timezone: ", "Mars/Phobos", "IANA")
        self.write("etc/haumea.yaml", "basic: [\n")
        self.refused("etc/haumea.yaml: line")
        self.write("etc/haumea.yaml", "")
        self.refused("KUIPER__SINK__ENABLECACHE: sink.enableCache: \"maybe\" is no boolean", KUIPER__SINK__ENABLECACHE="maybe")
        self.write("etc/sources/websocket.yaml", "source:\n  httpServerPort: none\n")
        self.refused('etc/sources/websocket.yaml: source.httpServerPort: "none" is no whole number')
        self.write("etc/sources/websocket.yaml", "default: [\n")
        self.refused("etc/sources/websocket.yaml: line")

    def test_an_address_that_cannot_be_served_stops_it(self):
        self.refused("basic.restIp", "999.1.1.1", HAUMEA__BASIC__RESTIP="999.1.1.1")

    def test_the_old_file_alone_is_read_and_beside_the_new_one_named_in_a_warning(self):
        self.write("etc/kuiper.yaml", "basic:\n  prometheus: true\n  prometheusPort: %d\n" % free_port())
        server = self.server()
        self.assertNotIn("warning", server.log_text())
        server.stop()
        self.write("etc/haumea.yaml", "basic:\n  restPrt: 1\n")
        server.start()
        log = server.log_text()
        self.assertIn("etc/kuiper.yaml is not read, because there is etc/haumea.yaml: remove one of them", log)
        self.assertIn("etc/haumea.yaml: unknown key basic.restPrt is ignored; do you mean restPort?", log)

    def test_groups_of_source_files_and_their_variables_are_used_by_streams(self):
        self.write("etc/sources/simulator.yaml", "default:\n  interval: 20ms\nTwo:\n  data: [{\"a\": 1}]\n")
        server = self.server(SIMULATOR__TWO__LOOP="false", SIMULATOR__OTHER__DATA='[{"a": 5}]')
        for name in ("two", "other"):
            server.must("POST", "/streams", {"sql": f'CREATE STREAM {name} () WITH (TYPE="simulator", FORMAT="json", CONF_KEY="{name}")'})
        shown = json.loads(server.must("GET", "/metadata/sources/yaml/simulator"))
        self.assertEqual(shown["Two"]["loop"], False)
        server.must("POST", "/rules", {"id": "r", "sql": "SELECT a FROM other", "actions": [{"websocket": {"path": "/o"}}]})

        async def one():
            async with connect(server.url("/o")) as client:
                return await asyncio.wait_for(client.recv(), 20)
        self.assertEqual(asyncio.run(one()), '[{"a":5}]')


if __name__ == "__main__":
    main()
