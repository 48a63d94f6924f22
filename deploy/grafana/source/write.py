"""Writes the dashboards as Grafana takes them. Usage: write.py FOLDER."""

import json
import sys
from pathlib import Path

import fleet
import run

for module in (fleet, run):
    dashboard = module.DASHBOARD
    text = json.dumps(dashboard, indent=2, ensure_ascii=False) + "\n"
    (Path(sys.argv[1]) / f"{dashboard['uid']}.json").write_text(text)
