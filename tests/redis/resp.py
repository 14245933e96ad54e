"""A plain Redis client over a socket: commands, pipelines, scripts by their hash."""
import hashlib
import socket


class RedisError(Exception):
    pass


def encode(*parts):
    out = [b"*%d\r\n" % len(parts)]
    for part in parts:
        if isinstance(part, float):
            part = repr(part)
        if not isinstance(part, bytes):
            part = str(part).encode()
        out.append(b"$%d\r\n%s\r\n" % (len(part), part))
    return b"".join(out)


class Redis:
    def __init__(self, port, db=0):
        self.socket = socket.create_connection(("127.0.0.1", port))
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.file = self.socket.makefile("rb", 1 << 20)
        if db:
            self("SELECT", db)

    def send(self, data):
        self.socket.sendall(data)

    def read(self):
        line = self.file.readline()
        if not line.endswith(b"\r\n"):
            raise ConnectionError("the server closed the connection")
        kind, rest = line[:1], line[1:-2]
        if kind == b"+":
            return rest.decode()
        if kind == b"-":
            return RedisError(rest.decode())
        if kind == b":":
            return int(rest)
        if kind == b"$":
            return None if rest == b"-1" else self.file.read(int(rest) + 2)[:-2]
        return None if rest == b"-1" else [self.read() for _ in range(int(rest))]

    def __call__(self, *parts):
        self.send(encode(*parts))
        answer = self.read()
        if isinstance(answer, RedisError):
            raise answer
        return answer

    def pipeline(self, commands):
        self.send(b"".join(encode(*command) for command in commands))
        return [self.read() for _ in commands]

    def script(self, text, keys, arguments):
        """By its hash, and whole if the server does not know it."""
        rest = [len(keys), *keys, *arguments]
        try:
            return self("EVALSHA", hashlib.sha1(text.encode()).hexdigest(), *rest)
        except RedisError as error:
            if not str(error).startswith("NOSCRIPT"):
                raise
            return self("EVAL", text, *rest)

    def close(self):
        self.file.close()
        self.socket.close()
