"""Statements of pay periods with their confirmation, and runs that are locked."""

import django.db.models.deletion
import django.utils.timezone
from django.db import migrations, models

import xiaoguan.desk.fields


class Migration(migrations.Migration):
    dependencies = [
        ("people", "0002_rights_and_tokens"),
        ("rulebook", "0003_policy_workshop"),
    ]

    operations = [
        migrations.RenameModel("PayPeriod", "PayrollPeriod"),
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
            },
        ),
        migrations.RemoveConstraint(
            model_name="payrollperiod",
            name="payperiod_source_id",
        ),
        migrations.AddField(
            model_name="payrollperiod",
            name="reason",
            field=models.CharField(blank=True, editable=False, max_length=400, verbose_name="sent back because"),
        ),
        migrations.AddField(
            model_name="run",
            name="locked",
            field=models.BooleanField(default=False, verbose_name="locked"),
        ),
        migrations.AddConstraint(
            model_name="payrollperiod",
            constraint=models.UniqueConstraint(fields=("external_id", "source"), name="payrollperiod_source_id"),
        ),
        migrations.AddField(
            model_name="paystatement",
            name="period",
            field=models.ForeignKey(
                editable=False,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="statements",
                to="rulebook.payrollperiod",
                verbose_name="pay period",
            ),
        ),
        migrations.AddField(
            model_name="paystatement",
            name="person",
            field=models.ForeignKey(
                editable=False,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="statements",
                to="people.person",
                verbose_name="person",
            ),
        ),
        migrations.AddField(
            model_name="paystatement",
            name="run",
            field=models.ForeignKey(
                editable=False,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                to="rulebook.run",
                verbose_name="run",
            ),
        ),
        migrations.AddConstraint(
            model_name="paystatement",
            constraint=models.UniqueConstraint(fields=("external_id", "source"), name="paystatement_source_id"),
        ),
        migrations.AddConstraint(
            model_name="paystatement",
            constraint=models.UniqueConstraint(fields=("period", "person"), name="statement_of_person"),
        ),
    ]
