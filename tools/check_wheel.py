"""A quick check of an installed package: native modules are loaded from where it was installed, and work.

Needs nothing but the package. Takes the folder that the modules must come from.
"""

from __future__ import annotations

import importlib
import importlib.metadata
import sys
from importlib.machinery import EXTENSION_SUFFIXES
from pathlib import Path

import pyrocketmq
from flaxfile.cli.main import main as flaxfile
from pyrocketmq.model import Message, RemotingCommandSerializer, RemotingRequestFactory


def check_round_trip() -> None:
    """One request and one batch have to come back as they went in."""
    request = RemotingRequestFactory.create_send_message_request("check", "orders", b"cup", tags="drinks")
    for codec in ("json", "binary"):
        frame = RemotingCommandSerializer.serialize(request, codec)
        if RemotingCommandSerializer.deserialize(frame) != request:
            sys.exit(f"the {codec} frame of {request} is read as something else")
    batch = importlib.import_module("pyrocketmq._native.batch")
    bodies = [b"cup %d" % number for number in range(100)]
    data = batch.encode_batch_body([Message("orders", body) for body in bodies])
    if [record.body for record in batch.decode_batch_body(data)] != bodies:
        sys.exit("a batch body is read as something else")


def main() -> int:
    place = Path(sys.argv[1]).resolve()
    package = Path(pyrocketmq.__file__).resolve().parent
    names = sorted(stub.stem for stub in (package / "_native").glob("*.pyi"))
    if not names:
        sys.exit(f"{package} has no native modules")
    for name in names:
        file = Path(str(importlib.import_module(f"pyrocketmq._native.{name}").__file__))
        if not file.is_relative_to(place) or not file.name.endswith(tuple(EXTENSION_SUFFIXES)):
            sys.exit(f"pyrocketmq._native.{name} is {file}, not a compiled module below {place}")
    check_round_trip()
    # Without its extra it has to say what is missing, and no more than that.
    if flaxfile(["version"]) != 0 or flaxfile(["list", "--server", "127.0.0.1:9", "--quiet"]) not in {2, 4}:
        sys.exit("flaxfile does not start")
    version = importlib.metadata.version("pyrocketmq-turbo")
    print(f"pyrocketmq-turbo {version}: {len(names)} native modules work, loaded from {package}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
