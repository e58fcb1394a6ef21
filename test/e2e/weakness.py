"""For the tests of what users of WebSocket sinks have suffered from elsewhere: a remote that can be cut, and a rule's sink
seen from outside. The numbers of those tests are those of the list that they were written from."""
import asyncio
import contextlib
import json

import websockets
from harness import ServerTest, free_port, wait_for


class Remote:
    """A WebSocket server on a port of its own that keeps what it gets; can be cut and come back."""

    def __init__(self, **options):
        self.port, self.options, self.got, self.requests, self.server = free_port(), options, [], [], None

    @property
    def addr(self):
        return f"127.0.0.1:{self.port}"

    async def __aenter__(self):
        async def handle(peer, path=None):
            self.requests.append((peer.path, peer.request_headers))
            with contextlib.suppress(websockets.ConnectionClosed):
                async for message in peer:
                    self.got.append(message)
        self.server = await websockets.serve(handle, "127.0.0.1", self.port, ping_interval=None, **self.options)
        return self

    async def __aexit__(self, *_):
        if self.server:
            await self.cut()

    async def cut(self):
        """The process dies: no close frame."""
        self.server.close()
        for peer in list(self.server.websockets):
            peer.transport.abort()
        await self.server.wait_closed()
        self.server = None


class WeaknessTest(ServerTest):
    async def do(self, function, *arguments, **named):
        return await asyncio.to_thread(function, *arguments, **named)

    async def until(self, condition, what):
        return await self.do(wait_for, condition, what)

    def push(self, rule, props, sql="SELECT * FROM demo", **more):
        return self.rule(rule, sql, [{"websocket": {"sendSingle": True, **props}}], **more)

    def sink(self, rule, name, index=0):
        return self.server.status(rule).get(f"sink_websocket_{index}_0_{name}")

    def message(self, method, path, body=None, status=400):
        answer = self.server.rest(method, path, body)
        self.assertEqual(answer[0], status, answer[1])
        return json.loads(answer[1])["message"]

    def connections(self):
        return {c["id"]: c for c in json.loads(self.server.must("GET", "/connections?forceAll=true"))}

    async def closed(self, client):
        """-> close code and reason that the client gets"""
        with self.assertRaises(websockets.ConnectionClosed) as closed:
            while True:
                await asyncio.wait_for(client.recv(), 10)
        return closed.exception.code, closed.exception.reason
