"""The chart's tests: see helm/README.md. Usage: python -m check [--bless], from helm/tests; .ci/chart-test calls it."""

import os
import sys
import time

from . import documents, golden, installed, refusals, schema, settings, watching

CHECKS = [golden.check, documents.check, refusals.check, schema.check, settings.check, installed.check, watching.check]


def main() -> int:
    """Runs every check; a failure is a line of text. `--bless` writes the golden files anew."""
    helms = os.environ["HELMS"].split()
    failures, passed = [], 0
    for check in CHECKS:
        start = time.monotonic()
        count, failed = check(helms, "--bless" in sys.argv)
        passed += count - len(failed)
        failures += failed
        name = check.__module__.removeprefix("check.")
        print(f"chart {name}: {count} checks, {len(failed)} failed, {time.monotonic() - start:.1f} s", flush=True)
    for failure in failures:
        print(f"chart: {failure}", file=sys.stderr)
    print(f"{passed} passed, {len(failures)} failed")
    return bool(failures)


sys.exit(main())
