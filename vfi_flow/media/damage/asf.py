"""Whether an ASF file (WMV) is as long as it says of itself, and filled.

header      its name of 16 bytes, length, number of objects, ...
  object    name, length (8 bytes)
  ...
  one of the file's properties: 16 bytes for an identity, then how long the file is
data        its name, length, 16 bytes for an identity, number of packets (8 bytes), 2 bytes
  packet    all of one size, which the file's properties hold
"""

from pathlib import Path
from typing import BinaryIO

HEADER = bytes.fromhex("3026B2758E66CF11A6D900AA0062CE6C")
PROPERTIES = bytes.fromhex("A1DCAB8C47A9CF118EE400C00C205365")
DATA = bytes.fromhex("3626B2758E66CF11A6D900AA0062CE6C")

HEADER_HEAD, OBJECT_HEAD, DATA_HEAD = 30, 24, 50
FLAGS, PACKET_BYTES = slice(64, 68), slice(68, 72)
"""Of what the object of properties holds; the lowest bit of the flags: a broadcast, whose length nobody knew."""


def cut_end(path: Path) -> str:
    """What is missing at the end of the file; "" where nothing is, or it does not say how long it is."""
    size = path.stat().st_size
    with path.open("rb") as file:
        header = file.read(HEADER_HEAD)
        if header[:16] != HEADER:
            return ""
        while len(head := file.read(OBJECT_HEAD)) == OBJECT_HEAD:
            length = int.from_bytes(head[16:], "little")
            if length < OBJECT_HEAD:
                return ""
            if head[:16] == PROPERTIES:
                held = file.read(PACKET_BYTES.stop)
                missing = int.from_bytes(held[16:24], "little") - size
                is_broadcast = int.from_bytes(held[FLAGS], "little") & 1
                if is_broadcast:
                    return ""
                if missing > 0:
                    return f"the file is truncated; {missing} bytes are missing at its end"
                data = int.from_bytes(header[16:24], "little")
                return empty_end(file, data, int.from_bytes(held[PACKET_BYTES], "little"))
            file.seek(length - OBJECT_HEAD, 1)
    return ""


def empty_end(file: BinaryIO, data: int, packet_bytes: int) -> str:
    """Where the last packet of the data that begin at byte `data` is, if nothing was written into it; "" otherwise.

    A download that takes its space beforehand leaves it so; a packet begins with its lengths, and holds a time.
    """
    file.seek(data)
    head = file.read(DATA_HEAD)
    count = int.from_bytes(head[40:48], "little")
    last = data + DATA_HEAD + (count - 1) * packet_bytes
    if head[:16] != DATA or count == 0 or last + packet_bytes > file.seek(0, 2):
        return ""
    file.seek(last)
    is_empty = len(set(file.read(packet_bytes))) == 1
    return f"the file is damaged; its last packet, at byte {last}, is empty" if is_empty else ""
