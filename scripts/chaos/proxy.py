"""A connection to Redis that can break: one proxy for each process, so that one can be cut off alone."""

import asyncio
import random


class Proxy:
    def __init__(self, target, seed):
        self.target = target
        self.random = random.Random(seed)
        self.is_open = True
        self.flows = asyncio.Event()
        self.flows.set()
        # How many of the next replies, and of the next requests, end in their middle, and the connection with them.
        self.tears = {"reply": 0, "request": 0}
        self.torn = 0
        self.writers = set()

    async def start(self):
        self.server = await asyncio.start_server(self.accept, "127.0.0.1", 0)
        self.port = self.server.sockets[0].getsockname()[1]
        return self

    def cut(self):
        for writer in list(self.writers):
            writer.transport.abort()

    def close(self):
        """Nobody gets through any more."""
        self.is_open = False
        self.cut()

    def heal(self):
        self.is_open = True
        self.tears = {"reply": 0, "request": 0}
        self.flows.set()

    async def accept(self, reader, writer):
        if not self.is_open:
            writer.transport.abort()
            return
        try:
            server_reader, server_writer = await asyncio.open_connection("127.0.0.1", self.target)
        except OSError:
            writer.transport.abort()
            return
        both = {writer, server_writer}
        self.writers |= both
        try:
            pumps = [
                asyncio.ensure_future(self.pump(reader, server_writer, "request")),
                asyncio.ensure_future(self.pump(server_reader, writer, "reply")),
            ]
            await asyncio.wait(pumps, return_when=asyncio.FIRST_COMPLETED)
        finally:
            self.writers -= both
            for pump in pumps:
                pump.cancel()
            for one in both:
                one.close()

    async def pump(self, source, sink, direction):
        try:
            while data := await source.read(65536):
                await self.flows.wait()
                if self.tears[direction] > 0 and len(data) > 1:
                    self.tears[direction] -= 1
                    self.torn += 1
                    sink.write(data[: self.random.randrange(1, len(data))])
                    await sink.drain()
                    return
                sink.write(data)
                await sink.drain()
        except OSError:
            # The other side is gone, which ends the connection here as well.
            return
