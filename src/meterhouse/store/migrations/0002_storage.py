"""How the two large tables are laid down, where Django's way costs too much.

SQLite: without AUTOINCREMENT, which writes one more page with every batch. Rows are deleted oldest
first, so ids ascend in the order of recording without it. (A later migration that makes Django
rebuild one of these tables brings AUTOINCREMENT back: end it with ``lay_down``.)
PostgreSQL: what is small or compressed already is stored as it is, instead of being compressed.
"""

from django.db import migrations

TABLES = {"store_head": ("series", "at", "value"), "store_block": ("payload",)}


def lay_down(apps, schema_editor):
    with schema_editor.connection.cursor() as cursor:
        for table, blobs in TABLES.items():
            if schema_editor.connection.vendor == "sqlite":
                _without_autoincrement(cursor, table)
            else:
                for blob in blobs:
                    cursor.execute(f"ALTER TABLE {table} ALTER COLUMN {blob} SET STORAGE EXTERNAL")


def _without_autoincrement(cursor, table):
    cursor.execute("SELECT sql FROM sqlite_master WHERE type = 'table' AND name = %s", [table])
    (created,) = cursor.fetchone()
    cursor.execute(f"ALTER TABLE {table} RENAME TO {table}_before")
    cursor.execute(created.replace(" AUTOINCREMENT", ""))
    cursor.execute(f"INSERT INTO {table} SELECT * FROM {table}_before")
    cursor.execute(f"DROP TABLE {table}_before")


class Migration(migrations.Migration):
    dependencies = [("store", "0001_store")]

    operations = [migrations.RunPython(lay_down, migrations.RunPython.noop)]
