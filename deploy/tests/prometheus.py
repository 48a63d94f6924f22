"""A private Prometheus."""

import json
import math
import subprocess
import time
import urllib.parse
import urllib.request

from ports import free_port


class Prometheus:
    """Scrapes `targets` (job → addresses) and evaluates the alerts of `rules` every second, until the end of a `with`."""

    def __init__(self, binary, folder, targets, rules):
        self.port = free_port()
        config = folder / "prometheus.json"
        config.write_text(
            json.dumps(
                {
                    "global": {"scrape_interval": "1s", "evaluation_interval": "1s"},
                    "rule_files": [str(rules)],
                    "scrape_configs": [scrape(*each) for each in targets.items()],
                }
            )
        )
        storage, listen = f"--storage.tsdb.path={folder / 'tsdb'}", f"--web.listen-address=127.0.0.1:{self.port}"
        self.log = (folder / "prometheus.log").open("w")
        self.process = subprocess.Popen(
            [binary, f"--config.file={config}", storage, listen], stderr=self.log, cwd=folder
        )

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.terminate()
        self.process.wait(timeout=30)
        self.log.close()

    def ask(self, path, **parameters):
        """The result of a query; an error of Prometheus is an error here."""
        return self.data(path, **parameters)["result"]

    def data(self, path, **parameters):
        """What the API answers."""
        url = f"http://127.0.0.1:{self.port}/api/v1/{path}?{urllib.parse.urlencode(parameters)}"
        with urllib.request.urlopen(url, timeout=30) as response:
            return json.load(response)["data"]

    def rules(self):
        """The rules, each with its health and its last error."""
        return [rule for group in self.data("rules")["groups"] for rule in group["rules"]]

    def values(self, expression, start, end):
        """Every number that the expression has in that time."""
        series = self.ask("query_range", query=expression, start=start, end=end, step=1)
        numbers = [float(value) for each in series for _, value in each["values"]]
        return [number for number in numbers if not math.isnan(number)]

    def wait_for(self, expression, seconds=60):
        """Until the expression has a value."""
        deadline = time.monotonic() + seconds
        while True:
            try:
                if self.ask("query", query=expression):
                    return
            except OSError:
                pass  # It is only starting.
            if time.monotonic() > deadline:
                raise TimeoutError(f"Prometheus never saw {expression}")
            time.sleep(0.2)


def scrape(job, addresses):
    """The configuration of one job."""
    config = {"job_name": job, "static_configs": [{"targets": addresses}]}
    if job == "rabbitmq":
        families = ["queue_coarse_metrics", "queue_consumer_count"]
        config.update(metrics_path="/metrics/detailed", params={"family": families})
    return config
