"""While nothing can be stored, what would have to be stored is refused and nothing changes; then all is as before."""
import json
import resource
import unittest

from harness import ServerTest, main


class FullDisk(ServerTest):
    def setUp(self):
        super().setUp()
        self.stream()
        self.server.must("POST", "/rules", self.definition("kept"))
        self.server.must("POST", "/connections", self.connection("held", "/held"))
        self.fill()
        self.addCleanup(self.free)

    def definition(self, rule_id, column="*"):
        return {"id": rule_id, "sql": f"SELECT {column} FROM demo", "actions": [{"websocket": {"path": f"/{rule_id}"}}]}

    def connection(self, name, path):
        return {"id": name, "typ": "websocket", "props": {"path": path}}

    # No file of the process may grow beyond its first byte: to SQLite that is a disk that takes no more.
    def fill(self):
        self.limit(1)

    def free(self):
        self.limit(resource.RLIM_INFINITY)

    def limit(self, size):
        if self.server.process.poll() is None:
            resource.prlimit(self.server.process.pid, resource.RLIMIT_FSIZE, (size, resource.RLIM_INFINITY))

    def refused(self, method, path, body=None):
        status, text = self.server.rest(method, path, body)
        self.assertEqual(status, 400, f"{method} {path}: {text}")
        message = json.loads(text)["message"]
        self.assertIn("cannot write data/haumea.db", message)
        self.assertIn("free space", message)

    def state(self):
        rules = json.loads(self.server.must("GET", "/rules"))
        return ([(rule["id"], rule["status"], rule["tags"]) for rule in rules], self.server.must("GET", "/streams"),
                self.server.must("GET", "/rules/kept"), self.server.must("GET", "/connections"),
                self.server.must("GET", "/connection/websocket?endpoint=/x"))

    def test_every_change_is_refused_with_the_remedy_and_leaves_everything_as_it_was(self):
        before = self.state()
        new_stream = 'CREATE STREAM two () WITH (DATASOURCE="/two", TYPE="websocket", FORMAT="json")'
        other_demo = 'CREATE STREAM demo () WITH (DATASOURCE="/other", TYPE="websocket", FORMAT="json")'
        for method, path, body in (
                ("POST", "/streams", {"sql": new_stream}), ("PUT", "/streams/demo", {"sql": other_demo}),
                ("DELETE", "/streams/demo?force=true", None), ("POST", "/rules", self.definition("b")),
                ("PUT", "/rules/kept", self.definition("kept", "a")), ("PUT", "/rules/b", self.definition("b")),
                ("POST", "/rules/kept/stop", None), ("DELETE", "/rules/kept", None),
                ("PUT", "/rules/kept/tags", {"tags": ["x"]}), ("POST", "/connection/websocket", {"endpoint": "/x"}),
                ("POST", "/connections", self.connection("c", "/c")), ("PUT", "/connections/held", self.connection("held", "/d")),
                ("DELETE", "/connections/held", None)):
            with self.subTest(method=method, path=path):
                self.refused(method, path, body)
                self.assertEqual(self.state(), before)

    def test_with_room_again_changes_are_stored(self):
        self.refused("POST", "/rules", self.definition("b"))
        self.free()
        self.server.must("POST", "/rules", self.definition("b"))
        self.server.must("PUT", "/rules/kept", self.definition("kept", "a"))
        self.server.stop()
        self.server.start()
        self.assertEqual([rule["id"] for rule in json.loads(self.server.must("GET", "/rules"))], ["b", "kept"])
        self.assertIn("SELECT a FROM demo", self.server.must("GET", "/rules/kept"))


if __name__ == "__main__":
    main()
