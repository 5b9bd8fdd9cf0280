import django.db.models.deletion
import django.utils.timezone
from django.db import migrations, models

import xiaoguan.desk.fields


class Migration(migrations.Migration):
    replaces = [("customers", "0001_initial"), ("customers", "0002_initial")]

    initial = True

    dependencies = [
        ("people", "0001_tables"),
    ]

    operations = [
        migrations.CreateModel(
            name="Customer",
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
                ("name", models.CharField(max_length=160, verbose_name="name")),
                (
                    "kind",
                    models.CharField(
                        choices=[("organisation", "organisation"), ("individual", "individual")],
                        default="organisation",
                        max_length=12,
                        verbose_name="kind",
                    ),
                ),
                (
                    "channel",
                    models.CharField(
                        choices=[
                            ("direct", "direct"),
                            ("reseller", "reseller"),
                            ("agent", "agent"),
                            ("online", "online"),
                        ],
                        default="direct",
                        max_length=12,
                        verbose_name="channel",
                    ),
                ),
                (
                    "grade",
                    models.CharField(
                        blank=True, choices=[("A", "A"), ("B", "B"), ("C", "C")], max_length=1, verbose_name="grade"
                    ),
                ),
                (
                    "stage",
                    models.CharField(
                        choices=[
                            ("prospect", "prospect"),
                            ("first", "first purchase"),
                            ("repeat", "repeat customer"),
                            ("loyal", "loyal customer"),
                            ("dormant", "dormant"),
                        ],
                        default="prospect",
                        editable=False,
                        max_length=12,
                        verbose_name="life cycle",
                    ),
                ),
                (
                    "origin",
                    models.CharField(
                        blank=True,
                        choices=[
                            ("web", "web form"),
                            ("exhibition", "exhibition"),
                            ("referral", "referral"),
                            ("phone", "phone"),
                            ("import", "import"),
                            ("other", "other"),
                        ],
                        max_length=12,
                        verbose_name="origin",
                    ),
                ),
                ("industry", models.CharField(blank=True, max_length=80, verbose_name="industry")),
                ("city", models.CharField(blank=True, max_length=80, verbose_name="city")),
                (
                    "country",
                    models.CharField(
                        blank=True, help_text="ISO code, such as CN.", max_length=2, verbose_name="country"
                    ),
                ),
                ("phone", models.CharField(blank=True, max_length=40, verbose_name="phone")),
                ("email", xiaoguan.desk.fields.EmailField(blank=True, max_length=254, verbose_name="e-mail")),
                ("website", models.URLField(blank=True, verbose_name="website")),
                ("tax_number", models.CharField(blank=True, max_length=30, verbose_name="tax number")),
                (
                    "owner",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="customers",
                        to="people.person",
                        verbose_name="owner",
                    ),
                ),
                (
                    "territory",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        to="people.territory",
                        verbose_name="territory",
                    ),
                ),
                ("registered_on", models.DateField(default=django.utils.timezone.localdate, verbose_name="registered")),
                ("next_contact_on", models.DateField(blank=True, null=True, verbose_name="next contact")),
                (
                    "last_contact_on",
                    models.DateField(blank=True, editable=False, null=True, verbose_name="last contact"),
                ),
                ("first_order_on", models.DateField(blank=True, editable=False, null=True, verbose_name="first order")),
                ("last_order_on", models.DateField(blank=True, editable=False, null=True, verbose_name="last order")),
                ("note", models.TextField(blank=True, verbose_name="note")),
            ],
            options={
                "verbose_name": "customer",
                "verbose_name_plural": "customers",
                "abstract": False,
                "indexes": [
                    models.Index(fields=["-updated_at", "-id"], name="customer_list"),
                    models.Index(fields=["owner", "-updated_at", "-id"], name="customer_of_owner"),
                    models.Index(fields=["first_order_on"], name="customer_first_order"),
                ],
                "constraints": [models.UniqueConstraint(fields=("external_id", "source"), name="customer_source_id")],
            },
        ),
        migrations.CreateModel(
            name="Contact",
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
                    "customer",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="contacts",
                        to="customers.customer",
                        verbose_name="customer",
                    ),
                ),
                ("name", models.CharField(max_length=80, verbose_name="name")),
                ("title", models.CharField(blank=True, max_length=80, verbose_name="job title")),
                ("phone", models.CharField(blank=True, max_length=40, verbose_name="phone")),
                ("email", xiaoguan.desk.fields.EmailField(blank=True, max_length=254, verbose_name="e-mail")),
                ("primary", models.BooleanField(default=False, verbose_name="main contact")),
            ],
            options={
                "verbose_name": "contact",
                "verbose_name_plural": "contacts",
                "abstract": False,
                "indexes": [models.Index(fields=["-updated_at", "-id"], name="contact_list")],
                "constraints": [models.UniqueConstraint(fields=("external_id", "source"), name="contact_source_id")],
            },
        ),
        migrations.CreateModel(
            name="Lead",
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
                ("company", models.CharField(blank=True, max_length=160, verbose_name="company")),
                ("phone", models.CharField(blank=True, max_length=40, verbose_name="phone")),
                ("email", xiaoguan.desk.fields.EmailField(blank=True, max_length=254, verbose_name="e-mail")),
                (
                    "origin",
                    models.CharField(
                        choices=[
                            ("web", "web form"),
                            ("exhibition", "exhibition"),
                            ("referral", "referral"),
                            ("phone", "phone"),
                            ("import", "import"),
                            ("other", "other"),
                        ],
                        default="web",
                        max_length=12,
                        verbose_name="origin",
                    ),
                ),
                (
                    "status",
                    models.CharField(
                        choices=[
                            ("new", "new"),
                            ("working", "being worked on"),
                            ("qualified", "qualified"),
                            ("disqualified", "disqualified"),
                        ],
                        default="new",
                        max_length=12,
                        verbose_name="status",
                    ),
                ),
                (
                    "owner",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="leads",
                        to="people.person",
                        verbose_name="owner",
                    ),
                ),
                (
                    "customer",
                    models.ForeignKey(
                        blank=True,
                        editable=False,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="leads",
                        to="customers.customer",
                        verbose_name="customer",
                    ),
                ),
                ("received_on", models.DateField(default=django.utils.timezone.localdate, verbose_name="received")),
                ("note", models.TextField(blank=True, verbose_name="note")),
            ],
            options={
                "verbose_name": "lead",
                "verbose_name_plural": "leads",
                "abstract": False,
                "indexes": [models.Index(fields=["-received_on", "-id"], name="lead_list")],
                "constraints": [models.UniqueConstraint(fields=("external_id", "source"), name="lead_source_id")],
            },
        ),
    ]
