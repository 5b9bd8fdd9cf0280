"""Pay periods with their states, the ledger, and the entries of a result."""

import django.db.models.deletion
import django.utils.timezone
from django.db import migrations, models

import xiaoguan.desk.fields


class Migration(migrations.Migration):
    dependencies = [
        ("people", "0002_rights_and_tokens"),
        ("rulebook", "0001_initial"),
    ]

    operations = [
        migrations.AddField(model_name="result", name="entries", field=models.JSONField(default=list)),
        migrations.CreateModel(
            name="PayPeriod",
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
                ("label", models.CharField(help_text="Such as 2026-03.", max_length=40, verbose_name="period")),
                (
                    "policy_key",
                    models.CharField(
                        blank=True,
                        help_text="Its id; needed where several policies pay.",
                        max_length=80,
                        verbose_name="policy",
                    ),
                ),
                ("kind", models.CharField(editable=False, max_length=20, verbose_name="kind of period")),
                ("starts_on", models.DateField(editable=False, verbose_name="from")),
                ("ends_on", models.DateField(editable=False, verbose_name="until")),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("open", "open"),
                            ("calculated", "calculated"),
                            ("reviewed", "reviewed"),
                            ("approved", "approved"),
                            ("locked", "locked"),
                            ("paid", "paid"),
                        ],
                        default="open",
                        editable=False,
                        max_length=10,
                        verbose_name="state",
                    ),
                ),
                ("total", xiaoguan.desk.fields.MoneyField(editable=False, null=True, verbose_name="total")),
                ("currency", models.CharField(blank=True, editable=False, max_length=3, verbose_name="currency")),
                ("people", models.PositiveIntegerField(editable=False, null=True, verbose_name="people")),
                ("exceptions", models.PositiveIntegerField(editable=False, null=True, verbose_name="exceptions")),
                ("calculated_at", models.DateTimeField(editable=False, null=True, verbose_name="calculated")),
                ("reviewed_at", models.DateTimeField(editable=False, null=True, verbose_name="reviewed")),
                ("approved_at", models.DateTimeField(editable=False, null=True, verbose_name="approved")),
                ("locked_at", models.DateTimeField(editable=False, null=True, verbose_name="locked")),
                ("paid_on", models.DateField(editable=False, null=True, verbose_name="paid on")),
                ("payroll", models.CharField(blank=True, editable=False, max_length=200, verbose_name="payroll file")),
                ("snapshot", models.CharField(blank=True, editable=False, max_length=200, verbose_name="snapshot")),
                (
                    "snapshot_digest",
                    models.CharField(blank=True, editable=False, max_length=64, verbose_name="digest of the snapshot"),
                ),
                (
                    "approved_by",
                    models.ForeignKey(
                        editable=False,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="people.person",
                        verbose_name="approved by",
                    ),
                ),
                (
                    "calculated_by",
                    models.ForeignKey(
                        editable=False,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="people.person",
                        verbose_name="calculated by",
                    ),
                ),
                (
                    "locked_by",
                    models.ForeignKey(
                        editable=False,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="people.person",
                        verbose_name="locked by",
                    ),
                ),
                (
                    "paid_by",
                    models.ForeignKey(
                        editable=False,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="people.person",
                        verbose_name="paid by",
                    ),
                ),
                (
                    "reviewed_by",
                    models.ForeignKey(
                        editable=False,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="people.person",
                        verbose_name="reviewed by",
                    ),
                ),
                (
                    "run",
                    models.ForeignKey(
                        editable=False,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        to="rulebook.run",
                        verbose_name="run",
                    ),
                ),
            ],
            options={
                "verbose_name": "pay period",
                "verbose_name_plural": "pay periods",
                "abstract": False,
                "indexes": [models.Index(fields=["-starts_on", "-id"], name="pay_period_list")],
                "constraints": [
                    models.UniqueConstraint(fields=("external_id", "source"), name="payperiod_source_id"),
                    models.UniqueConstraint(fields=("policy_key", "starts_on", "ends_on"), name="pay_period_of_policy"),
                ],
            },
        ),
        migrations.CreateModel(
            name="LedgerEntry",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("number", models.PositiveIntegerField(verbose_name="number")),
                (
                    "kind",
                    models.CharField(
                        choices=[
                            ("credit", "credit"),
                            ("earning", "earning"),
                            ("hold", "hold"),
                            ("release", "release"),
                            ("draw", "draw"),
                            ("recovery", "recovery"),
                            ("clawback", "clawback"),
                            ("adjustment", "adjustment"),
                            ("payout", "payout"),
                        ],
                        max_length=10,
                        verbose_name="kind",
                    ),
                ),
                ("about", models.CharField(max_length=40, verbose_name="about")),
                ("posted", models.CharField(max_length=40, verbose_name="posted in")),
                ("name", models.CharField(max_length=120, verbose_name="name")),
                ("amount", xiaoguan.desk.fields.MoneyField(verbose_name="amount")),
                ("currency", models.CharField(max_length=3, verbose_name="currency")),
                ("record", models.CharField(blank=True, max_length=120, verbose_name="record")),
                ("cause", models.TextField(blank=True, verbose_name="cause")),
                ("decided", models.BooleanField(default=False, verbose_name="decided by people")),
                ("at", models.DateTimeField(default=django.utils.timezone.now, verbose_name="posted")),
                (
                    "period",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="entries",
                        to="rulebook.payperiod",
                        verbose_name="pay period",
                    ),
                ),
                (
                    "person",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="ledger",
                        to="people.person",
                        verbose_name="person",
                    ),
                ),
            ],
            options={
                "verbose_name": "ledger entry",
                "verbose_name_plural": "ledger entries",
                "indexes": [models.Index(fields=["person", "id"], name="ledger_of_person")],
                "constraints": [models.UniqueConstraint(fields=("period", "number"), name="ledger_posted_once")],
            },
        ),
    ]
