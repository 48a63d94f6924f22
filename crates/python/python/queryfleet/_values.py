"""Values that are less common, as text. The rest is converted in native code."""

import datetime
import decimal
from typing import Any, Tuple

# The largest TIME of MySQL and MariaDB.
_LONGEST = datetime.timedelta(hours=838, minutes=59, seconds=59)


def convert(value: Any, index: int) -> Tuple[str, str]:
    """("decimal", digits) or ("text", text) of a value of statement `index`."""
    if isinstance(value, int):
        return "decimal", str(value)
    if isinstance(value, decimal.Decimal):
        if not value.is_finite():
            raise ValueError(f"statement {index} has the value {value}, which the server has no number for")
        return "decimal", f"{value:f}"
    if isinstance(value, datetime.datetime):
        if value.tzinfo is not None:
            raise TypeError(
                f"statement {index} has a datetime with a time zone, which the server's types do not hold: "
                "convert it to the time zone of the column, and take the zone away with replace(tzinfo=None)"
            )
        return "text", value.isoformat(sep=" ")
    if isinstance(value, datetime.date):
        return "text", value.isoformat()
    if isinstance(value, datetime.timedelta):
        if abs(value) > _LONGEST:
            raise ValueError(f"statement {index} has the timedelta {value}: a TIME is at most 838:59:59")
        microseconds = abs(value) // datetime.timedelta(microseconds=1)
        seconds, microseconds = divmod(microseconds, 1_000_000)
        sign = "-" if value < datetime.timedelta(0) else ""
        text = f"{sign}{seconds // 3600:02}:{seconds // 60 % 60:02}:{seconds % 60:02}"
        return "text", f"{text}.{microseconds:06}" if microseconds else text
    raise TypeError(
        f"statement {index} has a value of type {type(value).__name__}: expected None, int, float, Decimal, str, bytes, "
        "date, datetime or timedelta"
    )
