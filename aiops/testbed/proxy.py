"""A TCP proxy on one edge that holds every byte back for a while, each way."""

import asyncio
from contextlib import suppress

Chunk = tuple[float, bytes]


async def _pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter,
                delay_s: float) -> None:
    """Pass on what comes, in order, ``delay_s`` later; reading does not wait for writing."""
    loop, queue = asyncio.get_running_loop(), asyncio.Queue[Chunk]()

    async def write() -> None:
        while True:
            due, data = await queue.get()
            await asyncio.sleep(max(0.0, due - loop.time()))
            if not data:
                break
            writer.write(data)
            await writer.drain()
        writer.close()

    writing = asyncio.create_task(write())
    data = b"first"
    while data:
        try:
            data = await reader.read(65536)
        except ConnectionError:
            data = b""
        queue.put_nowait((loop.time() + delay_s, data))
    with suppress(ConnectionError):  # the other end left first
        await writing


async def serve(port: int, target: int, delay_s: float) -> None:
    async def connect(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            far_reader, far_writer = await asyncio.open_connection("127.0.0.1", target)
        except OSError:
            writer.transport.abort()
            return
        await asyncio.gather(_pump(reader, far_writer, delay_s),
                             _pump(far_reader, writer, delay_s))

    server = await asyncio.start_server(connect, "127.0.0.1", port, reuse_port=True)
    await server.serve_forever()


def main(port: int, target: int, delay_s: float) -> None:
    """Body of a proxy process."""
    asyncio.run(serve(port, target, delay_s))
