"""A program of the demo's company that the assistant may ask: whether an invoice is paid. It believes nobody who does
not sign, as the programs of real companies should."""

import asyncio
import json
from http import HTTPStatus
from socket import socket

from sqlalchemy import select, update

from ai.assistant.rows import Tool
from helpdesk import signing
from helpdesk.cli.demo.assistant import Program, load
from helpdesk.clock import now
from helpdesk.database import committed
from helpdesk.desk import Desk

LARGEST = 16_000  # bytes of a question
WITHIN = 5.0  # seconds until it has come


def free_port() -> int:
    with socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


async def serve(desk: Desk, stop: asyncio.Event, *, port: int) -> None:
    """For as long as the demo runs, and the tool calls it there."""
    told = load().tool
    async with committed(desk.sessions) as session:
        address = f"http://127.0.0.1:{port}/{told.name}"
        await session.execute(update(Tool).where(Tool.name == told.name).values(url=address))
        sealed = await session.scalar(select(Tool.sealed_secret).where(Tool.name == told.name))
    if sealed is None:
        return
    secret = str(desk.keys.unseal(sealed))

    async def answered(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            async with asyncio.timeout(WITHIN):
                headers, body = await question(reader)
            signing.verify([secret], headers, body, now())
            status, said = HTTPStatus.OK, answer(told, json.loads(body))
        except signing.Unsigned:
            status, said = HTTPStatus.UNAUTHORIZED, {}
        except (ValueError, KeyError, TimeoutError, EOFError):
            status, said = HTTPStatus.BAD_REQUEST, {}
        content = json.dumps(said).encode()
        head = f"HTTP/1.1 {status.value} {status.phrase}\r\ncontent-type: application/json\r\n"
        writer.write(f"{head}content-length: {len(content)}\r\nconnection: close\r\n\r\n".encode() + content)
        await writer.drain()
        writer.close()

    async with await asyncio.start_server(answered, "127.0.0.1", port, limit=LARGEST):
        await stop.wait()


async def question(reader: asyncio.StreamReader) -> tuple[dict[str, str], bytes]:
    """Headers by their names in lower case, and the body."""
    lines = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")[1:]
    headers = {
        name.strip().lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)
    }
    length = int(headers["content-length"])
    if not 0 <= length <= LARGEST:
        raise ValueError
    return headers, await reader.readexactly(length)


def answer(told: Program, asked: dict[str, dict[str, str]]) -> dict[str, str]:
    invoice = asked["arguments"]["invoice"]
    return {"invoice": invoice, "status": "paid" if invoice in told.paid else "still open"}
