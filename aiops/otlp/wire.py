"""The little of protobuf's wire format that is written by hand."""


def field(number: int, content: bytes) -> bytes:
    """A length-delimited field.

    >>> field(2, b"hi")
    b'\\x12\\x02hi'
    """
    return _varint(number << 3 | 2) + _varint(len(content)) + content


def _varint(number: int) -> bytes:
    out = bytearray()
    while number > 127:
        out.append(number & 127 | 128)
        number >>= 7
    out.append(number)
    return bytes(out)
