"""Everything that a backend on SQLite keeps of users and keys, a line a thing: the database, and the files of the operator.

It tells secrets by their digests alone, since a test that fails prints what differs. That something was refused is noted in the audit,
and is no change.
"""

import hashlib
import pathlib
import sqlite3
import sys


def digest(content):
    return hashlib.sha256(content).hexdigest()


data = pathlib.Path(sys.argv[1])
base = sqlite3.connect(f"file:{data}/relais.db?mode=ro", uri=True)
with base:
    base.execute("BEGIN")
    for (table,) in base.execute("SELECT name FROM sqlite_schema WHERE type = 'table' ORDER BY name").fetchall():
        wanted = "WHERE outcome != 'refused'" if table == "audit" else ""
        cursor = base.execute(f'SELECT * FROM "{table}" {wanted}')
        columns = [column[0] for column in cursor.description]
        for row in sorted(repr(row) for row in cursor):
            print(table, ",".join(columns), digest(row.encode()))
for path in sorted([*data.glob("nsc/**/*"), data / "setup-token", data / "access.key"]):
    if path.is_file():
        print(path.relative_to(data), digest(path.read_bytes()))
