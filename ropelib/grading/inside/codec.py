"""What crosses the wall: one line of JSON and the raw bytes of its arrays, both bounded, both checked. No pickle.

A frame is {"head": …, "data": …, "bytes": n}, a line feed, and n bytes. Whoever reads one believes nothing of it:
a type, dtype, shape or size that is not listed here is an error, and so is a byte too many.
"""

import json
import math
import select
import socket
import sys
import time
from typing import Any

import numpy as np

LONGEST_LINE = 64 << 10
MOST_BYTES = 1 << 20
MOST_AXES = 8
DEEPEST = 8
DTYPES = (
    *("bool", "int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64"),
    *("float16", "float32", "float64", "longdouble", "complex64", "complex128", "clongdouble"),
)
BY_DTYPE = {np.dtype(name): name for name in reversed(DTYPES)}


class ProtocolError(Exception):
    """What arrived is no frame."""


class Closed(Exception):
    """The other side is gone."""


class TooLate(Exception):
    """The other side did not answer in time."""


def frame(head: dict[str, Any], data: Any = None, *, most_bytes: int = MOST_BYTES) -> bytes:
    """Pack a message. Raises ValueError for data that is not plain, or too large."""
    blobs: list[bytes] = []
    packed = pack(data, blobs)
    payload = b"".join(blobs)
    line = json.dumps({"head": head, "data": packed, "bytes": len(payload)}, allow_nan=False).encode()
    if len(line) > LONGEST_LINE or len(payload) > most_bytes:
        raise ValueError(
            f"a message may have {LONGEST_LINE} + {most_bytes} bytes, but got {len(line)} + {len(payload)}"
        )
    return line + b"\n" + payload


class Channel:
    """Frames over a socket, in both directions.

    most_bytes: of a payload that it receives
    inputs:     whether it receives what only inputs are: tensors, and scalars of NumPy
    """

    def __init__(self, connection: socket.socket, *, most_bytes: int = MOST_BYTES, inputs: bool = False) -> None:
        self._socket = connection
        self._most_bytes = most_bytes
        self._inputs = inputs
        self._buffer = bytearray()

    def send(self, message: bytes, seconds: float | None = None) -> None:
        """Send a packed frame. Raises TooLate or Closed where the other side does not take it."""
        deadline = _deadline(seconds)
        rest = memoryview(message)
        while rest:
            self._wait(select.POLLOUT, deadline)
            try:
                rest = rest[self._socket.send(rest, socket.MSG_DONTWAIT) :]
            except BlockingIOError:
                continue
            except OSError as error:
                raise Closed from error

    def receive(self, seconds: float | None = None) -> tuple[dict[str, Any], Any]:
        """The next frame → head, data. Raises TooLate, Closed or ProtocolError."""
        deadline = _deadline(seconds)
        while (end := self._buffer.find(b"\n")) < 0:
            if len(self._buffer) > LONGEST_LINE:
                raise ProtocolError("a line is too long")
            self._read(deadline)
        message = _parse(bytes(self._buffer[:end]))
        size = message["bytes"]
        if type(size) is not int or not 0 <= size <= self._most_bytes:
            raise ProtocolError("a payload is too large")
        while len(self._buffer) < end + 1 + size:
            self._read(deadline)
        payload = bytes(self._buffer[end + 1 : end + 1 + size])
        del self._buffer[: end + 1 + size]
        reader = Unpacker(payload, self._inputs)
        data = reader.unpack(message["data"])
        if reader.offset != size:
            raise ProtocolError("a payload has bytes that no array claims")
        return message["head"], data

    def close(self) -> None:
        self._socket.close()

    def _read(self, deadline: float | None) -> None:
        self._wait(select.POLLIN, deadline)
        try:
            received = self._socket.recv(1 << 16)
        except OSError as error:
            raise Closed from error
        if not received:
            raise Closed
        self._buffer += received

    def _wait(self, event: int, deadline: float | None) -> None:
        poll = select.poll()
        poll.register(self._socket, event)
        left = None if deadline is None else max(0, math.ceil(1000 * (deadline - time.monotonic())))
        if not poll.poll(left):
            raise TooLate


def _deadline(seconds: float | None) -> float | None:
    return None if seconds is None else time.monotonic() + seconds


def _parse(line: bytes) -> dict[str, Any]:
    try:
        message = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise ProtocolError("a line is not JSON") from error
    if not isinstance(message, dict) or message.keys() != {"head", "data", "bytes"}:
        raise ProtocolError("a line is not a frame")
    if not isinstance(message["head"], dict):
        raise ProtocolError("a frame has no head")
    return message


def pack(value: Any, blobs: list[bytes]) -> Any:
    """Plain data as JSON: [tag, …] for what JSON has no word for."""
    if value is None or type(value) in (bool, str):
        return value
    if type(value) is int:
        return ["int", hex(value)]
    if type(value) is float:
        return ["float", value.hex()]
    if type(value) is complex:
        return ["complex", value.real.hex(), value.imag.hex()]
    if type(value) in (list, tuple):
        return [type(value).__name__, *(pack(item, blobs) for item in value)]
    if type(value) is dict and all(type(key) is str for key in value):
        return ["dict", {key: pack(item, blobs) for key, item in value.items()}]
    if type(value) is np.ndarray and value.dtype.newbyteorder("=") in BY_DTYPE:
        native = np.ascontiguousarray(value, dtype=value.dtype.newbyteorder("="))
        blobs.append(native.tobytes())
        return ["array", BY_DTYPE[native.dtype], list(value.shape)]
    if isinstance(value, np.generic) and value.dtype in BY_DTYPE:
        return ["scalar", pack(np.array(value), blobs)]
    torch = sys.modules.get("torch")
    if torch is not None and type(value) is torch.Tensor:
        blobs.append(value.detach().contiguous().reshape(-1).view(torch.uint8).numpy().tobytes())
        return ["tensor", str(value.dtype).removeprefix("torch."), list(value.shape)]
    raise ValueError(f"data must be plain, but got {type(value).__name__}")


class Unpacker:
    """Plain data from JSON and the payload, each byte of which belongs to one array."""

    def __init__(self, payload: bytes, inputs: bool) -> None:
        self._payload = payload
        self._inputs = inputs
        self.offset = 0

    def unpack(self, packed: Any, depth: int = 0) -> Any:
        if packed is None or type(packed) in (bool, str):
            return packed
        if type(packed) is not list or not packed or depth > DEEPEST:
            raise ProtocolError("a value is none of the known kinds")
        tag, rest = packed[0], packed[1:]
        try:
            if tag in ("list", "tuple"):
                items = [self.unpack(item, depth + 1) for item in rest]
                return items if tag == "list" else tuple(items)
            if tag == "dict":
                return {key: self.unpack(item, depth + 1) for key, item in rest[0].items()}
            if tag == "array":
                return self._array(*rest)
            if tag == "tensor" and self._inputs:
                return self._tensor(*rest)
            if tag == "scalar" and self._inputs:
                return self.unpack(rest[0], DEEPEST)[()]
            return _NUMBERS[tag](*rest)
        except (KeyError, IndexError, TypeError, ValueError, AttributeError, OverflowError) as error:
            raise ProtocolError("a value is malformed") from error

    def _array(self, dtype: str, shape: list[int]) -> np.ndarray:
        if dtype not in DTYPES:
            raise ProtocolError("a dtype is not one of those allowed")
        raw = self._take(np.dtype(dtype).itemsize, shape)
        return np.frombuffer(bytearray(raw), dtype=dtype).reshape(shape)

    def _tensor(self, dtype: str, shape: list[int]) -> Any:
        import torch

        empty = torch.empty(shape, dtype=getattr(torch, dtype))
        raw = self._take(empty.element_size(), shape)
        return torch.frombuffer(bytearray(raw), dtype=empty.dtype).reshape(shape) if raw else empty

    def _take(self, itemsize: int, shape: list[int]) -> bytes:
        axes = (
            type(shape) is list and len(shape) <= MOST_AXES and all(type(n) is int and 0 <= n < 1 << 31 for n in shape)
        )
        if not axes:
            raise ProtocolError("a shape is malformed")
        start, self.offset = self.offset, self.offset + itemsize * math.prod(shape)
        if self.offset > len(self._payload):
            raise ProtocolError("an array is larger than the payload")
        return self._payload[start : self.offset]


def _integer(text: str) -> int | float:
    """Integers that fit 64 bits stay what they are; NumPy has no larger ones, so those become floats."""
    number = int(text, 16)
    if -(1 << 63) <= number < 1 << 63:
        return number
    return float(number) if abs(number) < 1 << 1023 else math.inf if number > 0 else -math.inf


_NUMBERS = {
    "int": _integer,
    "float": float.fromhex,
    "complex": lambda real, imag: complex(float.fromhex(real), float.fromhex(imag)),
}
