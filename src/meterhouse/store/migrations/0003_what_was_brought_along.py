from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("store", "0002_storage")]

    operations = [
        migrations.AddField("series", "own_ms", models.BigIntegerField(null=True)),
    ]
