"""While nothing can be stored, what would have to be stored is refused and nothing changes; then all is as before."""
import json
import resource
import unittest

from harness import ServerTest, main, wait_for


class FullDisk(ServerTest):
    def setUp(self):
        super().setUp()
        self.stream()
        self.server.must("POST", "/rules", self.definition("kept"))
        self.server.must("POST", "/rules", {**self.definition("resting"), "triggered": False})
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
                ("DELETE", "/rules/kept", None), ("POST", "/rules/resting/start", None),
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
        self.assertEqual([rule["id"] for rule in json.loads(self.server.must("GET", "/rules"))], ["b", "kept", "resting"])
        self.assertIn("SELECT a FROM demo", self.server.must("GET", "/rules/kept"))

    def stop_while_full(self):
        status, text = self.server.rest("POST", "/rules/kept/stop")
        self.assertEqual(status, 400, text)
        message = json.loads(text)["message"]
        for part in ("stop rule error: the rule is stopped, but that could not be stored", "its next start runs the rule again",
                     "cannot write data/haumea.db", "free space"):
            self.assertIn(part, message)
        state = self.server.status("kept")
        self.assertEqual((state["status"], state["message"]), ("stopped", "canceled manually"))

    def test_a_rule_can_be_stopped_and_what_is_not_stored_is_said(self):
        self.stop_while_full()
        self.server.stop()
        self.server.start()
        self.assertEqual(self.server.status("kept")["status"], "running")

    def test_a_stop_that_was_not_stored_is_stored_once_there_is_room(self):
        self.stop_while_full()
        self.free()
        wait_for(lambda: "it is stored now that it has stopped" in self.server.log_text(), "the stop is stored")
        self.server.stop()
        self.server.start()
        self.assertEqual(self.server.status("kept")["status"], "stopped")

    def test_a_rule_whose_stored_state_stays_the_same_starts_and_stops_all_the_same(self):
        self.assertEqual(self.server.must("POST", "/rules/kept/restart"), "Rule kept was restarted")
        self.assertEqual(self.server.must("POST", "/rules/resting/stop"), "Rule resting was stopped.")
        self.stop_while_full()
        self.assertEqual(self.server.must("POST", "/rules/kept/start"), "Rule kept was started")
        self.assertEqual(self.server.status("kept")["status"], "running")


if __name__ == "__main__":
    main()
