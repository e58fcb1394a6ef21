"""WebSocket ends made of bare sockets, for tests that have to send what no library would."""
import base64
import hashlib
import socket
import struct
import threading
import time
import zlib

KEY = "dGhlIHNhbXBsZSBub25jZQ=="
TEXT, BINARY, CLOSE, PING, PONG = 0x81, 0x82, 0x88, 0x89, 0x8A


def accept(key: str) -> str:
    return base64.b64encode(hashlib.sha1((key + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11").encode()).digest()).decode()


def frame(first: int, payload: bytes = b"", masked=True, announced=None) -> bytes:
    """One frame; `announced`: the length that its header tells, in eight bytes."""
    size, mask = len(payload), 0x80 if masked else 0
    if announced is not None:
        head = struct.pack("!BBQ", first, mask | 127, announced)
    elif size < 126:
        head = struct.pack("!BB", first, mask | size)
    elif size < 65536:
        head = struct.pack("!BBH", first, mask | 126, size)
    else:
        head = struct.pack("!BBQ", first, mask | 127, size)
    return head + b"\0\0\0\0" + payload if masked else head + payload  # key 0 changes nothing


def deflate(payload: bytes) -> bytes:
    squeeze = zlib.compressobj(9, zlib.DEFLATED, -15)
    return (squeeze.compress(payload) + squeeze.flush(zlib.Z_SYNC_FLUSH))[:-4]


def request(path="/out", method="GET", version="HTTP/1.1", drop=(), **headers) -> bytes:
    """An upgrade request; headers by name with _ for -, added or in place of the usual ones."""
    fields = {"Host": "127.0.0.1", "Upgrade": "websocket", "Connection": "Upgrade", "Sec-WebSocket-Key": KEY,
              "Sec-WebSocket-Version": "13"}
    fields.update({name.replace("_", "-"): value for name, value in headers.items()})
    lines = "".join(f"{name}: {value}\r\n" for name, value in fields.items() if name not in drop)
    return f"{method} {path} {version}\r\n{lines}\r\n".encode("latin-1")


class Raw:
    """A connection that collects what arrives."""

    def __init__(self, port=None, conn=None):
        self.socket = conn or socket.create_connection(("127.0.0.1", port), 10)
        self.socket.settimeout(20)
        self.data, self.ended = b"", False

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.socket.close()

    def send(self, data: bytes) -> bool:
        """False when the other end takes nothing any more."""
        try:
            self.socket.sendall(data)
            return True
        except OSError:
            self.ended = True
            return False

    def read(self) -> bool:
        """One piece; False at the end."""
        try:
            piece = self.socket.recv(65536)
        except socket.timeout:
            raise AssertionError(f"nothing came for {self.socket.gettimeout():g} s; so far {self.data[-300:]!r}") from None
        except OSError:
            piece = b""
        self.data += piece
        self.ended = self.ended or not piece
        return bool(piece)

    def head(self) -> str:
        """Takes the next HTTP head off what arrives; "" when none comes."""
        while b"\r\n\r\n" not in self.data:
            if not self.read():
                return ""
        head, _, self.data = self.data.partition(b"\r\n\r\n")
        return head.decode("latin-1")

    def all(self) -> bytes:
        """Everything until the other end closes."""
        while self.read():
            pass
        return self.data

    def frame(self):
        """-> (first byte, payload) of the next frame, None at the end."""
        while True:
            if len(self.data) >= 2:
                size, at = self.data[1] & 127, 2
                if size == 126:
                    size, at = struct.unpack("!H", self.data[2:4].ljust(2, b"\0"))[0], 4
                elif size == 127:
                    size, at = struct.unpack("!Q", self.data[2:10].ljust(8, b"\0"))[0], 10
                key = b"\0\0\0\0"
                if self.data[1] & 128:
                    key, at = self.data[at:at + 4], at + 4
                if len(self.data) >= at + size:
                    first, payload = self.data[0], self.data[at:at + size]
                    self.data = self.data[at + size:]
                    if any(key):
                        payload = bytes(b ^ key[i % 4] for i, b in enumerate(payload))
                    return first, payload
            if not self.read():
                return None

    def close_code(self):
        """Reads on to the close frame -> (code, reason); (None, "") without code, None when there was no close frame."""
        while (got := self.frame()) is not None:
            if got[0] == CLOSE:
                payload = got[1]
                return (struct.unpack("!H", payload[:2])[0], payload[2:].decode()) if payload else (None, "")
        return None


class RawRemote:
    """A server whose every connection runs `script(raw, request head)` in a thread; change it at any time."""

    def __init__(self, script):
        self.script, self.got, self.count, self.stopped = script, [], 0, False
        self.listening = socket.create_server(("127.0.0.1", 0), backlog=64)
        self.port = self.listening.getsockname()[1]
        threading.Thread(target=self.run, daemon=True).start()

    def run(self):
        while not self.stopped:
            try:
                conn, _ = self.listening.accept()
            except OSError:
                return
            self.count += 1
            threading.Thread(target=self.serve, args=(conn,), daemon=True).start()

    def serve(self, conn):
        with Raw(conn=conn) as raw:
            try:
                self.script(raw, raw.head())
            except (OSError, AssertionError):
                pass

    def close(self):
        self.stopped = True
        self.listening.close()

    @staticmethod
    def key(head: str) -> str:
        return next(line.split(":", 1)[1].strip() for line in head.split("\r\n") if line.lower().startswith("sec-websocket-key"))

    @staticmethod
    def answer(head: str, drop=(), **headers) -> bytes:
        fields = {"Upgrade": "websocket", "Connection": "Upgrade", "Sec-WebSocket-Accept": accept(RawRemote.key(head))}
        fields.update({name.replace("_", "-"): value for name, value in headers.items()})
        lines = "".join(f"{name}: {value}\r\n" for name, value in fields.items() if name not in drop)
        return f"HTTP/1.1 101 Switching Protocols\r\n{lines}\r\n".encode("latin-1")

    def good(self, raw, head):
        """Keeps what it gets; answers pings and the close."""
        raw.send(self.answer(head))
        while (got := raw.frame()) is not None:
            if got[0] == PING:
                raw.send(frame(PONG, got[1], masked=False))
            elif got[0] == CLOSE:
                raw.send(frame(CLOSE, got[1], masked=False))
                return
            else:
                self.got.append(got[1])


def rss(pid: int) -> int:
    """Bytes of memory that a process has; 0 where the thread sanitizer takes several times that for itself."""
    with open(f"/proc/{pid}/maps", encoding="ascii") as maps:
        if "libtsan" in maps.read():
            print("skipped: memory is not measured under the thread sanitizer", flush=True)
            return 0
    with open(f"/proc/{pid}/status", encoding="ascii") as status:
        return next(int(line.split()[1]) for line in status if line.startswith("VmRSS:")) * 1024


def dribble(raw: Raw, data: bytes, pause: float, until: float) -> bool:
    """A byte at a time -> did the other end give up before the deadline?"""
    raw.socket.settimeout(pause)
    end = time.monotonic() + until
    for byte in data:
        if not raw.send(bytes([byte])):
            return True
        try:
            if not raw.read():
                return True
        except AssertionError:
            pass
        if time.monotonic() > end:
            return False
    return False
