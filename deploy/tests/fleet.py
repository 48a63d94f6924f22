"""Workers, and a run in which everything happens, on the servers that the environment names."""

import os
import re
import subprocess
from pathlib import Path

from ports import free_port

# A short deadline, so that the run takes half a minute; tiers longer than the 5 s between two looks of the exporter.
SETTINGS = {
    "QUERYFLEET_RETRY_TIERS": "6s,7s",
    "QUERYFLEET_MAX_ATTEMPTS": "3",
    "QUERYFLEET_STATEMENT_TIMEOUT": "2s",
    "QUERYFLEET_RUN_POLL_INTERVAL": "200ms",
}
TABLE = ["CREATE TABLE IF NOT EXISTS panel (id INT PRIMARY KEY, n INT NOT NULL) ENGINE=InnoDB"]
WORK = [
    *("SELECT SLEEP(30)" for _ in range(4)),  # past the deadline, each time
    *(f"INSERT INTO panel VALUES ({number}, 0)" for number in range(3000)),
    *(f"INSERT INTO panel VALUES (-1, {number}), (-1, {number})" for number in range(3)),  # a duplicate key
    *("DO SLEEP(0.1)" for _ in range(400)),
]


class Fleet:
    """Workers that are ended at the end of a `with`."""

    def __init__(self, program, folder: Path):
        self.program, self.folder, self.workers = program, folder, []
        self.environment = {**os.environ, **SETTINGS}

    def __enter__(self):
        self.command("setup")
        return self

    def __exit__(self, *_):
        for worker in self.workers:
            worker.terminate()
        for worker in self.workers:
            worker.wait(timeout=60)

    def command(self, *arguments, check=True):
        """One command of queryfleet, and its exit code."""
        return subprocess.run([self.program, *arguments], env=self.environment, check=check).returncode

    def start_workers(self, count):
        """Workers with two slots each; their addresses."""
        addresses = [f"127.0.0.1:{free_port()}" for _ in range(count)]
        for number, address in enumerate(addresses):
            environment = {**self.environment, "QUERYFLEET_METRICS_LISTEN": address}
            with (self.folder / f"worker-{number}.log").open("w") as log:
                call = [self.program, "work", "--slots", "2"]
                self.workers.append(subprocess.Popen(call, env=environment, stderr=log))
        return addresses

    def run_all(self):
        """Publishes the run and waits for its end: the exit code."""
        for name, lines, options in (("table", TABLE, ["--not-atomic=repeat"]), ("panels", WORK, [])):
            path = self.folder / f"{name}.sql"
            path.write_text("".join(f"{line};\n" for line in lines))
            self.command("publish", str(path), "--run", name, *options)
            code = self.command("wait", name, "--timeout", "5m", check=False)
        return code

    def exporter(self):
        """Where the private broker's exporter is: its configuration has the port beside that of the URL."""
        port = re.search(r":(\d+)/", self.environment["QUERYFLEET_AMQP_URL"]).group(1)
        for process in Path("/proc").glob("[0-9]*/environ"):
            try:
                variables = process.read_bytes().decode(errors="replace").split("\0")
            except OSError:
                continue  # Somebody else's, or gone.
            files = [each.partition("=")[2] for each in variables if each.startswith("RABBITMQ_CONFIG_FILE=")]
            for text in (Path(file).read_text() for file in files if Path(file).is_file()):
                if f":{port}\n" in text:
                    return "127.0.0.1:" + re.search(r"prometheus.tcp.port = (\d+)", text).group(1)
        raise LookupError(f"no broker of this machine listens on {port}")
