"""Dated holds. A series that has no row always had the hold that is in its own row: so a database
from before begins with no rows, and every figure stays what it was.
"""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("store", "0003_what_was_brought_along")]

    operations = [
        migrations.CreateModel(
            "Hold",
            [
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("series", models.BigIntegerField()),
                ("since_ms", models.BigIntegerField()),
                ("hold_ms", models.BigIntegerField()),
            ],
            options={
                "db_table": "store_hold",
                "constraints": [
                    models.UniqueConstraint(fields=["series", "since_ms"], name="store_hold_once"),
                ],
            },
        ),
    ]
