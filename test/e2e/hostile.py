"""The fixture of the tests with peers that mean harm: a server, and after each test a good peer that is served."""
import json
import socket
import unittest

from harness import Server
from raw_peer import (CLOSE, TEXT, Raw, frame, request)


class HostileTest(unittest.TestCase):
    """One server for the tests of a class: what one peer did must not show in the next test."""

    settings: dict = {}

    @classmethod
    def setUpClass(cls):
        cls.server = Server(HAUMEA__SOURCE__HANDSHAKETIMEOUT="1s", **cls.settings)
        cls.addClassCleanup(cls.server.close)
        cls.server.must("POST", "/streams", {"sql": 'CREATE STREAM demo () WITH (DATASOURCE="/in", TYPE="websocket", FORMAT="json")'})
        cls.rule("out", {"path": "/out"})

    @classmethod
    def rule(cls, rule_id, props):
        cls.server.must("POST", "/rules", {"id": rule_id, "sql": "SELECT * FROM demo",
                                           "actions": [{"websocket": {"sendSingle": True, **props}}]})

    @classmethod
    def connections(cls):
        """By path or URL."""
        return {c["id"].removeprefix("$$ws/"): c for c in json.loads(cls.server.must("GET", "/connections?forceAll=true"))}

    def connect(self, path="/out", **headers):
        raw = Raw(self.server.data_port)
        self.addCleanup(raw.socket.close)
        raw.send(request(path, **headers))
        self.assertIn(" 101 ", raw.head().split("\r\n")[0])
        return raw

    def push(self, text: bytes):
        source = self.connect("/in")
        source.send(frame(TEXT, text) + frame(CLOSE, b"\x03\xe8"))
        self.assertEqual(source.close_code(), (1000, ""))

    def tearDown(self):
        """A good peer is served."""
        if self.server.process.poll() is not None:
            self.fail("the server ended:\n" + self.server.log_text()[-3000:])
        client = self.connect("/out")
        text = b'{"test":"%s"}' % self.id().encode()
        self.push(text)
        self.assertEqual(client.frame(), (TEXT, text))
