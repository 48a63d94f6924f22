"""Writes the dashboards as Grafana takes them. Usage: write.py FOLDER."""

import json
import sys
from pathlib import Path

import fleet
import run


def line(value):
    """JSON in one line."""
    return json.dumps(value, ensure_ascii=False)


def text(dashboard):
    """JSON with a line for each key, and for each panel."""
    lines = [f"  {line(key)}: {line(value)}" for key, value in dashboard.items() if key != "panels"]
    panels = ",\n".join(f"    {line(panel)}" for panel in dashboard["panels"])
    return "{\n" + ",\n".join([*lines, f'  "panels": [\n{panels}\n  ]']) + "\n}\n"


for module in (fleet, run):
    (Path(sys.argv[1]) / f"{module.DASHBOARD['uid']}.json").write_text(text(module.DASHBOARD))
