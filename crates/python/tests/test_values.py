"""Queries and their values: what is bound arrives as it is, or is refused with its index."""

import datetime
import decimal
import enum

import pytest

import queryfleet
from queryfleet import Pool, StatementError

D = decimal.Decimal
TABLE = """CREATE OR REPLACE TABLE v (
    id INT PRIMARY KEY, i BIGINT, u BIGINT UNSIGNED, d DECIMAL(65, 30), f DOUBLE, s TEXT CHARACTER SET utf8mb4,
    b BLOB, day DATE, at DATETIME(6), took TIME(6))"""


class Colour(enum.IntEnum):
    RED = 3


@pytest.mark.parametrize(
    "column, value, seen",
    [
        ("i", None, "NULL"),
        ("i", -(2**63), str(-(2**63))),
        ("i", True, "1"),
        ("i", Colour.RED, "3"),
        ("u", 2**64 - 1, str(2**64 - 1)),
        ("d", 10**34, f"{10**34}.{'0' * 30}"),
        ("d", -(2**70), f"{-(2**70)}.{'0' * 30}"),
        ("d", D("-12.50"), f"-12.50{'0' * 28}"),
        ("d", D("1E+3"), f"1000.{'0' * 30}"),
        ("d", D("1E-30"), f"0.{'0' * 29}1"),
        ("f", 0.1, "0.1"),
        ("f", -1.5e300, "-1.5e300"),
        ("s", "it's \\ \"quoted\" 😀 \t", "it's \\ \"quoted\" 😀 \t"),
        ("s", "", ""),
        ("b", b"\x00\xff'", "00FF27"),
        ("b", b"", ""),
        ("day", datetime.date(2026, 2, 28), "2026-02-28"),
        ("at", datetime.datetime(2026, 11, 27, 10, 15), "2026-11-27 10:15:00.000000"),
        ("at", datetime.datetime(1, 1, 1, 0, 0, 0, 1), "0001-01-01 00:00:00.000001"),
        ("took", datetime.timedelta(hours=838, minutes=59, seconds=59), "838:59:59.000000"),
        ("took", -datetime.timedelta(microseconds=1), "-00:00:00.000001"),
        ("took", datetime.timedelta(days=-1, seconds=1), "-23:59:59.000000"),
    ],
)
def test_a_value_arrives_as_it_is(fleet, sql, column, value, seen):
    sql(TABLE)
    with Pool(1) as pool:
        pool.map([(f"INSERT INTO v (id, {column}) VALUES (?, ?)", [1, value])], again=True)
    shown = f"HEX({column})" if column == "b" else column
    row = sql(f"SELECT {shown} FROM v")[0] if value is not None else sql("SELECT IFNULL(i, 'NULL') FROM v")[0]
    if column == "s":
        assert sql(f"SELECT s = CAST(0x{value.encode().hex() or '00'} AS CHAR CHARACTER SET utf8mb4) OR s = '' FROM v") == [["1"]]
    else:
        assert row == ([seen] if seen else [""])


@pytest.mark.parametrize(
    "query, kind, said",
    [
        (b"DO 1", TypeError, "statement 1 is of type bytes"),
        (None, TypeError, "statement 1 is of type NoneType"),
        (("DO ?",), TypeError, "statement 1 is of type tuple"),
        (("DO ?", {"a": 1}), TypeError, "the values of statement 1 are of type dict"),
        (("DO ?", "x"), TypeError, "the values of statement 1 are of type str"),
        (("DO ?", [[1]]), TypeError, "statement 1 has a value of type list"),
        (("DO ?", [object()]), TypeError, "statement 1 has a value of type object"),
        (("DO ?", [1j]), TypeError, "statement 1 has a value of type complex"),
        (("DO %s", [1]), ValueError, "those of queryfleet are ?"),
        (("DO ?", [float("nan")]), StatementError, "statement 1: a value is NaN"),
        (("DO ?", [D("Infinity")]), ValueError, "statement 1 has the value Infinity"),
        (("DO ?", [10**70 + 1]), StatementError, "more digits than a server"),
        (("DO ?", ["\ud800"]), ValueError, "statement 1 holds a text that is none"),
        (("DO ?", [datetime.datetime.now(datetime.timezone.utc)]), TypeError, "time zone"),
        (("DO ?", [datetime.timedelta(hours=839)]), ValueError, "at most 838:59:59"),
        (("DO ?, ?", [1]), StatementError, "statement 1: "),
        ("DO 1; DO 2", StatementError, "statement 1: "),
        ("", StatementError, "statement 1: "),
        ("DELETE FROM v", StatementError, "statement 1: "),
    ],
)
def test_what_is_none_is_refused_with_its_index_and_nothing_is_published(fleet, sql, query, kind, said):
    before = fleet.runs(1)
    with pytest.raises(kind) as raised:
        queryfleet.publish(iter(["DO 1", query, "DO 2"]), run="refused")
    assert said in str(raised.value)
    if kind is StatementError:
        assert raised.value.index == 1
    assert fleet.runs(1) == before


def test_an_exception_of_the_generator_comes_back_as_it_was(fleet):
    class Ours(Exception):
        pass

    def queries():
        yield "DO 1"
        raise Ours("no more")

    before = fleet.runs(1)
    with pytest.raises(Ours, match="no more"):
        queryfleet.publish(queries(), run="raising")
    with Pool(1) as pool, pytest.raises(Ours):
        pool.map(queries(), run="raising")
    with Pool(1) as pool, pytest.raises(Ours):
        list(pool.imap_unordered(queries(), run="raising"))
    assert fleet.runs(1) == before


def test_queries_that_are_no_iterable_are_refused(fleet):
    for queries in ("DO 1", b"DO 1", 7, None):
        with pytest.raises(TypeError):
            queryfleet.publish(queries)
    with pytest.raises(TypeError, match="unknown option chunk:"):
        queryfleet.publish(["DO 1"], chunk=1)
    with pytest.raises(queryfleet.Error, match="no statement"):
        queryfleet.publish([])
