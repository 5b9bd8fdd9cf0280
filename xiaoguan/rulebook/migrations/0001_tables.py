import django.db.models.deletion
import django.utils.timezone
from django.db import migrations, models

import xiaoguan.desk.fields


class Migration(migrations.Migration):
    replaces = [
        ("rulebook", "0001_initial"),
        ("rulebook", "0002_pay_periods_and_ledger"),
        ("rulebook", "0003_policy_workshop"),
        ("rulebook", "0004_statements_and_locks"),
    ]

    initial = True

    dependencies = [
        ("people", "0001_tables"),
    ]

    operations = [
        migrations.CreateModel(
            name="PolicyVersion",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("policy_id", models.CharField(max_length=80, verbose_name="policy")),
                ("name", models.CharField(max_length=160, verbose_name="name")),
                ("number", models.CharField(max_length=40, verbose_name="version")),
                ("text", models.TextField(verbose_name="document")),
                ("digest", models.CharField(max_length=64, verbose_name="digest")),
                ("effective_from", models.DateField(verbose_name="in force from")),
                ("effective_to", models.DateField(blank=True, null=True, verbose_name="in force until")),
                ("adopted_at", models.DateTimeField(default=django.utils.timezone.now, verbose_name="adopted")),
                (
                    "adopted_by",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        to="people.person",
                        verbose_name="adopted by",
                    ),
                ),
            ],
            options={
                "verbose_name": "policy version",
                "verbose_name_plural": "policy versions",
                "constraints": [models.UniqueConstraint(fields=("policy_id", "number"), name="policy_number")],
            },
        ),
        migrations.CreateModel(
            name="Run",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "policy",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="runs",
                        to="rulebook.policyversion",
                        verbose_name="policy",
                    ),
                ),
                ("kind", models.CharField(max_length=20, verbose_name="kind of period")),
                ("starts_on", models.DateField(verbose_name="from")),
                ("ends_on", models.DateField(verbose_name="until")),
                ("label", models.CharField(max_length=40, verbose_name="period")),
                ("digest", models.CharField(max_length=64, verbose_name="digest")),
                ("engine", models.CharField(max_length=20, verbose_name="engine")),
                ("current", models.BooleanField(default=True, verbose_name="current")),
                ("at", models.DateTimeField(default=django.utils.timezone.now, verbose_name="reckoned")),
                ("issues", models.JSONField(default=list)),
                ("locked", models.BooleanField(default=False, verbose_name="locked")),
            ],
            options={
                "verbose_name": "run",
                "verbose_name_plural": "runs",
                "indexes": [models.Index(fields=["starts_on", "ends_on", "current"], name="run_of_period")],
                "constraints": [
                    models.UniqueConstraint(fields=("policy", "starts_on", "ends_on", "digest"), name="run_inputs")
                ],
            },
        ),
        migrations.CreateModel(
            name="Result",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "run",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="results",
                        to="rulebook.run",
                        verbose_name="run",
                    ),
                ),
                (
                    "kind",
                    models.CharField(
                        choices=[
                            ("metric", "metric"),
                            ("attainment", "attainment"),
                            ("earning", "earning"),
                            ("total", "total"),
                        ],
                        max_length=12,
                        verbose_name="kind",
                    ),
                ),
                ("name", models.CharField(max_length=60, verbose_name="name")),
                ("label", models.CharField(max_length=120, verbose_name="label")),
                (
                    "person",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="results",
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
                        to="people.team",
                        verbose_name="team",
                    ),
                ),
                ("unit", models.CharField(max_length=20, verbose_name="unit")),
                ("value", models.BigIntegerField(null=True, verbose_name="value")),
                ("denominator", models.BigIntegerField(null=True, verbose_name="denominator")),
                ("trace", models.JSONField(default=dict)),
                ("entries", models.JSONField(default=list)),
            ],
            options={
                "verbose_name": "result",
                "verbose_name_plural": "results",
                "indexes": [
                    models.Index(fields=["run", "person", "kind"], name="result_of_person"),
                    models.Index(fields=["person", "id"], name="results_of_person"),
                ],
            },
        ),
        migrations.CreateModel(
            name="PayrollPeriod",
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
                ("total", xiaoguan.desk.fields.MoneyField(editable=False, null=True, verbose_name="total")),
                ("currency", models.CharField(blank=True, editable=False, max_length=3, verbose_name="currency")),
                ("people", models.PositiveIntegerField(editable=False, null=True, verbose_name="people")),
                ("exceptions", models.PositiveIntegerField(editable=False, null=True, verbose_name="exceptions")),
                ("calculated_at", models.DateTimeField(editable=False, null=True, verbose_name="calculated")),
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
                ("reviewed_at", models.DateTimeField(editable=False, null=True, verbose_name="reviewed")),
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
                ("approved_at", models.DateTimeField(editable=False, null=True, verbose_name="approved")),
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
                ("locked_at", models.DateTimeField(editable=False, null=True, verbose_name="locked")),
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
                ("paid_on", models.DateField(editable=False, null=True, verbose_name="paid on")),
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
                    "reason",
                    models.CharField(blank=True, editable=False, max_length=400, verbose_name="sent back because"),
                ),
                ("payroll", models.CharField(blank=True, editable=False, max_length=200, verbose_name="payroll file")),
                ("snapshot", models.CharField(blank=True, editable=False, max_length=200, verbose_name="snapshot")),
                (
                    "snapshot_digest",
                    models.CharField(blank=True, editable=False, max_length=64, verbose_name="digest of the snapshot"),
                ),
            ],
            options={
                "verbose_name": "pay period",
                "verbose_name_plural": "pay periods",
                "abstract": False,
                "indexes": [models.Index(fields=["-starts_on", "-id"], name="pay_period_list")],
                "constraints": [
                    models.UniqueConstraint(fields=("external_id", "source"), name="payrollperiod_source_id"),
                    models.UniqueConstraint(fields=("policy_key", "starts_on", "ends_on"), name="pay_period_of_policy"),
                ],
            },
        ),
        migrations.CreateModel(
            name="PayStatement",
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
                ("label", models.CharField(editable=False, max_length=130, verbose_name="statement")),
                (
                    "period",
                    models.ForeignKey(
                        editable=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="statements",
                        to="rulebook.payrollperiod",
                        verbose_name="pay period",
                    ),
                ),
                (
                    "person",
                    models.ForeignKey(
                        editable=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="statements",
                        to="people.person",
                        verbose_name="person",
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
                (
                    "state",
                    models.CharField(
                        choices=[("open", "not confirmed"), ("confirmed", "confirmed"), ("disputed", "disputed")],
                        default="open",
                        editable=False,
                        max_length=10,
                        verbose_name="state",
                    ),
                ),
                ("total", xiaoguan.desk.fields.MoneyField(editable=False, verbose_name="calculated amount")),
                ("corrections", xiaoguan.desk.fields.MoneyField(default=0, editable=False, verbose_name="corrections")),
                ("payable", xiaoguan.desk.fields.MoneyField(editable=False, verbose_name="payable")),
                ("currency", models.CharField(editable=False, max_length=3, verbose_name="currency")),
                ("exceptions", models.PositiveIntegerField(default=0, editable=False, verbose_name="exceptions")),
                ("confirmed_at", models.DateTimeField(editable=False, null=True, verbose_name="confirmed")),
            ],
            options={
                "verbose_name": "statement",
                "verbose_name_plural": "statements",
                "abstract": False,
                "constraints": [
                    models.UniqueConstraint(fields=("external_id", "source"), name="paystatement_source_id"),
                    models.UniqueConstraint(fields=("period", "person"), name="statement_of_person"),
                ],
            },
        ),
        migrations.CreateModel(
            name="LedgerEntry",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "period",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="entries",
                        to="rulebook.payrollperiod",
                        verbose_name="pay period",
                    ),
                ),
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
                (
                    "person",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="ledger",
                        to="people.person",
                        verbose_name="person",
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
            ],
            options={
                "verbose_name": "ledger entry",
                "verbose_name_plural": "ledger entries",
                "indexes": [models.Index(fields=["person", "id"], name="ledger_of_person")],
                "constraints": [models.UniqueConstraint(fields=("period", "number"), name="ledger_posted_once")],
            },
        ),
        migrations.CreateModel(
            name="PolicyDraft",
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
                ("title", models.CharField(max_length=160, verbose_name="title")),
                (
                    "owner",
                    models.ForeignKey(
                        editable=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="policy_drafts",
                        to="people.person",
                        verbose_name="owner",
                    ),
                ),
                (
                    "base",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="drafts",
                        to="rulebook.policyversion",
                        verbose_name="begun from",
                    ),
                ),
                ("text", models.TextField(blank=True, verbose_name="document")),
                ("cases", models.TextField(blank=True, verbose_name="cases")),
                ("policy_key", models.CharField(blank=True, editable=False, max_length=80, verbose_name="policy")),
                (
                    "number",
                    models.CharField(blank=True, editable=False, max_length=40, verbose_name="policy version number"),
                ),
                ("effective_from", models.DateField(editable=False, null=True, verbose_name="in force from")),
                ("digest", models.CharField(blank=True, editable=False, max_length=64, verbose_name="fingerprint")),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("draft", "draft"),
                            ("submitted", "submitted"),
                            ("approved", "approved"),
                            ("published", "published"),
                            ("withdrawn", "withdrawn"),
                        ],
                        default="draft",
                        editable=False,
                        max_length=10,
                        verbose_name="state",
                    ),
                ),
                (
                    "published_as",
                    models.OneToOneField(
                        editable=False,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="draft",
                        to="rulebook.policyversion",
                        verbose_name="published as",
                    ),
                ),
            ],
            options={
                "verbose_name": "policy draft",
                "verbose_name_plural": "policy drafts",
                "abstract": False,
                "constraints": [
                    models.UniqueConstraint(fields=("external_id", "source"), name="policydraft_source_id")
                ],
            },
        ),
        migrations.CreateModel(
            name="PolicyBacktest",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "draft",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="backtests",
                        to="rulebook.policydraft",
                        verbose_name="draft",
                    ),
                ),
                (
                    "before",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="rulebook.policyversion",
                        verbose_name="compared with",
                    ),
                ),
                ("text", models.TextField()),
                ("digest", models.CharField(max_length=64)),
                ("kind", models.CharField(max_length=20)),
                ("first", models.CharField(max_length=40)),
                ("last", models.CharField(max_length=40)),
                ("job_id", models.BigIntegerField(null=True)),
                ("result", models.JSONField(default=dict)),
                (
                    "asked_by",
                    models.ForeignKey(
                        null=True, on_delete=django.db.models.deletion.PROTECT, related_name="+", to="people.person"
                    ),
                ),
                ("asked_at", models.DateTimeField(default=django.utils.timezone.now)),
                ("done_at", models.DateTimeField(null=True)),
            ],
            options={
                "verbose_name": "back-test",
                "verbose_name_plural": "back-tests",
            },
        ),
        migrations.CreateModel(
            name="PolicyPublication",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "version",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="publication",
                        to="rulebook.policyversion",
                    ),
                ),
                (
                    "previous",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="rulebook.policyversion",
                    ),
                ),
                (
                    "by",
                    models.ForeignKey(
                        null=True, on_delete=django.db.models.deletion.PROTECT, related_name="+", to="people.person"
                    ),
                ),
                ("approved", models.JSONField(default=list)),
                ("warnings", models.JSONField(default=list)),
                ("cases", models.TextField(blank=True)),
                ("at", models.DateTimeField(default=django.utils.timezone.now)),
            ],
        ),
        migrations.CreateModel(
            name="PolicySignature",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "version",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="signatures",
                        to="rulebook.policyversion",
                        verbose_name="policy version",
                    ),
                ),
                (
                    "person",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="policy_signatures",
                        to="people.person",
                        verbose_name="person",
                    ),
                ),
                ("asked_at", models.DateTimeField(default=django.utils.timezone.now, verbose_name="asked")),
                ("reminded_at", models.DateTimeField(blank=True, null=True, verbose_name="reminded")),
                ("signed_at", models.DateTimeField(blank=True, null=True, verbose_name="signed")),
            ],
            options={
                "verbose_name": "policy signature",
                "verbose_name_plural": "policy signatures",
                "indexes": [models.Index(fields=["person", "signed_at"], name="policy_to_sign")],
                "constraints": [models.UniqueConstraint(fields=("version", "person"), name="one_policy_signature")],
            },
        ),
    ]
