"""Stored records as pandas frames: which dtype a type has, and Arrow data in these dtypes.

No value changes on the way: integers stay integers beside a null, a DECIMAL keeps every digit.
"""

import pandas as pd
import pyarrow as pa
from pandas.api.extensions import ExtensionDtype

from lakehouse_pipeline.contracts.types import PANDAS_NAMES, decimal_digits

_ARROW: dict[str, pa.DataType] = {
    "VARCHAR": pa.string(),
    "TINYINT": pa.int8(),
    "SMALLINT": pa.int16(),
    "INTEGER": pa.int32(),
    "BIGINT": pa.int64(),
    "DOUBLE": pa.float64(),
    "BOOLEAN": pa.bool_(),
    "DATE": pa.date32(),
    "TIMESTAMP WITH TIME ZONE": pa.timestamp("us", "UTC"),
    "TIME": pa.string(),
}
_BY_ARROW: dict[pa.DataType, ExtensionDtype] = {
    pa.int8(): pd.Int8Dtype(),
    pa.int16(): pd.Int16Dtype(),
    pa.int32(): pd.Int32Dtype(),
    pa.int64(): pd.Int64Dtype(),
    pa.float64(): pd.Float64Dtype(),
    pa.bool_(): pd.BooleanDtype(),
    pa.date32(): pd.ArrowDtype(pa.date32()),
    pa.string(): pd.StringDtype("pyarrow"),
    pa.large_string(): pd.StringDtype("pyarrow"),
    pa.string_view(): pd.StringDtype("pyarrow"),
}


def pandas_dtype(sql: str) -> ExtensionDtype:
    """Return the dtype that a column stored as the DuckDB type `sql` has in a frame."""
    if sql.startswith("DECIMAL"):
        return pd.ArrowDtype(pa.decimal128(*decimal_digits(sql)))
    dtype = pd.api.types.pandas_dtype(PANDAS_NAMES[sql])
    assert isinstance(dtype, ExtensionDtype)  # noqa: S101 - true of each entry of the table
    return dtype


def arrow_type(sql: str) -> pa.DataType:
    """Return the Arrow type of a column stored as the DuckDB type `sql`."""
    if sql.startswith("DECIMAL"):
        return pa.decimal128(*decimal_digits(sql))
    return _ARROW[sql]


def to_frame(records: pa.Table | pa.RecordBatch) -> pd.DataFrame:
    """Return `records` (stored types) as a frame with the dtypes of `pandas_dtype`; order kept."""
    frame: pd.DataFrame = records.to_pandas(types_mapper=_dtype_of, ignore_metadata=True)
    return frame


def _dtype_of(arrow: pa.DataType) -> ExtensionDtype | None:
    """Return the dtype of an Arrow column; None is Arrow's own choice (timestamps, in UTC)."""
    return pd.ArrowDtype(arrow) if pa.types.is_decimal(arrow) else _BY_ARROW.get(arrow)
