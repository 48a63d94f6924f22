"""Writes the table of README.md from the comments of values.yaml. Usage: values_table.py VALUES README [--check]."""

import json
import re
import sys
from pathlib import Path

import yaml

BEGIN, END = "<!-- values -->\n", "<!-- /values -->\n"
KEY = re.compile(r"^( *)([A-Za-z_]+):")


def rows(text: str):
    """(path, default, comment) of every leaf, in the order of the file; an object's own comment comes before its keys."""
    values, path, comment = yaml.safe_load(text), [], []
    for line in text.splitlines():
        key = KEY.match(line)
        if line.strip().startswith("# "):
            comment.append(line.strip()[2:])
        elif key:
            path = [*path[: len(key.group(1)) // 2], key.group(2)]
            value = values
            for name in path:
                value = value[name]
            is_object = isinstance(value, dict) and line.rstrip().endswith(":")
            if not is_object or comment:
                yield ".".join(path), None if is_object else value, " ".join(comment)
            comment = []
        elif not line.strip():
            comment = []


def table(text: str) -> str:
    """The rows in Markdown."""
    lines = ["| value | default | meaning |", "| --- | --- | --- |"]
    for path, default, comment in rows(text):
        if not comment:
            sys.exit(f"values.yaml: {path} has no comment")
        shown = "" if default is None and path_is_object(text, path) else f"`{json.dumps(default, ensure_ascii=False)}`"
        lines.append(f"| `{path}` | {shown} | {comment.replace('|', chr(92) + '|')} |")
    return "\n".join(lines) + "\n"


def path_is_object(text: str, path: str) -> bool:
    """Whether keys follow."""
    value = yaml.safe_load(text)
    for name in path.split("."):
        value = value[name]
    return isinstance(value, dict)


def main() -> None:
    """Replaces what is between the marks, or says that it differs."""
    values, readme = Path(sys.argv[1]), Path(sys.argv[2])
    old = readme.read_text()
    before, rest = old.split(BEGIN)
    new = before + BEGIN + "\n" + table(values.read_text()) + "\n" + END + rest.split(END)[1]
    if "--check" not in sys.argv:
        readme.write_text(new)
    elif new != old:
        sys.exit("helm/queryfleet/README.md does not have what values.yaml says: make chart-docs")


main()
