"""Results as tables of pandas, which need not be installed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pandas

    from .core.synchrony import BatchResult

TABLES = ("balances", "stages", "conservation", "conflicts", "chunks")


def frame(result: BatchResult, table: str) -> pandas.DataFrame:
    """One table of a result."""
    if table not in TABLES:
        raise ValueError(f"there is no table {table!r}; there are {', '.join(TABLES)}")
    try:
        import pandas
    except ImportError as error:
        raise ImportError("to_pandas() needs pandas: pip install pandas") from error
    columns, rows = _rows(result, table)
    # Amounts stay what they are: `object` columns of Decimal, never floats.
    data = {name: pandas.Series([row[n] for row in rows], dtype=kind) for n, (name, kind) in enumerate(columns)}
    return pandas.DataFrame(data)


def _rows(result: BatchResult, table: str) -> tuple[list[tuple[str, str]], list[tuple[Any, ...]]]:
    exact, word = "object", "object"
    if table == "balances":
        columns = [("account", word), ("asset", word), ("field", word)]
        columns += [("before", exact), ("after", exact), ("change", exact), ("unbounded", "bool")]
        return columns, [
            (one.account, one.asset, one.field, one.before, one.after, one.change, one.unbounded)
            for one in result.balances
        ]
    if table == "stages":
        columns = [("number", "int64"), ("name", word), ("seconds", "float64")]
        return columns, [(one.number, one.name, one.seconds) for one in result.stages]
    if table == "conservation":
        columns = [("asset", word), ("before", exact), ("after", exact), ("difference", exact)]
        sums = result.conservation_proof.assets if result.conservation_proof else ()
        return columns, [(one.asset, one.before, one.after, one.difference) for one in sums]
    batches = result.to_dict()["batches"]
    batch: dict[str, Any] = batches[0] if batches else {}
    if table == "conflicts":
        columns = [("place", word), ("raw", "int64"), ("waw", "int64"), ("war", "int64"), ("ordering", word)]
        top = (batch.get("conflicts") or {}).get("top", [])
        return columns, [
            (one["place"], *(one["pairs"][kind] for kind in ("raw", "waw", "war")), one["ordering"])
            for one in top
        ]
    columns = [("thread", "int64"), ("start_ns", "int64"), ("end_ns", "int64"), ("first", "int64"), ("count", "int64")]
    keys = [name for name, _ in columns]
    return columns, [tuple(one[key] for key in keys) for one in batch.get("chunks", [])]
