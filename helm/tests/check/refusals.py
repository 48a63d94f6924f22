"""Values that cannot work are refused by the templates, with a message that says what to do."""

import re

from .helm import CHART, TESTS, template


def check(helms: list[str], _bless: bool) -> tuple[int, list[str]]:
    """Each file of refused/ is refused as its first line says; each `fail` of the templates is met by one of them."""
    failures, count, seen = [], 0, ""
    for path in sorted((TESTS / "refused").glob("*.yaml")):
        wanted = path.read_text().splitlines()[0].removeprefix("# error: ")
        for helm in helms:
            count += 1
            result = template(helm, path)
            seen += result.stderr
            if result.returncode == 0 or wanted not in result.stderr:
                failures.append(f"refused/{path.name}: {helm} said {result.stderr.strip() or 'nothing'!r}")
    for message in messages():
        count += 1
        if not re.search(message, seen):
            failures.append(f"no file of refused/ meets {message!r}")
    return count, failures


def messages() -> list[str]:
    """Every `fail` of the templates, as a pattern of its message."""
    text = "".join(path.read_text() for path in sorted((CHART / "templates").glob("**/*.tpl")))
    found = re.findall(r'\bfail \(?(?:printf )?"((?:[^"\\]|\\.)*)"', text)
    return [re.sub(r"%[dqs]", ".*", re.escape(message).replace("\\%", "%")) for message in found]
