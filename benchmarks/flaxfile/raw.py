"""The ceilings: a file over raw ZeroMQ (with and without CURVE) and over a plain socket with sendfile.

Neither checks, resumes or publishes anything. Run as `raw.py zmq|zmqc|sendfile`, it serves the files below
the folder of the second argument and prints its port.
"""

from __future__ import annotations

import contextlib
import os
import socket
import sys
import threading
from pathlib import Path
from typing import Any

CHUNK = 4 << 20
IN_FLIGHT = 8
# Fixed keys: what is measured is the cost of CURVE, not its secrecy.
SERVER_KEYS = (b"rq:rM>}U?@Lns47E1%kR.o@n%FcmmsL/@{H8]yf7", b"JTKVSB%%)wK0E.X)V>+}o?pNmC{O&4W4b!Ni{Lh6")
CLIENT_KEYS = (b"Yne@$w-vo<fVvi]a<NY6T1ed:M$fCG*[IaLV{hID", b"D:)Q[IlAW!ahhC2ac:9*A}h:p?([4%wOTJ%JR%cs")


def send_file(zmq: Any, sock: Any, to: list[bytes], path: str) -> None:
    """Send a file in chunks from reused buffers; each chunk waits for credit."""
    buffers = [bytearray(CHUNK) for _ in range(IN_FLIGHT + 2)]
    trackers: list[Any] = [None] * len(buffers)
    outstanding = 0
    with Path(path).open("rb", buffering=0) as file:
        number = 0
        while True:
            at = number % len(buffers)
            if trackers[at] is not None:
                trackers[at].wait()
            length = file.readinto(buffers[at])
            if not length:
                break
            while outstanding >= IN_FLIGHT:
                sock.recv_multipart()
                outstanding -= 1
            for part in to:
                sock.send(part, zmq.SNDMORE)
            trackers[at] = sock.send(memoryview(buffers[at])[:length], copy=False, track=True)
            outstanding += 1
            number += 1
    while outstanding:
        sock.recv_multipart()
        outstanding -= 1


def receive_file(sock: Any, to: list[bytes], path: str, size: int) -> None:
    """Write chunks as they come, and give credit for each."""
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o644)
    try:
        offset = 0
        while offset < size:
            frame = sock.recv_multipart(copy=False)[-1]
            data = frame.buffer
            os.pwrite(descriptor, data, offset)
            offset += len(data)
            sock.send_multipart([*to, b"k"])
    finally:
        os.close(descriptor)


def serve_zmq(folder: Path, curve: bool) -> None:
    """One client at a time."""
    import zmq  # noqa: PLC0415 - sendfile does without

    context = zmq.Context()
    sock = context.socket(zmq.ROUTER)
    if curve:
        sock.curve_server = True
        sock.curve_publickey, sock.curve_secretkey = SERVER_KEYS
    print(sock.bind_to_random_port("tcp://127.0.0.1"), flush=True)
    while True:
        identity, verb, name, size = sock.recv_multipart()
        path = str(folder / name.decode())
        if verb == b"PUT":
            sock.send_multipart([identity, b"go"])
            receive_file(sock, [identity], path, int(size))
            sock.send_multipart([identity, b"done"])
        else:
            sock.send_multipart([identity, str(Path(path).stat().st_size).encode()])
            send_file(zmq, sock, [identity], path)


def zmq_transfer(port: int, curve: bool, verb: str, path: str, name: str) -> None:
    """Up or down, over a connection of its own."""
    import zmq  # noqa: PLC0415 - sendfile does without

    with zmq.Context() as context, context.socket(zmq.DEALER) as sock:
        sock.linger = 0
        if curve:
            sock.curve_serverkey = SERVER_KEYS[0]
            sock.curve_publickey, sock.curve_secretkey = CLIENT_KEYS
        sock.connect(f"tcp://127.0.0.1:{port}")
        if verb == "up":
            sock.send_multipart([b"PUT", name.encode(), str(Path(path).stat().st_size).encode()])
            sock.recv()
            send_file(zmq, sock, [], path)
            sock.recv()
        else:
            sock.send_multipart([b"GET", name.encode(), b""])
            receive_file(sock, [], path, int(sock.recv()))


def serve_sendfile(folder: Path) -> None:
    """One thread a client; it says a name and gets the length in eight bytes and the file."""
    listener = socket.create_server(("127.0.0.1", 0))
    print(listener.getsockname()[1], flush=True)

    def answer(peer: socket.socket) -> None:
        with peer, contextlib.suppress(OSError):
            name = peer.recv(4096).decode().strip()
            with (folder / name).open("rb") as file:
                peer.sendall(os.fstat(file.fileno()).st_size.to_bytes(8, "little"))
                peer.sendfile(file)

    while True:
        peer, _ = listener.accept()
        threading.Thread(target=answer, args=(peer,), daemon=True).start()


def sendfile_transfer(port: int, path: str, name: str) -> None:
    """Down only."""
    with socket.create_connection(("127.0.0.1", port)) as peer:
        peer.sendall(name.encode() + b"\n")
        size = int.from_bytes(peer.recv(8, socket.MSG_WAITALL), "little")
        buffer = memoryview(bytearray(1 << 20))
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o644)
        try:
            offset = 0
            while offset < size:
                length = peer.recv_into(buffer)
                if not length:
                    raise ConnectionError("the sender went away")
                os.pwrite(descriptor, buffer[:length], offset)
                offset += length
        finally:
            os.close(descriptor)


if __name__ == "__main__":
    if sys.argv[1] == "sendfile":
        serve_sendfile(Path(sys.argv[2]))
    else:
        serve_zmq(Path(sys.argv[2]), curve=sys.argv[1] == "zmqc")
