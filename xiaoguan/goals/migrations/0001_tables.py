import django.db.models.deletion
import django.utils.timezone
from django.db import migrations, models

import xiaoguan.desk.fields


class Migration(migrations.Migration):
    replaces = [("goals", "0001_initial"), ("goals", "0002_initial")]

    initial = True

    dependencies = [
        ("people", "0001_tables"),
    ]

    operations = [
        migrations.CreateModel(
            name="GoalTarget",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "source",
                    models.CharField(
                        blank=True, default="", editable=False, max_length=40, verbose_name="source system"
                    ),
                ),
                (
                    "external_id",
                    models.CharField(editable=False, max_length=80, null=True, verbose_name="id in the source system"),
                ),
                ("version", models.PositiveIntegerField(default=1, editable=False)),
                (
                    "created_at",
                    models.DateTimeField(default=django.utils.timezone.now, editable=False, verbose_name="created"),
                ),
                (
                    "updated_at",
                    models.DateTimeField(default=django.utils.timezone.now, editable=False, verbose_name="changed"),
                ),
                (
                    "goal",
                    models.CharField(help_text="The goal's id in the policy.", max_length=60, verbose_name="goal"),
                ),
                (
                    "person",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="goals",
                        to="people.person",
                        verbose_name="person",
                    ),
                ),
                (
                    "team",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="goals",
                        to="people.team",
                        verbose_name="team",
                    ),
                ),
                ("starts_on", models.DateField(verbose_name="from")),
                ("ends_on", models.DateField(help_text="The first day after the period.", verbose_name="until")),
                ("value", xiaoguan.desk.fields.ExactField(places=4, verbose_name="target")),
                ("currency", models.CharField(blank=True, max_length=3, verbose_name="currency")),
                ("method", models.CharField(blank=True, max_length=160, verbose_name="how it came about")),
            ],
            options={
                "verbose_name": "goal",
                "verbose_name_plural": "goals",
                "abstract": False,
                "indexes": [
                    models.Index(fields=["goal", "starts_on", "ends_on"], name="goal_of_period"),
                    models.Index(fields=["-starts_on", "-id"], name="goal_list"),
                ],
                "constraints": [models.UniqueConstraint(fields=("external_id", "source"), name="goaltarget_source_id")],
            },
        ),
    ]
