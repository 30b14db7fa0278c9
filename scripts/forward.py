"""Lets containers reach what listens on this machine's loopback: forwards ports of the bridge's address to 127.0.0.1.

Usage: forward.py ADDRESS PORT…
"""
import asyncio
import socket
import sys

IP_FREEBIND = 15  # The bridge appears with its first container.


async def copy(reader, writer):
    try:
        while data := await reader.read(65536):
            writer.write(data)
            await writer.drain()
    except OSError:
        pass
    finally:
        writer.close()


async def listen(address, port):
    async def serve(reader, writer):
        try:
            there = await asyncio.open_connection("127.0.0.1", port)
        except OSError:
            writer.close()
            return
        await asyncio.gather(copy(reader, there[1]), copy(there[0], writer))

    listener = socket.socket()
    listener.setsockopt(socket.SOL_IP, IP_FREEBIND, 1)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.bind((address, port))
    await (await asyncio.start_server(serve, sock=listener)).serve_forever()


async def main(address, *ports):
    await asyncio.gather(*(listen(address, int(port)) for port in ports))


asyncio.run(main(*sys.argv[1:]))
