"""Scores by indicator, for tables of many people."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("appraisal", "0001_appraisals"),
    ]

    operations = [
        migrations.AddField(
            model_name="appraisalrecord",
            name="points",
            field=models.JSONField(default=dict, editable=False),
        ),
    ]
