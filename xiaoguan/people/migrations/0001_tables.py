import django.contrib.auth.models
import django.contrib.auth.validators
import django.db.models.deletion
import django.utils.timezone
from django.conf import settings
from django.db import migrations, models

import xiaoguan.desk.fields


class Migration(migrations.Migration):
    replaces = [("people", "0001_initial"), ("people", "0002_rights_and_tokens"), ("people", "0003_absences")]

    initial = True

    dependencies = [
        ("auth", "0012_alter_user_first_name_max_length"),
    ]

    operations = [
        migrations.CreateModel(
            name="OrganisationStamp",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("number", models.BigIntegerField(default=0)),
            ],
        ),
        migrations.CreateModel(
            name="Role",
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
                    "code",
                    models.SlugField(
                        help_text="The id that policies use.", max_length=40, unique=True, verbose_name="code"
                    ),
                ),
                ("name", models.CharField(max_length=80, verbose_name="name")),
                ("description", models.CharField(blank=True, max_length=200, verbose_name="description")),
            ],
            options={
                "verbose_name": "role",
                "verbose_name_plural": "roles",
                "abstract": False,
                "constraints": [models.UniqueConstraint(fields=("external_id", "source"), name="role_source_id")],
            },
        ),
        migrations.CreateModel(
            name="Position",
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
                ("name", models.CharField(max_length=80, verbose_name="name")),
                ("level", models.PositiveSmallIntegerField(default=0, verbose_name="level")),
            ],
            options={
                "verbose_name": "position",
                "verbose_name_plural": "positions",
                "abstract": False,
                "constraints": [models.UniqueConstraint(fields=("external_id", "source"), name="position_source_id")],
            },
        ),
        migrations.CreateModel(
            name="Person",
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
                ("name", models.CharField(max_length=80, verbose_name="name")),
                ("email", xiaoguan.desk.fields.EmailField(blank=True, max_length=254, verbose_name="e-mail")),
                ("phone", models.CharField(blank=True, max_length=40, verbose_name="phone")),
                (
                    "position",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        to="people.position",
                        verbose_name="position",
                    ),
                ),
                ("hired_on", models.DateField(blank=True, null=True, verbose_name="hired")),
                (
                    "left_on",
                    models.DateField(
                        blank=True, help_text="The first day they are gone.", null=True, verbose_name="left"
                    ),
                ),
            ],
            options={
                "verbose_name": "person",
                "verbose_name_plural": "people",
                "abstract": False,
                "indexes": [models.Index(fields=["name", "id"], name="person_list")],
                "constraints": [models.UniqueConstraint(fields=("external_id", "source"), name="person_source_id")],
            },
        ),
        migrations.CreateModel(
            name="Team",
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
                ("name", models.CharField(max_length=80, verbose_name="name")),
                (
                    "parent",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="children",
                        to="people.team",
                        verbose_name="part of",
                    ),
                ),
                (
                    "leader",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="teams_led",
                        to="people.person",
                        verbose_name="leader",
                    ),
                ),
            ],
            options={
                "verbose_name": "team",
                "verbose_name_plural": "teams",
                "abstract": False,
                "constraints": [models.UniqueConstraint(fields=("external_id", "source"), name="team_source_id")],
            },
        ),
        migrations.CreateModel(
            name="Territory",
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
                ("name", models.CharField(max_length=80, verbose_name="name")),
                ("code", models.CharField(blank=True, max_length=20, verbose_name="code")),
                (
                    "parent",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="children",
                        to="people.territory",
                        verbose_name="part of",
                    ),
                ),
                (
                    "country",
                    models.CharField(
                        blank=True, help_text="ISO code, such as CN.", max_length=2, verbose_name="country"
                    ),
                ),
            ],
            options={
                "verbose_name": "territory",
                "verbose_name_plural": "territories",
                "abstract": False,
                "constraints": [models.UniqueConstraint(fields=("external_id", "source"), name="territory_source_id")],
            },
        ),
        migrations.CreateModel(
            name="Membership",
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
                ("starts_on", models.DateField(verbose_name="from")),
                (
                    "ends_on",
                    models.DateField(
                        blank=True, help_text="The first day it no longer holds.", null=True, verbose_name="until"
                    ),
                ),
                (
                    "person",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="%(class)ss",
                        to="people.person",
                        verbose_name="person",
                    ),
                ),
                (
                    "team",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="memberships",
                        to="people.team",
                        verbose_name="team",
                    ),
                ),
            ],
            options={
                "verbose_name": "membership",
                "verbose_name_plural": "memberships",
                "abstract": False,
                "indexes": [models.Index(fields=["-starts_on", "-id"], name="membership_list")],
                "constraints": [models.UniqueConstraint(fields=("external_id", "source"), name="membership_source_id")],
            },
        ),
        migrations.CreateModel(
            name="ReportingLine",
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
                ("starts_on", models.DateField(verbose_name="from")),
                (
                    "ends_on",
                    models.DateField(
                        blank=True, help_text="The first day it no longer holds.", null=True, verbose_name="until"
                    ),
                ),
                (
                    "person",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="%(class)ss",
                        to="people.person",
                        verbose_name="person",
                    ),
                ),
                (
                    "manager",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="reporting_lines",
                        to="people.person",
                        verbose_name="manager",
                    ),
                ),
            ],
            options={
                "verbose_name": "reporting line",
                "verbose_name_plural": "reporting lines",
                "abstract": False,
                "indexes": [models.Index(fields=["-starts_on", "-id"], name="reportingline_list")],
                "constraints": [
                    models.UniqueConstraint(fields=("external_id", "source"), name="reportingline_source_id")
                ],
            },
        ),
        migrations.CreateModel(
            name="RoleAssignment",
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
                ("starts_on", models.DateField(verbose_name="from")),
                (
                    "ends_on",
                    models.DateField(
                        blank=True, help_text="The first day it no longer holds.", null=True, verbose_name="until"
                    ),
                ),
                (
                    "person",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="%(class)ss",
                        to="people.person",
                        verbose_name="person",
                    ),
                ),
                (
                    "role",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="assignments",
                        to="people.role",
                        verbose_name="role",
                    ),
                ),
            ],
            options={
                "verbose_name": "role assignment",
                "verbose_name_plural": "role assignments",
                "abstract": False,
                "indexes": [models.Index(fields=["-starts_on", "-id"], name="roleassignment_list")],
                "constraints": [
                    models.UniqueConstraint(fields=("external_id", "source"), name="roleassignment_source_id")
                ],
            },
        ),
        migrations.CreateModel(
            name="TerritoryAssignment",
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
                ("starts_on", models.DateField(verbose_name="from")),
                (
                    "ends_on",
                    models.DateField(
                        blank=True, help_text="The first day it no longer holds.", null=True, verbose_name="until"
                    ),
                ),
                (
                    "person",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="%(class)ss",
                        to="people.person",
                        verbose_name="person",
                    ),
                ),
                (
                    "territory",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="assignments",
                        to="people.territory",
                        verbose_name="territory",
                    ),
                ),
            ],
            options={
                "verbose_name": "territory assignment",
                "verbose_name_plural": "territory assignments",
                "abstract": False,
                "indexes": [models.Index(fields=["-starts_on", "-id"], name="territoryassignment_list")],
                "constraints": [
                    models.UniqueConstraint(fields=("external_id", "source"), name="territoryassignment_source_id")
                ],
            },
        ),
        migrations.CreateModel(
            name="Deputy",
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
                ("starts_on", models.DateField(verbose_name="from")),
                (
                    "ends_on",
                    models.DateField(
                        blank=True, help_text="The first day it no longer holds.", null=True, verbose_name="until"
                    ),
                ),
                (
                    "person",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="%(class)ss",
                        to="people.person",
                        verbose_name="person",
                    ),
                ),
                (
                    "deputy",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="stands_in",
                        to="people.person",
                        verbose_name="deputy",
                    ),
                ),
                ("reason", models.CharField(blank=True, max_length=80, verbose_name="reason")),
            ],
            options={
                "verbose_name": "deputy",
                "verbose_name_plural": "deputies",
                "abstract": False,
                "indexes": [models.Index(fields=["-starts_on", "-id"], name="deputy_list")],
                "constraints": [models.UniqueConstraint(fields=("external_id", "source"), name="deputy_source_id")],
            },
        ),
        migrations.CreateModel(
            name="Absence",
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
                ("starts_on", models.DateField(verbose_name="from")),
                (
                    "ends_on",
                    models.DateField(
                        blank=True, help_text="The first day it no longer holds.", null=True, verbose_name="until"
                    ),
                ),
                (
                    "person",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="%(class)ss",
                        to="people.person",
                        verbose_name="person",
                    ),
                ),
                (
                    "kind",
                    models.CharField(
                        help_text="As the policy names it, such as maternity.", max_length=40, verbose_name="kind"
                    ),
                ),
                ("note", models.CharField(blank=True, max_length=160, verbose_name="note")),
            ],
            options={
                "verbose_name": "absence",
                "verbose_name_plural": "absences",
                "abstract": False,
                "indexes": [models.Index(fields=["-starts_on", "-id"], name="absence_list")],
                "constraints": [models.UniqueConstraint(fields=("external_id", "source"), name="absence_source_id")],
            },
        ),
        migrations.CreateModel(
            name="Grant",
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
                    "role",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="grants",
                        to="people.role",
                        verbose_name="role",
                    ),
                ),
                ("entity", models.CharField(max_length=40, verbose_name="kind of record")),
                (
                    "deed",
                    models.CharField(
                        help_text="read, write, create, delete, export or verb:name.",
                        max_length=60,
                        verbose_name="deed",
                    ),
                ),
                (
                    "scope",
                    models.CharField(
                        choices=[
                            ("none", "nothing"),
                            ("own", "their own"),
                            ("reports", "their own and those of their reports"),
                            ("team", "those of their team too"),
                            ("tree", "those of their team and the teams below"),
                            ("all", "everything"),
                        ],
                        max_length=8,
                        verbose_name="how far",
                    ),
                ),
            ],
            options={
                "verbose_name": "permission",
                "verbose_name_plural": "permissions",
                "abstract": False,
                "constraints": [
                    models.UniqueConstraint(fields=("external_id", "source"), name="grant_source_id"),
                    models.UniqueConstraint(fields=("role", "entity", "deed"), name="one_grant_a_deed"),
                ],
            },
        ),
        migrations.CreateModel(
            name="FieldLevel",
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
                    "role",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="field_levels",
                        to="people.role",
                        verbose_name="role",
                    ),
                ),
                ("entity", models.CharField(max_length=40, verbose_name="kind of record")),
                ("field", models.CharField(max_length=60, verbose_name="field")),
                (
                    "level",
                    models.CharField(
                        choices=[
                            ("none", "not at all"),
                            ("masked", "masked"),
                            ("read", "reading"),
                            ("edit", "reading and changing"),
                        ],
                        max_length=8,
                        verbose_name="level",
                    ),
                ),
            ],
            options={
                "verbose_name": "field permission",
                "verbose_name_plural": "field permissions",
                "abstract": False,
                "constraints": [
                    models.UniqueConstraint(fields=("external_id", "source"), name="fieldlevel_source_id"),
                    models.UniqueConstraint(fields=("role", "entity", "field"), name="one_level_a_field"),
                ],
            },
        ),
        migrations.CreateModel(
            name="Share",
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
                ("entity", models.CharField(editable=False, max_length=40, verbose_name="kind of record")),
                ("record_id", models.BigIntegerField(editable=False, verbose_name="record")),
                (
                    "person",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="shares",
                        to="people.person",
                        verbose_name="person",
                    ),
                ),
                (
                    "team",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="shares",
                        to="people.team",
                        verbose_name="team",
                    ),
                ),
                (
                    "right",
                    models.CharField(
                        choices=[("read", "may read it"), ("write", "may change it")],
                        default="read",
                        max_length=5,
                        verbose_name="right",
                    ),
                ),
                (
                    "ends_on",
                    models.DateField(
                        blank=True, help_text="The first day it no longer holds.", null=True, verbose_name="until"
                    ),
                ),
            ],
            options={
                "verbose_name": "share",
                "verbose_name_plural": "shares",
                "abstract": False,
                "indexes": [models.Index(fields=["entity", "record_id"], name="share_of_record")],
                "constraints": [models.UniqueConstraint(fields=("external_id", "source"), name="share_source_id")],
            },
        ),
        migrations.CreateModel(
            name="PayTerms",
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
                ("starts_on", models.DateField(verbose_name="from")),
                (
                    "ends_on",
                    models.DateField(
                        blank=True, help_text="The first day it no longer holds.", null=True, verbose_name="until"
                    ),
                ),
                (
                    "person",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="%(class)ss",
                        to="people.person",
                        verbose_name="person",
                    ),
                ),
                (
                    "commission_percent",
                    xiaoguan.desk.fields.ExactField(
                        blank=True, null=True, percent=True, places=6, verbose_name="commission"
                    ),
                ),
                (
                    "bonus",
                    xiaoguan.desk.fields.MoneyField(blank=True, null=True, verbose_name="bonus when the goal is met"),
                ),
                ("currency", models.CharField(max_length=3, verbose_name="currency")),
            ],
            options={
                "verbose_name": "pay terms",
                "verbose_name_plural": "pay terms",
                "abstract": False,
                "indexes": [models.Index(fields=["-starts_on", "-id"], name="payterms_list")],
                "constraints": [models.UniqueConstraint(fields=("external_id", "source"), name="payterms_source_id")],
            },
        ),
        migrations.CreateModel(
            name="Account",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("password", models.CharField(max_length=128, verbose_name="password")),
                ("last_login", models.DateTimeField(blank=True, null=True, verbose_name="last login")),
                (
                    "is_superuser",
                    models.BooleanField(
                        default=False,
                        help_text="Designates that this user has all permissions without explicitly assigning them.",
                        verbose_name="superuser status",
                    ),
                ),
                (
                    "username",
                    models.CharField(
                        error_messages={"unique": "A user with that username already exists."},
                        help_text="Required. 150 characters or fewer. Letters, digits and @/./+/-/_ only.",
                        max_length=150,
                        unique=True,
                        validators=[django.contrib.auth.validators.UnicodeUsernameValidator()],
                        verbose_name="username",
                    ),
                ),
                ("email", models.EmailField(blank=True, max_length=254, verbose_name="email address")),
                (
                    "is_staff",
                    models.BooleanField(
                        default=False,
                        help_text="Designates whether the user can log into this admin site.",
                        verbose_name="staff status",
                    ),
                ),
                (
                    "is_active",
                    models.BooleanField(
                        default=True,
                        help_text="Designates whether this user should be treated as active. Unselect this instead of deleting accounts.",
                        verbose_name="active",
                    ),
                ),
                ("date_joined", models.DateTimeField(default=django.utils.timezone.now, verbose_name="date joined")),
                (
                    "person",
                    models.OneToOneField(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="account",
                        to="people.person",
                        verbose_name="person",
                    ),
                ),
                ("language", models.CharField(blank=True, max_length=10, verbose_name="language")),
                (
                    "groups",
                    models.ManyToManyField(
                        blank=True,
                        help_text="The groups this user belongs to. A user will get all permissions granted to each of their groups.",
                        related_name="user_set",
                        related_query_name="user",
                        to="auth.group",
                        verbose_name="groups",
                    ),
                ),
                (
                    "user_permissions",
                    models.ManyToManyField(
                        blank=True,
                        help_text="Specific permissions for this user.",
                        related_name="user_set",
                        related_query_name="user",
                        to="auth.permission",
                        verbose_name="user permissions",
                    ),
                ),
            ],
            options={
                "verbose_name": "account",
                "verbose_name_plural": "accounts",
            },
            managers=[
                ("objects", django.contrib.auth.models.UserManager()),
            ],
        ),
        migrations.CreateModel(
            name="Token",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "account",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="tokens", to=settings.AUTH_USER_MODEL
                    ),
                ),
                ("name", models.CharField(max_length=60, verbose_name="name")),
                ("hint", models.CharField(max_length=12)),
                ("digest", models.CharField(max_length=64, unique=True)),
                ("scopes", models.CharField(default="read", max_length=400, verbose_name="scopes")),
                ("created_at", models.DateTimeField(default=django.utils.timezone.now)),
                ("expires_on", models.DateField(blank=True, null=True, verbose_name="until")),
                ("used_on", models.DateField(null=True)),
            ],
            options={
                "verbose_name": "access token",
                "verbose_name_plural": "access tokens",
            },
        ),
    ]
