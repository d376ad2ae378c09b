"""A ZeroMQ socket in the event loop: every message goes to a callable at once.

pyzmq's own asyncio sockets make futures and tasks for each message, which costs more than all
else that happens to it here.
"""

import asyncio
from collections.abc import Callable, Sequence
from contextlib import suppress

import zmq

AT_ONCE = 100  # messages before others in the loop have their turn


class Line:
    """Reads a socket from its making until it is closed; to be used in the event loop only.

    failed:  a future that gets the exception of a callable that raised
    """

    def __init__(
        self, socket: zmq.Socket[bytes], on_message: Callable[[Sequence[bytes]], None]
    ) -> None:
        self.socket = socket
        self._on_message = on_message
        self._loop = asyncio.get_running_loop()
        self.failed: asyncio.Future[None] = self._loop.create_future()
        self._descriptor = int(socket.getsockopt(zmq.FD))
        self._loop.add_reader(self._descriptor, self._read)
        self._soon()

    def send(self, frames: Sequence[bytes]) -> bool:
        """Send without waiting; False if nobody is there or their queue is full."""
        try:
            self.socket.send_multipart(frames, zmq.NOBLOCK, copy=True)
        except zmq.Again:
            return False
        finally:
            # The descriptor tells of changes only, and sending may have seen one first.
            self._soon()
        return True

    def close(self) -> None:
        self._loop.remove_reader(self._descriptor)
        self.socket.close()
        self.failed.cancel()

    def _soon(self) -> None:
        self._loop.call_soon(self._read)

    def _read(self) -> None:
        if self.socket.closed or self.failed.done():
            return
        with suppress(zmq.Again):
            for _ in range(AT_ONCE):
                frames = self.socket.recv_multipart(zmq.NOBLOCK)
                try:
                    self._on_message(frames)
                except Exception as error:  # noqa: BLE001 - it is raised where somebody waits
                    self.failed.set_exception(error)
                    return
            self._soon()
