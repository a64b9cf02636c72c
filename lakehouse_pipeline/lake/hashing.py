"""HMAC-SHA256 (RFC 2104) over Arrow texts: `sha256(opad || sha256(ipad || text))`.

DataFusion computes it with the processor's SHA instructions, four times as fast as DuckDB's
`sha256` (docs/decisions/0005-hashing.md). The key never stands in an SQL text.
"""

import pyarrow as pa
import pyarrow.compute as pc

HASH_BLOCK_BYTES = 64
"""Block size of SHA-256, to which an HMAC key is padded."""

_TEXT, _HASH = "text", "hash"


class HashingError(RuntimeError):
    """A hash could not be computed; what the engine said is withheld, it could show the key."""

    def __init__(self) -> None:
        super().__init__("DataFusion could not compute a hash; its message may show the key")


class Hasher:
    """Hashes texts under one key of at most 64 bytes."""

    def __init__(self, key: bytes) -> None:
        # DataFusion loads pandas; a process that hashes nothing need not hold either
        from datafusion import SessionContext, col, lit  # noqa: PLC0415
        from datafusion import functions as f  # noqa: PLC0415

        padded = key.ljust(HASH_BLOCK_BYTES, b"\0")
        inner, outer = (
            lit(pa.scalar(bytes(byte ^ pad for byte in padded), pa.binary()))
            for pad in (0x36, 0x5C)
        )
        digest = f.sha256(f.concat(outer, f.sha256(f.concat(inner, col(_TEXT)))))
        self._hash = f.encode(digest, "hex").alias(_HASH)
        self._context = SessionContext()

    def hashed(self, texts: pa.Array) -> pa.Array:
        """Return 64 lower-case hexadecimal digits per text, null for null; order kept."""
        table = pa.table({_TEXT: texts.cast(pa.binary())})
        try:
            result = self._context.from_arrow(table).select(self._hash).to_arrow_table()
        except Exception:  # noqa: BLE001 the message may quote the key
            raise HashingError from None
        hashes = result[_HASH].cast(pa.string()).combine_chunks()
        if texts.null_count:  # DataFusion's concat takes null for the empty text
            hashes = pc.if_else(texts.is_valid(), hashes, pa.scalar(None, pa.string()))
        return hashes
