"""Dashboards from short descriptions: what is the same in all panels is written once."""

from itertools import count

DATASOURCE = {"type": "prometheus", "uid": "${datasource}"}


def panel(title, description, unit, *queries, kind="timeseries", width=8, height=7, **options):
    """A panel: `queries` are (legend, expression); `unit` is Grafana's name of a unit."""
    return {
        "title": title, "description": description, "type": kind, "datasource": DATASOURCE, "width": width,
        "height": height, "options": OPTIONS[kind],
        "fieldConfig": {"defaults": {"unit": unit, **DEFAULTS.get(kind, {}), **options}, "overrides": []},
        "targets": [target(letter, legend, text, kind) for letter, (legend, text) in zip("ABCDEF", queries)],
    }  # fmt: skip


def stat(title, description, unit, expression, red_from=None):
    """A single number, red from `red_from` on."""
    steps = [{"color": "green", "value": None}]
    steps += [{"color": "red", "value": red_from}] if red_from is not None else []
    thresholds = {"mode": "absolute", "steps": steps}
    return panel(title, description, unit, ("", expression), kind="stat", width=3, height=4, thresholds=thresholds)


def row(title, *panels):
    """A row with its panels, from left to right."""
    return title, panels


def dashboard(uid, title, description, rows, annotations):
    """The whole dashboard, with the variables that the expressions use."""
    return {
        "uid": uid, "title": title, "description": description, "tags": ["queryfleet"], "editable": True,
        "schemaVersion": 39, "refresh": "30s", "time": {"from": "now-1h", "to": "now"}, "timezone": "browser",
        "graphTooltip": 1, "templating": {"list": VARIABLES},
        "annotations": {"list": [annotation(*each) for each in annotations]},
        "panels": list(placed(rows)),
    }  # fmt: skip


def placed(rows):
    """The panels with numbers and places; Grafana's grid is 24 wide."""
    numbers, y = count(1), 0
    for title, panels in rows:
        yield {
            "id": next(numbers),
            "type": "row",
            "title": title,
            "collapsed": False,
            "panels": [],
            "gridPos": place(0, y, 24, 1),
        }
        x, y, tallest = 0, y + 1, 0
        for each in panels:
            each = dict(each)
            width, height = each.pop("width"), each.pop("height")
            if x + width > 24:
                x, y, tallest = 0, y + tallest, 0
            yield {"id": next(numbers), **each, "gridPos": place(x, y, width, height)}
            x, tallest = x + width, max(tallest, height)
        y += tallest


def place(x, y, w, h):
    """A panel's place."""
    return {"x": x, "y": y, "w": w, "h": h}


def target(letter, legend, expression, kind):
    """One query."""
    shape = "heatmap" if kind == "heatmap" else "time_series"
    single = {"instant": True, "range": False} if kind == "stat" else {"range": True}
    return {
        "refId": letter,
        "datasource": DATASOURCE,
        "expr": " ".join(expression.split()),
        "legendFormat": legend,
        "format": shape,
        **single,
    }


def annotation(name, expression, text, color):
    """A mark on all panels wherever the expression has a value."""
    return {
        "name": name, "datasource": DATASOURCE, "enable": True, "iconColor": color, "expr": " ".join(expression.split()),
        "titleFormat": name, "textFormat": text, "step": "60s",
    }  # fmt: skip


def variable(name, label, query, **more):
    """A variable filled from the labels of a series, refreshed with the time range."""
    return {
        "name": name, "label": label, "type": "query", "datasource": DATASOURCE, "definition": query,
        "query": {"query": query, "refId": name}, "refresh": 2, "sort": 1, "multi": True, "includeAll": True,
        "current": {"text": ["All"], "value": ["$__all"]}, **more,
    }  # fmt: skip


LEGEND = {"displayMode": "list", "placement": "bottom", "showLegend": True}
OPTIONS = {
    "timeseries": {"legend": LEGEND, "tooltip": {"mode": "multi", "sort": "desc"}},
    "stat": {
        "reduceOptions": {"calcs": ["lastNotNull"], "fields": "", "values": False},
        "colorMode": "value",
        "graphMode": "none",
    },
    "heatmap": {
        "calculate": False,
        "yAxis": {"unit": "s"},
        "color": {"mode": "scheme", "scheme": "Oranges", "steps": 64},
        "cellGap": 1,
    },
}
DEFAULTS = {"timeseries": {"min": 0, "custom": {"fillOpacity": 10, "showPoints": "never", "spanNulls": False}}}

VARIABLES = [
    {"name": "datasource", "label": "Data source", "type": "datasource", "query": "prometheus", "current": {}},
    # Where nothing has the label, as in compose.yaml, All still means all.
    variable("namespace", "Namespace", "label_values(queryfleet_build_info, namespace)", allValue=".*"),
    variable("queue", "Queue", 'label_values(queryfleet_slots{namespace=~"$namespace"}, queue)'),
]
