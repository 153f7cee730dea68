"""The tag that may come before the audio of a file: ID3v2."""


def id3_size(head: bytes) -> int:
    """Return the size in bytes of the ID3v2 tag that begins with ten given bytes, or 0."""
    if not head.startswith(b"ID3") or len(head) < 10:
        return 0
    a, b, c, d = head[6:10]  # four times seven bits
    footer = 10 if head[5] & 0x10 else 0
    return 10 + (a << 21 | b << 14 | c << 7 | d) + footer
