import django.db.models.deletion
import django.utils.timezone
from django.db import migrations, models

import xiaoguan.desk.fields
import xiaoguan.rulebook.process


class Migration(migrations.Migration):
    replaces = [
        ("sales", "0001_initial"),
        ("sales", "0002_lanes_by_day"),
        ("sales", "0003_owners_lanes"),
        ("sales", "0004_splits_and_returns"),
    ]

    initial = True

    dependencies = [
        ("customers", "0001_tables"),
        ("people", "0001_tables"),
    ]

    operations = [
        migrations.CreateModel(
            name="Currency",
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
                    models.CharField(
                        help_text="ISO 4217, such as CNY.", max_length=3, unique=True, verbose_name="code"
                    ),
                ),
                ("name", models.CharField(max_length=60, verbose_name="name")),
            ],
            options={
                "verbose_name": "currency",
                "verbose_name_plural": "currencies",
                "abstract": False,
                "constraints": [models.UniqueConstraint(fields=("external_id", "source"), name="currency_source_id")],
            },
        ),
        migrations.CreateModel(
            name="ExchangeRate",
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
                ("base", models.CharField(max_length=3, verbose_name="from currency")),
                ("quote", models.CharField(max_length=3, verbose_name="to currency")),
                (
                    "kind",
                    models.CharField(
                        choices=[("plan", "plan rate"), ("average", "average of the day"), ("close", "end of the day")],
                        default="average",
                        max_length=8,
                        verbose_name="kind",
                    ),
                ),
                ("on", models.DateField(verbose_name="day")),
                ("rate", xiaoguan.desk.fields.ExactField(places=10, verbose_name="rate")),
            ],
            options={
                "verbose_name": "exchange rate",
                "verbose_name_plural": "exchange rates",
                "abstract": False,
                "indexes": [models.Index(fields=["-on", "-id"], name="exchange_rate_list")],
                "constraints": [
                    models.UniqueConstraint(fields=("external_id", "source"), name="exchangerate_source_id"),
                    models.UniqueConstraint(fields=("base", "quote", "kind", "on"), name="one_rate_a_day"),
                ],
            },
        ),
        migrations.CreateModel(
            name="ProductCategory",
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
                        to="sales.productcategory",
                        verbose_name="part of",
                    ),
                ),
            ],
            options={
                "verbose_name": "product category",
                "verbose_name_plural": "product categories",
                "abstract": False,
                "constraints": [
                    models.UniqueConstraint(fields=("external_id", "source"), name="productcategory_source_id")
                ],
            },
        ),
        migrations.CreateModel(
            name="Product",
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
                ("name", models.CharField(max_length=120, verbose_name="name")),
                ("number", models.CharField(blank=True, max_length=40, verbose_name="product number")),
                (
                    "category",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="products",
                        to="sales.productcategory",
                        verbose_name="category",
                    ),
                ),
                ("list_price", xiaoguan.desk.fields.MoneyField(blank=True, null=True, verbose_name="list price")),
                ("cost", xiaoguan.desk.fields.MoneyField(blank=True, null=True, verbose_name="cost")),
                ("currency", models.CharField(max_length=3, verbose_name="currency")),
                ("active", models.BooleanField(default=True, verbose_name="on sale")),
            ],
            options={
                "verbose_name": "product",
                "verbose_name_plural": "products",
                "abstract": False,
                "indexes": [models.Index(fields=["name", "id"], name="product_list")],
                "constraints": [models.UniqueConstraint(fields=("external_id", "source"), name="product_source_id")],
            },
        ),
        migrations.CreateModel(
            name="Opportunity",
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
                ("title", models.CharField(max_length=120, verbose_name="title")),
                (
                    "customer",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="opportunities",
                        to="customers.customer",
                        verbose_name="customer",
                    ),
                ),
                (
                    "owner",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="opportunities",
                        to="people.person",
                        verbose_name="owner",
                    ),
                ),
                ("stage", xiaoguan.rulebook.process.StageField(max_length=40, verbose_name="stage")),
                (
                    "amount",
                    xiaoguan.desk.fields.MoneyField(
                        help_text="Expected contract value, tax excluded.", verbose_name="amount"
                    ),
                ),
                ("currency", models.CharField(max_length=3, verbose_name="currency")),
                ("opened_on", models.DateField(default=django.utils.timezone.localdate, verbose_name="opened")),
                (
                    "closes_on",
                    models.DateField(help_text="The day we expect the signature.", verbose_name="expected signature"),
                ),
                ("closed_on", models.DateField(blank=True, editable=False, null=True, verbose_name="closed")),
                (
                    "result",
                    models.CharField(
                        choices=[("open", "open"), ("won", "won"), ("lost", "lost")],
                        default="open",
                        editable=False,
                        max_length=4,
                        verbose_name="result",
                    ),
                ),
                (
                    "lost_reason",
                    models.CharField(
                        blank=True,
                        choices=[
                            ("price", "price"),
                            ("competitor", "a competitor"),
                            ("no_budget", "no budget"),
                            ("no_decision", "no decision"),
                            ("fit", "did not fit the need"),
                            ("other", "another reason"),
                        ],
                        editable=False,
                        max_length=12,
                        verbose_name="why lost",
                    ),
                ),
                (
                    "stage_since",
                    models.DateField(
                        default=django.utils.timezone.localdate, editable=False, verbose_name="in this stage since"
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
                ("note", models.TextField(blank=True, verbose_name="note")),
            ],
            options={
                "verbose_name": "opportunity",
                "verbose_name_plural": "opportunities",
                "abstract": False,
                "indexes": [
                    models.Index(fields=["result", "stage", "-updated_at", "-id"], name="opportunity_lane"),
                    models.Index(
                        fields=["result", "stage", "closed_on", "owner", "currency", "amount"],
                        name="opportunity_closed_lane",
                    ),
                    models.Index(fields=["stage", "-closes_on", "-id"], name="opportunity_of_stage"),
                    models.Index(
                        fields=["owner", "stage", "result", "-updated_at", "-id"], name="opportunity_of_owner_lane"
                    ),
                    models.Index(fields=["owner", "-closes_on", "-id"], name="opportunity_of_owner"),
                    models.Index(fields=["-closes_on", "-id"], name="opportunity_list"),
                    models.Index(fields=["closed_on"], name="opportunity_closed"),
                ],
                "constraints": [
                    models.UniqueConstraint(fields=("external_id", "source"), name="opportunity_source_id")
                ],
            },
        ),
        migrations.CreateModel(
            name="StageSpell",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "opportunity",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="spells", to="sales.opportunity"
                    ),
                ),
                ("stage", xiaoguan.rulebook.process.StageField(max_length=40, verbose_name="stage")),
                ("entered_at", models.DateTimeField(verbose_name="entered")),
                ("left_at", models.DateTimeField(null=True, verbose_name="left")),
            ],
            options={
                "verbose_name": "stay in a stage",
                "verbose_name_plural": "stays in stages",
                "indexes": [models.Index(fields=["opportunity", "entered_at"], name="spell_of_opportunity")],
            },
        ),
        migrations.CreateModel(
            name="Order",
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
                ("number", models.CharField(max_length=40, verbose_name="order number")),
                (
                    "customer",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="orders",
                        to="customers.customer",
                        verbose_name="customer",
                    ),
                ),
                (
                    "owner",
                    models.ForeignKey(
                        blank=True,
                        help_text="Who is credited; empty for a sale without a sales person.",
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="orders",
                        to="people.person",
                        verbose_name="owner",
                    ),
                ),
                (
                    "opportunity",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="orders",
                        to="sales.opportunity",
                        verbose_name="opportunity",
                    ),
                ),
                (
                    "territory",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="orders",
                        to="people.territory",
                        verbose_name="territory",
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
                    "status",
                    models.CharField(
                        choices=[("draft", "draft"), ("signed", "signed"), ("cancelled", "cancelled")],
                        default="signed",
                        max_length=10,
                        verbose_name="status",
                    ),
                ),
                ("ordered_on", models.DateField(default=django.utils.timezone.localdate, verbose_name="signed")),
                ("due_on", models.DateField(blank=True, null=True, verbose_name="payment due")),
                (
                    "net_amount",
                    xiaoguan.desk.fields.MoneyField(help_text="Before tax and freight.", verbose_name="net amount"),
                ),
                ("tax_amount", xiaoguan.desk.fields.MoneyField(default=0, verbose_name="tax")),
                ("freight_amount", xiaoguan.desk.fields.MoneyField(default=0, verbose_name="freight")),
                (
                    "total_amount",
                    xiaoguan.desk.fields.MoneyField(help_text="What the customer owes.", verbose_name="total"),
                ),
                (
                    "received_amount",
                    xiaoguan.desk.fields.MoneyField(default=0, editable=False, verbose_name="received"),
                ),
                ("currency", models.CharField(max_length=3, verbose_name="currency")),
                (
                    "invoice_currency",
                    models.CharField(
                        blank=True,
                        help_text="Where the customer pays in another one.",
                        max_length=3,
                        verbose_name="currency of the invoice",
                    ),
                ),
            ],
            options={
                "verbose_name": "order",
                "verbose_name_plural": "orders",
                "abstract": False,
                "indexes": [
                    models.Index(fields=["-ordered_on", "-id"], name="order_list"),
                    models.Index(fields=["owner", "-ordered_on", "-id"], name="order_of_owner"),
                    models.Index(fields=["customer", "ordered_on"], name="order_of_customer"),
                ],
                "constraints": [models.UniqueConstraint(fields=("external_id", "source"), name="order_source_id")],
            },
        ),
        migrations.CreateModel(
            name="OrderLine",
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
                    "order",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="lines",
                        to="sales.order",
                        verbose_name="order",
                    ),
                ),
                ("position", models.PositiveIntegerField(default=1, verbose_name="line")),
                (
                    "product",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="order_lines",
                        to="sales.product",
                        verbose_name="product",
                    ),
                ),
                ("quantity", xiaoguan.desk.fields.ExactField(places=4, verbose_name="quantity")),
                ("unit_price", xiaoguan.desk.fields.MoneyField(verbose_name="unit price")),
                (
                    "discount",
                    xiaoguan.desk.fields.ExactField(default=0, percent=True, places=6, verbose_name="discount"),
                ),
                ("net_amount", xiaoguan.desk.fields.MoneyField(verbose_name="net amount")),
                ("currency", models.CharField(max_length=3, verbose_name="currency")),
            ],
            options={
                "verbose_name": "order line",
                "verbose_name_plural": "order lines",
                "abstract": False,
                "constraints": [models.UniqueConstraint(fields=("external_id", "source"), name="orderline_source_id")],
            },
        ),
        migrations.CreateModel(
            name="Split",
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
                    "order",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="splits",
                        to="sales.order",
                        verbose_name="order",
                    ),
                ),
                (
                    "person",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="splits",
                        to="people.person",
                        verbose_name="person",
                    ),
                ),
                ("share", xiaoguan.desk.fields.ExactField(percent=True, places=6, verbose_name="share")),
                (
                    "kind",
                    models.CharField(
                        choices=[("direct", "shared credit"), ("overlay", "extra credit")],
                        default="direct",
                        max_length=8,
                        verbose_name="kind",
                    ),
                ),
                (
                    "counts",
                    models.CharField(
                        choices=[
                            ("attainment pay", "goals and pay"),
                            ("attainment", "goals only"),
                            ("pay", "pay only"),
                        ],
                        default="attainment pay",
                        max_length=16,
                        verbose_name="counts for",
                    ),
                ),
                ("reason", models.CharField(blank=True, max_length=120, verbose_name="reason")),
            ],
            options={
                "verbose_name": "credit split",
                "verbose_name_plural": "credit splits",
                "abstract": False,
                "indexes": [models.Index(fields=["-id"], name="split_list")],
                "constraints": [
                    models.UniqueConstraint(fields=("external_id", "source"), name="split_source_id"),
                    models.UniqueConstraint(fields=("order", "person", "kind", "counts"), name="one_share_a_person"),
                ],
            },
        ),
        migrations.CreateModel(
            name="Return",
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
                    "order",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="returns",
                        to="sales.order",
                        verbose_name="order",
                    ),
                ),
                (
                    "kind",
                    models.CharField(
                        choices=[
                            ("return", "return of goods"),
                            ("refund", "refund"),
                            ("bad_debt", "bad debt"),
                            ("cancelled", "contract cancelled"),
                        ],
                        default="return",
                        max_length=10,
                        verbose_name="kind",
                    ),
                ),
                ("amount", xiaoguan.desk.fields.MoneyField(verbose_name="amount")),
                ("currency", models.CharField(max_length=3, verbose_name="currency")),
                ("returned_on", models.DateField(default=django.utils.timezone.localdate, verbose_name="day")),
                ("reason", models.CharField(blank=True, max_length=200, verbose_name="reason")),
            ],
            options={
                "verbose_name": "return",
                "verbose_name_plural": "returns",
                "abstract": False,
                "indexes": [models.Index(fields=["-returned_on", "-id"], name="return_list")],
                "constraints": [models.UniqueConstraint(fields=("external_id", "source"), name="return_source_id")],
            },
        ),
        migrations.CreateModel(
            name="Payment",
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
                    "order",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="payments",
                        to="sales.order",
                        verbose_name="order",
                    ),
                ),
                ("amount", xiaoguan.desk.fields.MoneyField(verbose_name="amount")),
                ("currency", models.CharField(max_length=3, verbose_name="currency")),
                ("received_on", models.DateField(default=django.utils.timezone.localdate, verbose_name="received on")),
                (
                    "method",
                    models.CharField(
                        choices=[
                            ("transfer", "bank transfer"),
                            ("card", "card"),
                            ("cash", "cash"),
                            ("bill", "bill of exchange"),
                            ("wallet", "mobile wallet"),
                        ],
                        default="transfer",
                        max_length=10,
                        verbose_name="method",
                    ),
                ),
                ("reference", models.CharField(blank=True, max_length=80, verbose_name="reference")),
            ],
            options={
                "verbose_name": "payment",
                "verbose_name_plural": "payments",
                "abstract": False,
                "indexes": [models.Index(fields=["-received_on", "-id"], name="payment_list")],
                "constraints": [models.UniqueConstraint(fields=("external_id", "source"), name="payment_source_id")],
            },
        ),
        migrations.CreateModel(
            name="Activity",
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
                ("subject", models.CharField(max_length=160, verbose_name="subject")),
                (
                    "kind",
                    models.CharField(
                        choices=[
                            ("call", "call"),
                            ("visit", "visit"),
                            ("message", "message"),
                            ("meeting", "meeting"),
                            ("email", "e-mail"),
                            ("task", "task"),
                        ],
                        default="call",
                        max_length=8,
                        verbose_name="kind",
                    ),
                ),
                (
                    "customer",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="activities",
                        to="customers.customer",
                        verbose_name="customer",
                    ),
                ),
                (
                    "contact",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="activities",
                        to="customers.contact",
                        verbose_name="contact",
                    ),
                ),
                (
                    "opportunity",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="activities",
                        to="sales.opportunity",
                        verbose_name="opportunity",
                    ),
                ),
                (
                    "owner",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="activities",
                        to="people.person",
                        verbose_name="owner",
                    ),
                ),
                ("due_on", models.DateField(default=django.utils.timezone.localdate, verbose_name="due")),
                ("done_on", models.DateField(blank=True, null=True, verbose_name="done")),
                ("minutes", models.PositiveIntegerField(blank=True, null=True, verbose_name="minutes")),
                (
                    "outcome",
                    models.CharField(
                        blank=True,
                        choices=[
                            ("reached", "reached"),
                            ("not_reached", "not reached"),
                            ("interested", "interested"),
                            ("refused", "refused"),
                        ],
                        max_length=12,
                        verbose_name="outcome",
                    ),
                ),
                ("note", models.TextField(blank=True, verbose_name="note")),
            ],
            options={
                "verbose_name": "activity",
                "verbose_name_plural": "activities",
                "abstract": False,
                "indexes": [
                    models.Index(fields=["owner", "done_on", "due_on"], name="activity_due"),
                    models.Index(fields=["-due_on", "-id"], name="activity_list"),
                    models.Index(fields=["customer", "-done_on"], name="activity_of_customer"),
                ],
                "constraints": [models.UniqueConstraint(fields=("external_id", "source"), name="activity_source_id")],
            },
        ),
    ]
