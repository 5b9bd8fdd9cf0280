import django.db.models.deletion
import django.utils.timezone
from django.db import migrations, models

import xiaoguan.desk.fields


class Migration(migrations.Migration):
    replaces = [("incentive", "0001_disputes")]

    initial = True

    dependencies = [
        ("people", "0001_tables"),
        ("rulebook", "0001_tables"),
    ]

    operations = [
        migrations.CreateModel(
            name="Dispute",
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
                ("subject", models.CharField(editable=False, max_length=240, verbose_name="subject")),
                (
                    "statement",
                    models.ForeignKey(
                        editable=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="disputes",
                        to="rulebook.paystatement",
                        verbose_name="statement",
                    ),
                ),
                (
                    "person",
                    models.ForeignKey(
                        editable=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="disputes",
                        to="people.person",
                        verbose_name="person",
                    ),
                ),
                (
                    "result",
                    models.ForeignKey(
                        editable=False,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        to="rulebook.result",
                        verbose_name="result",
                    ),
                ),
                ("frozen", models.JSONField(default=dict, editable=False)),
                ("text", models.TextField(editable=False, verbose_name="what is not right")),
                ("disputed", xiaoguan.desk.fields.MoneyField(editable=False, verbose_name="disputed amount")),
                (
                    "expected",
                    xiaoguan.desk.fields.MoneyField(editable=False, null=True, verbose_name="expected amount"),
                ),
                ("currency", models.CharField(editable=False, max_length=3, verbose_name="currency")),
                ("filed_on", models.DateField(editable=False, verbose_name="filed")),
                ("due_on", models.DateField(editable=False, null=True, verbose_name="deadline")),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("open", "open"),
                            ("answered", "answered"),
                            ("accepted", "accepted"),
                            ("rejected", "rejected"),
                            ("withdrawn", "withdrawn"),
                        ],
                        default="open",
                        editable=False,
                        max_length=10,
                        verbose_name="state",
                    ),
                ),
                ("answer", models.TextField(blank=True, editable=False, verbose_name="answer")),
                ("reason", models.TextField(blank=True, editable=False, verbose_name="reason")),
                (
                    "decided_by",
                    models.ForeignKey(
                        editable=False,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="people.person",
                        verbose_name="decided by",
                    ),
                ),
                ("decided_at", models.DateTimeField(editable=False, null=True, verbose_name="decided")),
                ("granted", xiaoguan.desk.fields.MoneyField(editable=False, null=True, verbose_name="granted")),
                (
                    "entry",
                    models.ForeignKey(
                        editable=False,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        to="rulebook.ledgerentry",
                        verbose_name="ledger entry",
                    ),
                ),
            ],
            options={
                "verbose_name": "dispute",
                "verbose_name_plural": "disputes",
                "abstract": False,
                "indexes": [models.Index(fields=["-filed_on", "-id"], name="dispute_list")],
                "constraints": [models.UniqueConstraint(fields=("external_id", "source"), name="dispute_source_id")],
            },
        ),
    ]
