"""Whether an ASF file (WMV) is as long as it says of itself.

header      its name of 16 bytes, length, number of objects, ...
  object    name, length (8 bytes)
  ...
  one of the file's properties: 16 bytes for an identity, then how long the file is
"""

from pathlib import Path

HEADER = bytes.fromhex("3026B2758E66CF11A6D900AA0062CE6C")
PROPERTIES = bytes.fromhex("A1DCAB8C47A9CF118EE400C00C205365")

HEADER_HEAD, OBJECT_HEAD = 30, 24
FLAGS = slice(64, 68)
"""Of what the object of properties holds; the lowest bit: a broadcast, whose length nobody knew."""


def cut_end(path: Path) -> str:
    """What is missing at the end of the file; "" where nothing is, or it does not say how long it is."""
    size = path.stat().st_size
    with path.open("rb") as file:
        if file.read(HEADER_HEAD)[:16] != HEADER:
            return ""
        while len(head := file.read(OBJECT_HEAD)) == OBJECT_HEAD:
            length = int.from_bytes(head[16:], "little")
            if length < OBJECT_HEAD:
                return ""
            if head[:16] == PROPERTIES:
                held = file.read(FLAGS.stop)
                missing = int.from_bytes(held[16:24], "little") - size
                is_broadcast = int.from_bytes(held[FLAGS], "little") & 1
                if missing <= 0 or is_broadcast:
                    return ""
                return f"the file is truncated; {missing} bytes are missing at its end"
            file.seek(length - OBJECT_HEAD, 1)
    return ""
