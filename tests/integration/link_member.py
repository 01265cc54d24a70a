"""One processor's side of a session, as a process of its own: see test_link.py and the benchmark of links.

``python -m tests.integration.link_member URL PROCESSOR`` reads one JSON order a line from standard input, carries it
out and answers with one line. Processors 1 to 4 are the members of every session.
"""

import asyncio
import base64
import json
import sys
import time

from qcrs.cli.link import TRIAL
from qcrs.errors import QcrsError
from qcrs.link.client import LinkClient
from tests.entangled import ghz
from tests.linked import account

MEMBERS = (1, 2, 3, 4)
OPEN = {}  # live sessions by number


async def batch(link, own, order):
    """Run GHZ for many shots, and give the outcome bits."""
    answer = await link.run(order["session"], MEMBERS, own, order["shots"])
    return {"bits": base64.b64encode(answer.table()[:, 2].tobytes()).decode(), "label": answer.label}


async def live(link, own, order):
    """Run GHZ shot by shot, and give the outcome bits and how long each shot took.

    A shot is one act when *whole* is true, and an act for each operation otherwise.
    """
    if order["session"] not in OPEN:
        OPEN[order["session"]] = await link.open_live(order["session"], MEMBERS, own.qubits, own.bits)
    member = OPEN[order["session"]]
    found, seconds = [], []
    for _ in range(order["shots"]):
        began = time.perf_counter()
        if order["whole"]:
            bits = await member.act(*own.instructions, restart=True, wait=order["wait"])
        else:
            for number, step in enumerate(own.instructions):
                bits = await member.act(step, restart=number == 0, wait=order["wait"])
        seconds.append(time.perf_counter() - began)
        found.append(bits[2])
    return {"bits": base64.b64encode(bytes(found)).decode(), "seconds": seconds}


async def barrier(link, own, order):
    """Wait for the others."""
    await link.meet(order["session"], order["number"], MEMBERS, order["wait"])
    return {}


ORDERS = {"batch": batch, "live": live, "barrier": barrier}


async def serve(url, processor):
    """Carry out orders until there are no more."""
    own = ghz(4)[processor - 1]
    loop = asyncio.get_running_loop()
    async with LinkClient(url, account(processor), TRIAL, processor) as link:
        print(json.dumps({"ready": processor}), flush=True)
        while line := await loop.run_in_executor(None, sys.stdin.readline):
            order = json.loads(line)
            try:
                answer = await ORDERS[order["do"]](link, own, order)
            except QcrsError as error:
                answer = {"error": type(error).__name__, "message": str(error)}
            print(json.dumps(answer), flush=True)


if __name__ == "__main__":
    asyncio.run(serve(sys.argv[1], int(sys.argv[2])))
