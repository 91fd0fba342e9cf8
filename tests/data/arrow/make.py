"""Writes the files of this folder: the same six events by Polars and by pyarrow, in each way that matters.

    python3 -m venv /tmp/v && /tmp/v/bin/pip install polars==2.1.0 pyarrow==26.0.1 && /tmp/v/bin/python make.py
"""
import datetime as dt
import decimal
import pathlib

import polars as pl
import pyarrow as pa

HERE = pathlib.Path(__file__).parent
START = dt.datetime(2026, 3, 2, 12, tzinfo=dt.timezone.utc)
TIMES = [START + dt.timedelta(seconds=second) for second in range(6)]
MODELS = ["a", "b", "a", "b", "a", "a"]
NUMBERS = [0.5, 1.5, None, 3.5, 4.5, 5.5]
WORDS = ["stop", "stop", "length", None, "stop", "length"]
FLAGS = [True, False, None, True, True, False]
LISTS = [[1.0, 2.0]] * 6

frame = pl.DataFrame(
    {
        "ts": TIMES,
        "model": pl.Series(MODELS, dtype=pl.Categorical),
        "number": pl.Series(NUMBERS, dtype=pl.Float32),
        "price": pl.Series([None if n is None else decimal.Decimal(str(n)) for n in NUMBERS], dtype=pl.Decimal(10, 2)),
        "word": pl.Series(WORDS, dtype=pl.Enum(["stop", "length"])),
        "text": WORDS,
        "flag": FLAGS,
        "list": pl.Series(LISTS, dtype=pl.Array(pl.Float32, 2)),
        "took": [dt.timedelta(milliseconds=5)] * 6,
        "nothing": pl.Series([None] * 6),
    }
)
for compression in ["uncompressed", "lz4", "zstd"]:
    frame.write_ipc(HERE / f"polars_{compression}.arrow", compression=compression)
frame.write_ipc_stream(HERE / "polars_stream.arrows", compression="zstd")

table = pa.table(
    {
        "ts": pa.array(TIMES, pa.timestamp("us", "UTC")),
        "model": pa.array(MODELS).dictionary_encode(),
        "number": pa.array(NUMBERS, pa.float32()),
        "price": pa.array([None if n is None else decimal.Decimal(str(n)) for n in NUMBERS], pa.decimal128(10, 2)),
        "word": pa.RunEndEncodedArray.from_arrays([2, 3, 4, 5, 6], ["stop", "length", None, "stop", "length"]),
        "text": pa.array(WORDS, pa.string_view()),
        "flag": pa.array(FLAGS),
        "list": pa.array(LISTS, pa.list_(pa.float32(), 2)),
        "took": pa.array([dt.timedelta(milliseconds=5)] * 6, pa.duration("ms")),
        "nothing": pa.nulls(6),
    }
)
for compression in [None, "lz4", "zstd"]:
    options = pa.ipc.IpcWriteOptions(compression=compression)
    with pa.ipc.new_file(HERE / f"pyarrow_{compression or 'plain'}.arrow", table.schema, options=options) as writer:
        writer.write_table(table, max_chunksize=4)
with pa.ipc.new_stream(HERE / "pyarrow_stream.arrows", table.schema) as writer:
    writer.write_table(table, max_chunksize=4)
