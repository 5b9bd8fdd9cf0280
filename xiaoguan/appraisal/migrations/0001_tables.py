import django.db.models.deletion
import django.utils.timezone
from django.db import migrations, models

import xiaoguan.appraisal.models


class Migration(migrations.Migration):
    replaces = [("appraisal", "0001_appraisals"), ("appraisal", "0002_points")]

    initial = True

    dependencies = [
        ("people", "0001_tables"),
        ("rulebook", "0001_tables"),
    ]

    operations = [
        migrations.CreateModel(
            name="AppraisalCycle",
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
                ("label", models.CharField(help_text="Such as 2026-Q1.", max_length=40, verbose_name="period")),
                (
                    "policy_key",
                    models.CharField(
                        blank=True,
                        help_text="Its id; needed where several policies appraise.",
                        max_length=80,
                        verbose_name="policy",
                    ),
                ),
                (
                    "appraisal",
                    models.CharField(
                        blank=True,
                        help_text="Its id; needed where the policy has several.",
                        max_length=80,
                        verbose_name="appraisal",
                    ),
                ),
                ("name", models.CharField(blank=True, editable=False, max_length=160, verbose_name="name")),
                ("kind", models.CharField(editable=False, max_length=20, verbose_name="kind of period")),
                ("starts_on", models.DateField(editable=False, verbose_name="from")),
                ("ends_on", models.DateField(editable=False, verbose_name="until")),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("open", "open"),
                            ("rating", "being rated"),
                            ("calculated", "calculated"),
                            ("calibrated", "calibrated"),
                            ("locked", "locked"),
                        ],
                        default="open",
                        editable=False,
                        max_length=10,
                        verbose_name="state",
                    ),
                ),
                (
                    "policy",
                    models.ForeignKey(
                        editable=False,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="rulebook.policyversion",
                        verbose_name="policy version",
                    ),
                ),
                ("digest", models.CharField(blank=True, editable=False, max_length=64, verbose_name="digest")),
                ("people", models.PositiveIntegerField(editable=False, null=True, verbose_name="people")),
                ("exceptions", models.PositiveIntegerField(editable=False, null=True, verbose_name="exceptions")),
                ("due_on", models.DateField(editable=False, null=True, verbose_name="ratings until")),
                ("asked_at", models.DateTimeField(editable=False, null=True, verbose_name="ratings asked for")),
                (
                    "asked_by",
                    models.ForeignKey(
                        editable=False,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="people.person",
                        verbose_name="ratings asked for by",
                    ),
                ),
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
                ("calibrated_at", models.DateTimeField(editable=False, null=True, verbose_name="calibrated")),
                (
                    "calibrated_by",
                    models.ForeignKey(
                        editable=False,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="people.person",
                        verbose_name="calibrated by",
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
                (
                    "reason",
                    models.CharField(blank=True, editable=False, max_length=400, verbose_name="sent back because"),
                ),
            ],
            options={
                "verbose_name": "appraisal cycle",
                "verbose_name_plural": "appraisal cycles",
                "abstract": False,
                "indexes": [models.Index(fields=["-starts_on", "-id"], name="appraisal_cycle_list")],
                "constraints": [
                    models.UniqueConstraint(fields=("external_id", "source"), name="appraisalcycle_source_id"),
                    models.UniqueConstraint(
                        fields=("policy_key", "appraisal", "starts_on", "ends_on"), name="cycle_of_period"
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="Rating",
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
                ("label", models.CharField(editable=False, max_length=200, verbose_name="rating")),
                (
                    "cycle",
                    models.ForeignKey(
                        editable=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="ratings",
                        to="appraisal.appraisalcycle",
                        verbose_name="appraisal cycle",
                    ),
                ),
                (
                    "rater",
                    models.ForeignKey(
                        editable=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="ratings_given",
                        to="people.person",
                        verbose_name="rater",
                    ),
                ),
                (
                    "person",
                    models.ForeignKey(
                        editable=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="ratings_received",
                        to="people.person",
                        verbose_name="person",
                    ),
                ),
                ("group", models.CharField(editable=False, max_length=60, verbose_name="group")),
                ("item", models.CharField(editable=False, max_length=80, verbose_name="item")),
                (
                    "state",
                    models.CharField(
                        choices=[("asked", "asked"), ("given", "given"), ("declined", "declined")],
                        default="asked",
                        editable=False,
                        max_length=10,
                        verbose_name="state",
                    ),
                ),
                (
                    "score",
                    xiaoguan.appraisal.models.PointsField(editable=False, null=True, places=2, verbose_name="score"),
                ),
                ("comment", models.TextField(blank=True, editable=False, verbose_name="comment")),
            ],
            options={
                "verbose_name": "rating",
                "verbose_name_plural": "ratings",
                "abstract": False,
                "indexes": [models.Index(fields=["rater", "state", "cycle"], name="ratings_of_rater")],
                "constraints": [
                    models.UniqueConstraint(fields=("external_id", "source"), name="rating_source_id"),
                    models.UniqueConstraint(fields=("cycle", "person", "rater", "group", "item"), name="rating_once"),
                ],
            },
        ),
        migrations.CreateModel(
            name="AppraisalRecord",
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
                ("label", models.CharField(editable=False, max_length=200, verbose_name="appraisal")),
                (
                    "cycle",
                    models.ForeignKey(
                        editable=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="records",
                        to="appraisal.appraisalcycle",
                        verbose_name="appraisal cycle",
                    ),
                ),
                (
                    "person",
                    models.ForeignKey(
                        editable=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="appraisals",
                        to="people.person",
                        verbose_name="person",
                    ),
                ),
                (
                    "manager",
                    models.ForeignKey(
                        editable=False,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="people.person",
                        verbose_name="manager",
                    ),
                ),
                (
                    "team",
                    models.ForeignKey(
                        editable=False,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="people.team",
                        verbose_name="team",
                    ),
                ),
                (
                    "score",
                    xiaoguan.appraisal.models.PointsField(editable=False, null=True, places=2, verbose_name="score"),
                ),
                (
                    "first_grade",
                    models.CharField(blank=True, editable=False, max_length=40, verbose_name="grade by score"),
                ),
                (
                    "given_grade",
                    models.CharField(blank=True, editable=False, max_length=40, verbose_name="calculated grade"),
                ),
                ("grade", models.CharField(blank=True, editable=False, max_length=40, verbose_name="grade")),
                (
                    "factor",
                    xiaoguan.appraisal.models.PointsField(editable=False, null=True, places=6, verbose_name="factor"),
                ),
                ("reason", models.TextField(blank=True, editable=False, verbose_name="reason of the calibration")),
                ("calibrated_at", models.DateTimeField(editable=False, null=True, verbose_name="calibrated")),
                (
                    "calibrated_by",
                    models.ForeignKey(
                        editable=False,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="people.person",
                        verbose_name="calibrated by",
                    ),
                ),
                ("exact", models.JSONField(default=dict, editable=False)),
                ("lines", models.JSONField(default=list, editable=False)),
                ("points", models.JSONField(default=dict, editable=False)),
                ("missing", models.JSONField(default=list, editable=False)),
                ("gates", models.JSONField(default=list, editable=False)),
                ("steps", models.JSONField(default=list, editable=False)),
                ("outcomes", models.JSONField(default=list, editable=False)),
                ("open_points", models.PositiveIntegerField(default=0, editable=False, verbose_name="open points")),
                ("interview_on", models.DateField(editable=False, null=True, verbose_name="interview")),
                (
                    "interview_by",
                    models.ForeignKey(
                        editable=False,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="people.person",
                        verbose_name="interview by",
                    ),
                ),
                ("interview", models.TextField(blank=True, editable=False, verbose_name="interview record")),
                ("agreed_at", models.DateTimeField(editable=False, null=True, verbose_name="agreed")),
                (
                    "appeal",
                    models.CharField(
                        blank=True,
                        choices=[
                            ("open", "open"),
                            ("accepted", "accepted"),
                            ("rejected", "rejected"),
                            ("withdrawn", "withdrawn"),
                        ],
                        default="",
                        editable=False,
                        max_length=10,
                        verbose_name="appeal",
                    ),
                ),
                ("appeal_text", models.TextField(blank=True, editable=False, verbose_name="what is not right")),
                ("appealed_at", models.DateTimeField(editable=False, null=True, verbose_name="appealed")),
                ("decision", models.TextField(blank=True, editable=False, verbose_name="decision")),
                ("decided_at", models.DateTimeField(editable=False, null=True, verbose_name="decided")),
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
            ],
            options={
                "verbose_name": "appraisal",
                "verbose_name_plural": "appraisals",
                "abstract": False,
                "constraints": [
                    models.UniqueConstraint(fields=("external_id", "source"), name="appraisalrecord_source_id"),
                    models.UniqueConstraint(fields=("cycle", "person"), name="appraisal_of_person"),
                ],
            },
        ),
    ]
