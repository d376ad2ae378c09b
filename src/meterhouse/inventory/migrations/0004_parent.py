"""Parents get dates. What is below what now is taken to have been so since ever."""

import django.db.models.deletion
from django.apps.registry import Apps
from django.db import migrations, models
from django.db.backends.base.schema import BaseDatabaseSchemaEditor

from meterhouse.inventory.facts import FOREVER

CHUNK = 500


def fill(apps: Apps, schema_editor: BaseDatabaseSchemaEditor) -> None:
    """One row a project, so that every figure stays as it was."""
    project, parent = (apps.get_model("inventory", name) for name in ("Project", "Parent"))
    using = schema_editor.connection.alias
    rows = project.objects.using(using).values_list("id", "parent_id")
    parent.objects.using(using).bulk_create(
        (parent(project_id=each, parent_id=above, start_ms=0) for each, above in rows),
        batch_size=CHUNK,
    )


class Migration(migrations.Migration):
    dependencies = [
        ("inventory", "0003_what_changed"),
    ]

    operations = [
        migrations.CreateModel(
            name="Parent",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("start_ms", models.BigIntegerField()),
                ("end_ms", models.BigIntegerField(default=FOREVER)),
                ("withdrawn_ms", models.BigIntegerField(null=True)),
                (
                    "listing",
                    models.ForeignKey(
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        to="inventory.listing",
                    ),
                ),
                (
                    "parent",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.RESTRICT,
                        related_name="held",
                        to="inventory.project",
                    ),
                ),
                (
                    "project",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="places",
                        to="inventory.project",
                    ),
                ),
            ],
            options={
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(end_ms__gt=models.F("start_ms")),
                        name="parent_ends_after_it_starts",
                    )
                ],
                "indexes": [models.Index(fields=["end_ms", "start_ms"], name="parent_period")],
            },
        ),
        migrations.RunPython(fill, migrations.RunPython.noop, elidable=False),
    ]
