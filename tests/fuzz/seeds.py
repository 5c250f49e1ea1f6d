"""Good inputs to start from: the vectors that the official artifacts produced."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

VECTORS = Path(__file__).parent.parent / "vectors" / "data"
MAX_SEED_BYTES = 8192  # longer inputs cost time and reach no other code


def cases(kind: str) -> list[dict[str, Any]]:
    document = json.loads((VECTORS / f"{kind}.json").read_text("utf-8"))
    found: list[dict[str, Any]] = document["cases"]
    return found


def hex_inputs(field: str, *kinds: str) -> list[bytes]:
    found = [bytes.fromhex(case[field]) for kind in kinds for case in cases(kind) if case.get(field)]
    return [data for data in found if len(data) <= MAX_SEED_BYTES]


def text_inputs(field: str, *kinds: str) -> list[bytes]:
    found = [case[field].encode() for kind in kinds for case in cases(kind) if case.get(field)]
    return [data for data in found if len(data) <= MAX_SEED_BYTES]


def frames() -> list[bytes]:
    return hex_inputs(
        "frame_hex", "remoting_command", "remoting_command_498", "remoting_decode", "captured_frame"
    )
