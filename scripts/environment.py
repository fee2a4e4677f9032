"""Writes environment.yml, for conda users, from requirements.lock.

Usage: python scripts/environment.py
"""

from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
HEAD = """\
# Made by scripts/environment.py from requirements.lock; do not edit. Untested: installing
# by conda was never run. Then: pip install --no-deps --editable .
name: aiops
channels: [conda-forge, nodefaults]
dependencies:
  - python=3.11
  - pip
  - uv
  - pip:
"""


def environment(lock: str) -> str:
    """The text of environment.yml for the text of a lock.

    >>> print(environment("numpy==2.4.6\\n").splitlines()[-1])
          - numpy==2.4.6
    """
    return HEAD + "".join(f"      - {line}\n" for line in lock.split())


if __name__ == "__main__":
    lock = (ROOT / "requirements.lock").read_text()
    (ROOT / "environment.yml").write_text(environment(lock))
