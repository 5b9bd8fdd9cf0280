import datetime

import django.db.models.deletion
import django.utils.timezone
from django.db import migrations, models

import xiaoguan.desk.fields
import xiaoguan.desk.importing.draft
from xiaoguan.desk import duplicates, search


class Migration(migrations.Migration):
    replaces = [
        ("desk", "0001_initial"),
        ("desk", "0002_search"),
        ("desk", "0003_event_batch"),
        ("desk", "0004_jobs"),
        ("desk", "0005_saved_views"),
        ("desk", "0006_notifications"),
        ("desk", "0007_answered"),
        ("desk", "0008_tally"),
        ("desk", "0009_imports"),
        ("desk", "0010_event_exported"),
        ("desk", "0011_comments"),
        ("desk", "0012_approvals"),
        ("desk", "0013_duplicates"),
        ("desk", "0014_custom"),
    ]

    initial = True

    dependencies = []

    operations = [
        migrations.CreateModel(
            name="Event",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("entity", models.CharField(max_length=40)),
                ("record_id", models.BigIntegerField()),
                ("deed", models.CharField(max_length=40)),
                ("changes", models.JSONField(default=dict)),
                ("actor_id", models.BigIntegerField(null=True)),
                ("via", models.CharField(max_length=12)),
                ("note", models.CharField(blank=True, max_length=200)),
                ("batch", models.CharField(blank=True, default="", max_length=16)),
                ("at", models.DateTimeField(default=django.utils.timezone.now)),
            ],
            options={
                "verbose_name": "event",
                "verbose_name_plural": "events",
                "indexes": [
                    models.Index(fields=["entity", "record_id", "id"], name="event_of_record"),
                    models.Index(
                        condition=models.Q(("batch", ""), _negated=True), fields=["batch"], name="event_of_batch"
                    ),
                    models.Index(
                        condition=models.Q(("deed", "deleted")), fields=["entity", "-id"], name="event_deleted"
                    ),
                    models.Index(condition=models.Q(("deed", "exported")), fields=["-id"], name="event_exported"),
                ],
            },
        ),
        migrations.CreateModel(
            name="Answered",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("account_id", models.BigIntegerField()),
                ("key", models.CharField(max_length=80)),
                ("asked", models.CharField(max_length=32)),
                ("status", models.PositiveSmallIntegerField()),
                ("body", models.BinaryField()),
                ("at", models.DateTimeField(default=django.utils.timezone.now)),
            ],
            options={
                "indexes": [models.Index(fields=["at"], name="answered_at")],
                "constraints": [models.UniqueConstraint(fields=("account_id", "key"), name="one_answer_a_key")],
            },
        ),
        migrations.CreateModel(
            name="Tally",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("entity", models.CharField(max_length=40)),
                ("lane", models.CharField(max_length=40)),
                ("kind", models.CharField(max_length=40)),
                ("currency", models.CharField(max_length=3)),
                ("person_id", models.BigIntegerField()),
                ("number", models.BigIntegerField()),
                ("units", models.BigIntegerField()),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(
                        fields=("entity", "person_id", "lane", "kind", "currency"), name="one_tally"
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="ApprovalFlow",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("kind", models.CharField(max_length=80)),
                ("number", models.PositiveIntegerField()),
                ("steps", models.JSONField()),
                ("limit", xiaoguan.desk.fields.ExactField(null=True, places=4)),
                ("active", models.BooleanField(default=True)),
                ("made_by", models.BigIntegerField(null=True)),
                ("made_at", models.DateTimeField(default=django.utils.timezone.now)),
            ],
            options={
                "constraints": [models.UniqueConstraint(fields=("kind", "number"), name="one_flow_a_number")],
            },
        ),
        migrations.CreateModel(
            name="ApprovalRequest",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("kind", models.CharField(max_length=80)),
                ("entity", models.CharField(max_length=40)),
                ("record_id", models.BigIntegerField()),
                ("title", models.CharField(max_length=200)),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("open", "waiting"),
                            ("approved", "approved"),
                            ("rejected", "rejected"),
                            ("returned", "returned"),
                            ("withdrawn", "withdrawn"),
                        ],
                        default="open",
                        max_length=9,
                    ),
                ),
                ("by_id", models.BigIntegerField()),
                ("note", models.CharField(blank=True, max_length=400)),
                ("version", models.PositiveIntegerField()),
                ("snapshot", models.JSONField(default=dict)),
                ("changes", models.JSONField(default=dict)),
                ("flow", models.PositiveIntegerField()),
                ("steps", models.JSONField()),
                ("step", models.PositiveSmallIntegerField(default=0)),
                ("asked_at", models.DateTimeField(default=django.utils.timezone.now)),
                ("ended_at", models.DateTimeField(null=True)),
                ("reminded_at", models.DateTimeField(null=True)),
            ],
            options={
                "verbose_name": "approval",
                "verbose_name_plural": "approvals",
                "indexes": [
                    models.Index(fields=["entity", "record_id", "-id"], name="approval_of_record"),
                    models.Index(fields=["by_id", "-id"], name="approval_of_asker"),
                ],
                "constraints": [
                    models.UniqueConstraint(
                        condition=models.Q(("state", "open")), fields=("kind", "record_id"), name="one_open_approval"
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="Signature",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "request",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="lines", to="desk.approvalrequest"
                    ),
                ),
                ("step", models.PositiveSmallIntegerField()),
                ("person_id", models.BigIntegerField()),
                ("added_by", models.BigIntegerField(null=True)),
                (
                    "decision",
                    models.CharField(
                        blank=True,
                        choices=[
                            ("", "waiting"),
                            ("approve", "approved"),
                            ("reject", "rejected"),
                            ("return", "returned"),
                            ("spared", "not needed any more"),
                        ],
                        default="",
                        max_length=8,
                    ),
                ),
                ("signed_by", models.BigIntegerField(null=True)),
                ("signed_at", models.DateTimeField(null=True)),
                ("note", models.CharField(blank=True, max_length=400)),
            ],
            options={
                "indexes": [
                    models.Index(
                        condition=models.Q(("decision", "")), fields=["person_id", "-request"], name="signature_waiting"
                    ),
                    models.Index(fields=["signed_by", "-request"], name="signature_of_person"),
                ],
                "constraints": [
                    models.UniqueConstraint(fields=("request", "step", "person_id"), name="one_line_a_signer")
                ],
            },
        ),
        migrations.CreateModel(
            name="Job",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("kind", models.CharField(max_length=40)),
                ("title", models.CharField(max_length=200)),
                ("account_id", models.BigIntegerField(null=True)),
                ("person_id", models.BigIntegerField(null=True)),
                ("parameters", models.JSONField(default=dict)),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("queued", "waiting"),
                            ("running", "running"),
                            ("done", "done"),
                            ("failed", "failed"),
                            ("cancelled", "stopped"),
                        ],
                        default="queued",
                        max_length=10,
                    ),
                ),
                ("done", models.BigIntegerField(default=0)),
                ("total", models.BigIntegerField(default=0)),
                ("unit", models.CharField(blank=True, max_length=40)),
                ("result", models.JSONField(default=dict)),
                ("error", models.TextField(blank=True)),
                ("files", models.JSONField(default=list)),
                ("checkpoint", models.JSONField(default=dict)),
                ("batch", models.CharField(max_length=16)),
                ("key", models.CharField(max_length=80, null=True, unique=True)),
                ("attempts", models.PositiveSmallIntegerField(default=0)),
                ("worker", models.CharField(blank=True, max_length=120)),
                ("stop_asked", models.BooleanField(default=False)),
                ("asked_at", models.DateTimeField(default=django.utils.timezone.now)),
                ("due_at", models.DateTimeField(default=django.utils.timezone.now)),
                ("started_at", models.DateTimeField(null=True)),
                ("finished_at", models.DateTimeField(null=True)),
                ("heartbeat_at", models.DateTimeField(null=True)),
            ],
            options={
                "verbose_name": "job",
                "verbose_name_plural": "jobs",
                "indexes": [
                    models.Index(fields=["state", "due_at", "id"], name="job_queue"),
                    models.Index(fields=["account_id", "-id"], name="job_of_account"),
                ],
            },
        ),
        migrations.CreateModel(
            name="Notification",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("person_id", models.BigIntegerField()),
                ("kind", models.CharField(max_length=20)),
                ("text", models.CharField(max_length=200)),
                ("values", models.JSONField(default=dict)),
                ("url", models.CharField(blank=True, max_length=200)),
                ("entity", models.CharField(blank=True, max_length=40)),
                ("record_id", models.BigIntegerField(null=True)),
                ("actor_id", models.BigIntegerField(null=True)),
                ("by_mail", models.BooleanField(default=False)),
                ("created_at", models.DateTimeField(default=django.utils.timezone.now)),
                ("read_at", models.DateTimeField(null=True)),
                ("mailed_at", models.DateTimeField(null=True)),
            ],
            options={
                "verbose_name": "notification",
                "verbose_name_plural": "notifications",
                "indexes": [
                    models.Index(fields=["person_id", "-id"], name="notification_of_person"),
                    models.Index(
                        condition=models.Q(("read_at__isnull", True)), fields=["person_id"], name="notification_unread"
                    ),
                    models.Index(
                        condition=models.Q(("by_mail", True), ("mailed_at__isnull", True)),
                        fields=["id"],
                        name="notification_to_mail",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="NotificationSettings",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("person_id", models.BigIntegerField(unique=True)),
                ("ways", models.JSONField(default=dict)),
                ("quiet_from", models.TimeField(blank=True, null=True, verbose_name="quiet from")),
                ("quiet_to", models.TimeField(blank=True, null=True, verbose_name="quiet until")),
                ("remind_at", models.TimeField(default=datetime.time(8, 30), verbose_name="reminders at")),
                (
                    "digest",
                    models.BooleanField(default=False, verbose_name="a mail every morning with what I have not read"),
                ),
                ("digested_on", models.DateField(editable=False, null=True)),
                ("zone", models.CharField(blank=True, max_length=40, verbose_name="time zone")),
            ],
        ),
        migrations.CreateModel(
            name="Comment",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("entity", models.CharField(max_length=40)),
                ("record_id", models.BigIntegerField()),
                ("text", models.TextField(blank=True)),
                ("author_id", models.BigIntegerField(null=True)),
                ("created_at", models.DateTimeField(default=django.utils.timezone.now)),
                ("edited_at", models.DateTimeField(null=True)),
            ],
            options={
                "verbose_name": "comment",
                "verbose_name_plural": "comments",
                "indexes": [models.Index(fields=["entity", "record_id", "-id"], name="comment_of_record")],
            },
        ),
        migrations.CreateModel(
            name="Attachment",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "comment",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="files", to="desk.comment"
                    ),
                ),
                ("name", models.CharField(max_length=160)),
                ("size", models.BigIntegerField()),
                ("stored", models.CharField(max_length=40, unique=True)),
            ],
            options={
                "verbose_name": "file",
                "verbose_name_plural": "files",
            },
        ),
        migrations.CreateModel(
            name="DefinitionStamp",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("number", models.BigIntegerField(default=0)),
            ],
        ),
        migrations.CreateModel(
            name="CustomEntity",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("slug", models.CharField(max_length=30, unique=True, verbose_name="word in addresses")),
                ("name_en", models.CharField(blank=True, max_length=60, verbose_name="name in English")),
                ("name_zh", models.CharField(blank=True, max_length=60, verbose_name="name in Chinese")),
                ("plural_en", models.CharField(blank=True, max_length=60, verbose_name="plural in English")),
                (
                    "title_en",
                    models.CharField(
                        blank=True, max_length=60, verbose_name="what its records are known by, in English"
                    ),
                ),
                (
                    "title_zh",
                    models.CharField(
                        blank=True, max_length=60, verbose_name="what its records are known by, in Chinese"
                    ),
                ),
                ("icon", models.CharField(default="notebook", max_length=40, verbose_name="icon")),
                ("place", models.CharField(default="customers", max_length=20, verbose_name="place in the menu")),
                ("owned", models.BooleanField(default=True, verbose_name="records have an owner")),
                ("retired_at", models.DateTimeField(null=True)),
                ("made_by", models.BigIntegerField(null=True)),
                ("made_at", models.DateTimeField(default=django.utils.timezone.now)),
            ],
            options={
                "verbose_name": "kind of record",
                "verbose_name_plural": "kinds of records",
            },
        ),
        migrations.CreateModel(
            name="CustomField",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("entity", models.CharField(max_length=40)),
                ("name", models.CharField(max_length=40, verbose_name="word in the API")),
                (
                    "kind",
                    models.CharField(
                        choices=[
                            ("text", "text"),
                            ("long", "long text"),
                            ("number", "number"),
                            ("money", "money"),
                            ("percent", "percentage"),
                            ("date", "date"),
                            ("bool", "yes or no"),
                            ("choice", "one of several"),
                            ("choices", "any of several"),
                            ("person", "person"),
                            ("relation", "related record"),
                            ("formula", "formula"),
                        ],
                        max_length=8,
                        verbose_name="kind",
                    ),
                ),
                ("label_en", models.CharField(blank=True, max_length=60, verbose_name="name in English")),
                ("label_zh", models.CharField(blank=True, max_length=60, verbose_name="name in Chinese")),
                ("help_en", models.CharField(blank=True, max_length=200, verbose_name="help in English")),
                ("help_zh", models.CharField(blank=True, max_length=200, verbose_name="help in Chinese")),
                ("required", models.BooleanField(default=False, verbose_name="must be filled in")),
                ("unique", models.BooleanField(default=False, verbose_name="no two records may have the same")),
                ("filtered", models.BooleanField(default=False, verbose_name="among the filters")),
                ("listed", models.BooleanField(default=False, verbose_name="a column of the list")),
                ("searched", models.BooleanField(default=False, verbose_name="found by search")),
                ("default", models.CharField(blank=True, max_length=200, verbose_name="filled in beforehand")),
                ("choices", models.JSONField(default=list)),
                ("target", models.CharField(blank=True, max_length=40, verbose_name="leads to")),
                ("formula", models.CharField(blank=True, max_length=500, verbose_name="formula")),
                ("result", models.CharField(blank=True, max_length=8, verbose_name="gives")),
                ("currency", models.CharField(blank=True, max_length=3, verbose_name="currency")),
                ("row", models.PositiveSmallIntegerField(default=1, verbose_name="row of the form")),
                ("place", models.PositiveSmallIntegerField(default=1, verbose_name="place in the row")),
                ("retired_at", models.DateTimeField(null=True)),
                ("made_by", models.BigIntegerField(null=True)),
                ("made_at", models.DateTimeField(default=django.utils.timezone.now)),
            ],
            options={
                "verbose_name": "field",
                "verbose_name_plural": "fields",
                "constraints": [
                    models.UniqueConstraint(fields=("entity", "name"), name="one_custom_field"),
                    models.CheckConstraint(
                        condition=models.Q(("name__startswith", "x_")), name="custom_fields_begin_with_x"
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="ImportDraft",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("account_id", models.BigIntegerField()),
                ("entity", models.CharField(max_length=40)),
                ("name", models.CharField(max_length=200)),
                (
                    "folder_name",
                    models.CharField(default=xiaoguan.desk.importing.draft.new_folder, editable=False, max_length=40),
                ),
                ("file", models.CharField(max_length=40)),
                ("part", models.CharField(blank=True, max_length=200)),
                ("header", models.PositiveIntegerField(default=0)),
                ("encoding", models.CharField(blank=True, max_length=20)),
                ("delimiter", models.CharField(blank=True, max_length=1)),
                ("source", models.CharField(blank=True, max_length=40)),
                ("mapping", models.JSONField(default=dict)),
                ("fixed", models.JSONField(default=dict)),
                ("values", models.JSONField(default=dict)),
                ("match", models.JSONField(default=list)),
                (
                    "rule",
                    models.CharField(
                        choices=[
                            ("update", "change the record that is there"),
                            ("skip", "leave the record as it is"),
                            ("create", "create another one"),
                        ],
                        default="update",
                        max_length=6,
                    ),
                ),
                ("clears", models.BooleanField(default=False)),
                ("dates", models.CharField(blank=True, max_length=3)),
                ("numbers", models.CharField(blank=True, max_length=10)),
                ("decisions", models.JSONField(default=dict)),
                ("signature", models.CharField(blank=True, max_length=32)),
                ("tally", models.JSONField(default=dict)),
                ("job_id", models.BigIntegerField(null=True)),
                ("created_at", models.DateTimeField(default=django.utils.timezone.now)),
            ],
            options={
                "verbose_name": "import",
                "verbose_name_plural": "imports",
                "indexes": [
                    models.Index(fields=["account_id", "entity", "signature", "-id"], name="import_remembered")
                ],
            },
        ),
        migrations.CreateModel(
            name="SavedView",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("entity", models.CharField(max_length=40)),
                ("owner_id", models.BigIntegerField()),
                ("name", models.CharField(blank=True, default="", max_length=60, verbose_name="name")),
                (
                    "shared",
                    models.CharField(
                        blank=True,
                        choices=[("", "only me"), ("team", "my team"), ("everyone", "everyone")],
                        default="",
                        max_length=8,
                        verbose_name="shared with",
                    ),
                ),
                ("kind", models.CharField(default="list", max_length=8)),
                ("query", models.TextField(blank=True, default="")),
                ("widths", models.JSONField(default=dict)),
                ("position", models.PositiveSmallIntegerField(default=0)),
                ("pinned", models.BooleanField(default=True, verbose_name="as a tab")),
                ("updated_at", models.DateTimeField(default=django.utils.timezone.now)),
            ],
            options={
                "verbose_name": "saved view",
                "verbose_name_plural": "saved views",
                "indexes": [models.Index(fields=["entity", "owner_id"], name="view_of_owner")],
                "constraints": [
                    models.UniqueConstraint(fields=("entity", "owner_id", "name"), name="one_view_of_a_name")
                ],
            },
        ),
        migrations.RunPython(search.create_table, search.drop_table),
        migrations.RunPython(duplicates.create_table, duplicates.drop_table),
    ]
