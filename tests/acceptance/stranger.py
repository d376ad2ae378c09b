"""Somebody on the drivers' network who sends again what they recorded, and forges the rest.

    python -m tests.acceptance.stranger UPSTREAM LIVE

Until standard input ends: records one signed batch of the publisher at UPSTREAM, then says it
again and again at LIVE, and beside it the same with another value.
"""

import sys
import threading

import zmq  # noqa: TID251 - a stranger speaks it too


def wait(ended: threading.Event) -> None:
    sys.stdin.read()
    ended.set()


def main() -> None:
    upstream, live = sys.argv[1:]
    ended = threading.Event()
    threading.Thread(target=wait, args=[ended], daemon=True).start()
    with (
        zmq.Context() as context,
        context.socket(zmq.SUB) as ear,
        context.socket(zmq.PUB) as mouth,
    ):
        ear.linger = mouth.linger = 0
        ear.subscribe(b"")
        ear.connect(upstream)
        mouth.bind(live)
        recorded = b""
        while recorded[32:36] != b"MH\1B":
            recorded = ear.recv()
        forged = recorded[:-8] + bytes(8)
        while not ended.wait(0.1):
            mouth.send(recorded)
            mouth.send(forged)


if __name__ == "__main__":
    main()
