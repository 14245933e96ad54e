"""A redis-server on a free loopback port, in a folder of its own."""
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time

from resp import Redis, RedisError


class Server:
    def __init__(self, *options):
        self.folder = tempfile.mkdtemp(prefix="redis-prep-", dir="/tmp")
        self.options = options
        for _ in range(5):
            with socket.socket() as probe:
                probe.bind(("127.0.0.1", 0))
                self.port = probe.getsockname()[1]
            # Somebody else may be faster.
            if self.start():
                return
        raise RuntimeError("redis-server did not start")

    def start(self):
        for _ in range(20):
            self.process = subprocess.Popen(
                ["redis-server", "--port", str(self.port), "--bind", "127.0.0.1", "--dir", self.folder,
                 "--save", "", "--appendonly", "no", "--logfile", "log", *self.options],
                stdout=subprocess.DEVNULL)
            while self.process.poll() is None:
                try:
                    if Redis(self.port)("PING") == "PONG":
                        return True
                except (OSError, RedisError):
                    pass
                time.sleep(0.05)
            time.sleep(0.1)
        return False

    def client(self, db=0):
        return Redis(self.port, db)

    def stop(self, how=signal.SIGTERM):
        os.kill(self.process.pid, how)
        self.process.wait()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()
        shutil.rmtree(self.folder)
