"""商机到回款: what we sell, deals in progress, what was ordered and paid, and what was done for it."""

from __future__ import annotations

from collections.abc import Collection
from datetime import date, timedelta
from typing import Any, ClassVar

from django.core.exceptions import ValidationError
from django.db import models
from django.db.models import Count, F, Max, Min, OuterRef, Subquery
from django.db.models.functions import Coalesce
from django.utils import timezone
from django.utils.translation import get_language, pgettext_lazy
from django.utils.translation import gettext_lazy as _

from xiaoguan.base.words import format_percent
from xiaoguan.customers.models import Contact, Customer
from xiaoguan.customers.pool import look_again
from xiaoguan.desk.cells import day_text
from xiaoguan.desk.fields import ExactField, MoneyField, single
from xiaoguan.desk.records import Record
from xiaoguan.people.models import Person, Territory
from xiaoguan.rulebook.process import StageField, process_in_force


class Currency(Record):
    """币种: a currency that amounts may be kept in."""

    code = models.CharField(_("code"), max_length=3, unique=True, help_text=_("ISO 4217, such as CNY."))
    name = models.CharField(_("name"), max_length=60)

    GROWS = False

    class Meta(Record.Meta):
        verbose_name, verbose_name_plural = _("currency"), _("currencies")

    def __str__(self) -> str:
        return self.code


class ExchangeRate(Record):
    """汇率: what one unit of `base` cost in `quote` on a day."""

    class Kind(models.TextChoices):
        PLAN = "plan", _("plan rate")
        AVERAGE = "average", _("average of the day")
        CLOSE = "close", _("end of the day")

    base = models.CharField(_("from currency"), max_length=3)
    quote = models.CharField(_("to currency"), max_length=3)
    kind = models.CharField(_("kind"), max_length=8, choices=Kind, default=Kind.AVERAGE)
    on = models.DateField(_("day"))
    rate = single(ExactField(_("rate"), places=10))

    class Meta(Record.Meta):
        verbose_name, verbose_name_plural = _("exchange rate"), _("exchange rates")
        constraints: ClassVar = [
            *Record.Meta.constraints,
            models.UniqueConstraint(fields=["base", "quote", "kind", "on"], name="one_rate_a_day"),
        ]
        indexes: ClassVar = [models.Index(fields=["-on", "-id"], name="exchange_rate_list")]

    def __str__(self) -> str:
        return f"{self.base}/{self.quote} · {day_text(self.on)}"

    def clean(self) -> None:
        super().clean()
        if self.rate is not None and self.rate <= 0:
            raise ValidationError({"rate": _("A rate is above zero.")})


class ProductCategory(Record):
    """产品类别: products form a tree of categories."""

    name = models.CharField(_("name"), max_length=80)
    parent = models.ForeignKey(
        "self", models.PROTECT, null=True, blank=True, related_name="children", verbose_name=_("part of")
    )

    GROWS = False

    class Meta(Record.Meta):
        verbose_name, verbose_name_plural = _("product category"), _("product categories")

    def __str__(self) -> str:
        return self.name


class Product(Record):
    """产品: what we sell, with its list price and cost."""

    name = models.CharField(_("name"), max_length=120)
    number = models.CharField(_("product number"), max_length=40, blank=True)
    category = models.ForeignKey(
        ProductCategory, models.PROTECT, null=True, blank=True, related_name="products", verbose_name=_("category")
    )
    list_price = single(MoneyField(_("list price"), null=True, blank=True))
    cost = single(MoneyField(_("cost"), null=True, blank=True))
    currency = models.CharField(_("currency"), max_length=3)
    active = models.BooleanField(_("on sale"), default=True)

    class Meta(Record.Meta):
        verbose_name, verbose_name_plural = _("product"), _("products")
        indexes: ClassVar = [models.Index(fields=["name", "id"], name="product_list")]

    def __str__(self) -> str:
        return self.name


class Opportunity(Record):
    """商机: a sale in progress, from first contact to signed contract."""

    class Result(models.TextChoices):
        OPEN = "open", _("open")
        WON = "won", _("won")
        LOST = "lost", _("lost")

    class Reason(models.TextChoices):
        PRICE = "price", _("price")
        COMPETITOR = "competitor", _("a competitor")
        NO_BUDGET = "no_budget", _("no budget")
        NO_DECISION = "no_decision", _("no decision")
        FIT = "fit", _("did not fit the need")
        OTHER = "other", _("another reason")

    class Category(models.TextChoices):
        COMMIT = "commit", pgettext_lazy("forecast", "committed")
        BEST_CASE = "best_case", pgettext_lazy("forecast", "best case")
        PIPELINE = "pipeline", pgettext_lazy("forecast", "possible")
        OMITTED = "omitted", pgettext_lazy("forecast", "left out")

    TONES: ClassVar = {
        "result": {"won": "green", "lost": "red", "open": "blue"},
        "category": {"commit": "green", "best_case": "blue", "omitted": "gray"},
    }

    title = models.CharField(_("title"), max_length=120)
    customer = models.ForeignKey(Customer, models.PROTECT, related_name="opportunities", verbose_name=_("customer"))
    owner = models.ForeignKey(  # the indexes below begin with it where they must
        Person, models.PROTECT, db_index=False, related_name="opportunities", verbose_name=_("owner")
    )
    stage = StageField(_("stage"))
    amount = MoneyField(_("amount"), help_text=_("Expected contract value, tax excluded."))
    currency = models.CharField(_("currency"), max_length=3)
    opened_on = models.DateField(_("opened"), default=timezone.localdate)
    closes_on = models.DateField(_("expected signature"), help_text=_("The day we expect the signature."))
    closed_on = models.DateField(_("closed"), null=True, blank=True, editable=False)
    result = models.CharField(_("result"), max_length=4, choices=Result, default=Result.OPEN, editable=False)
    lost_reason = models.CharField(_("why lost"), max_length=12, choices=Reason, blank=True, editable=False)
    stage_since = models.DateField(_("in this stage since"), default=timezone.localdate, editable=False)
    origin = models.CharField(_("origin"), max_length=12, choices=Customer.Origin, blank=True)
    category = models.CharField(
        _("forecast"), max_length=9, choices=Category, blank=True, help_text=_("Empty: as the stage says.")
    )
    note = models.TextField(_("note"), blank=True)

    class Meta(Record.Meta):
        verbose_name, verbose_name_plural = _("opportunity"), _("opportunities")
        indexes = [
            models.Index(fields=["result", "stage", "-updated_at", "-id"], name="opportunity_lane"),
            models.Index(
                fields=["result", "stage", "closed_on", "owner", "currency", "amount"], name="opportunity_closed_lane"
            ),
            models.Index(fields=["stage", "-closes_on", "-id"], name="opportunity_of_stage"),
            models.Index(fields=["owner", "stage", "result", "-updated_at", "-id"], name="opportunity_of_owner_lane"),
            models.Index(fields=["owner", "-closes_on", "-id"], name="opportunity_of_owner"),
            models.Index(fields=["-closes_on", "-id"], name="opportunity_list"),
            models.Index(fields=["closed_on"], name="opportunity_closed"),
        ]

    def __str__(self) -> str:
        return self.title

    @property
    def is_open(self) -> bool:
        return self.result == self.Result.OPEN

    @property
    def days_in_stage(self) -> int:
        return (timezone.localdate() - self.stage_since).days

    @classmethod
    def derive(cls, ids: Collection[int]) -> None:
        """Keep the stays: whoever is in another stage than the open stay says has left that and begun a new one."""
        staying = StageSpell.objects.filter(opportunity=OuterRef("pk"), left_at__isnull=True, stage=OuterRef("stage"))
        moved = list(cls.objects.filter(~models.Exists(staying), pk__in=ids).values_list("pk", "stage"))
        if moved:
            now = timezone.now()
            StageSpell.objects.filter(opportunity__in=[pk for pk, _stage in moved], left_at__isnull=True).update(
                left_at=now
            )
            StageSpell.objects.bulk_create(StageSpell(opportunity_id=pk, stage=s, entered_at=now) for pk, s in moved)

    def clean(self) -> None:
        """A new one is open and stands in an open stage: what closes it is winning or losing it."""
        super().clean()
        moved = self._state.adding or self.stored("stage") != self.stage
        if moved and self.is_open and process_in_force().stage(self.stage).closes:
            raise ValidationError({"stage": _("It is closed by winning or losing it, not by writing this stage.")})

    def enter(self, stage: str) -> None:
        """Move to an open stage. Saves."""
        self._stand(stage)

    def win(self, signed_on: date, amount_units: int) -> Order:
        """赢单: the customer signed. Saves it and the order."""
        self.amount_units = amount_units
        self._stand(_closing(self.Result.WON) or self.stage, self.Result.WON, signed_on)
        order = Order(
            number=f"SO-{self.pk:06d}",
            customer=self.customer,
            owner=self.owner,
            opportunity=self,
            channel=self.customer.channel,
            ordered_on=signed_on,
            net_amount=amount_units,
            total_amount=amount_units,
            currency=self.currency,
        )
        order.save()
        return order

    def lose(self, reason: str, note: str = "") -> None:
        """输单: close without an order, with the reason. Saves."""
        if note:
            self.note = f"{self.note}\n{note}".strip()
        self._stand(_closing(self.Result.LOST) or self.stage, self.Result.LOST, timezone.localdate(), reason)

    def reopen(self) -> None:
        """重新打开: open again, in the last stage in which it was open; that begins anew. Saves."""
        process = process_in_force()
        before = self.spells.order_by("-entered_at", "-id").values_list("stage", flat=True)
        stages = [self.stage, *before, process.stages[0].id]
        self.stage_since = timezone.localdate()
        self._stand(next(stage for stage in stages if not process.stage(stage).closes))

    def _stand(
        self, stage: str, result: str = Result.OPEN, closed_on: date | None = None, lost_reason: str = ""
    ) -> None:
        """The one place that writes where a deal stands: its stage and since when, whether and why it is closed."""
        if stage != self.stage:
            self.stage, self.stage_since = stage, timezone.localdate()
        self.result, self.closed_on, self.lost_reason = result, closed_on, lost_reason
        self.save()


def _closing(result: str) -> str:
    """The stage of the process in force that closes a deal so; "" where none does."""
    return next((s.id for s in process_in_force().stages if s.closes == result), "")


class StageSpell(models.Model):
    """阶段停留: one stay of an opportunity in one stage, [entered_at, left_at)."""

    opportunity = models.ForeignKey(Opportunity, models.CASCADE, related_name="spells")
    stage = StageField(_("stage"))
    entered_at = models.DateTimeField(_("entered"))
    left_at = models.DateTimeField(_("left"), null=True)

    class Meta:
        verbose_name, verbose_name_plural = _("stay in a stage"), _("stays in stages")
        indexes = [models.Index(fields=["opportunity", "entered_at"], name="spell_of_opportunity")]


class Contract(Record):
    """合同: what we and a customer are bound to, from when until when; orders are placed under it."""

    class Status(models.TextChoices):
        DRAFT = "draft", _("draft")
        SIGNING = "signing", _("waiting for signature")
        ACTIVE = "active", _("in force")
        ENDED = "ended", _("ended")
        TERMINATED = "terminated", _("terminated")

    TONES: ClassVar = {"status": {"draft": "gray", "signing": "amber", "active": "green", "terminated": "red"}}

    number = models.CharField(_("contract number"), max_length=40)
    title = models.CharField(_("title"), max_length=120)
    customer = models.ForeignKey(Customer, models.PROTECT, related_name="contracts", verbose_name=_("customer"))
    opportunity = models.ForeignKey(
        Opportunity, models.SET_NULL, null=True, blank=True, related_name="contracts", verbose_name=_("opportunity")
    )
    owner = models.ForeignKey(Person, models.PROTECT, related_name="contracts", verbose_name=_("owner"))
    status = models.CharField(_("status"), max_length=10, choices=Status, default=Status.DRAFT)
    amount = MoneyField(_("amount"), help_text=_("What it is worth over its whole term, tax excluded."))
    currency = models.CharField(_("currency"), max_length=3)
    signed_on = models.DateField(_("signed"), null=True, blank=True)
    starts_on = models.DateField(_("from"), default=timezone.localdate)
    ends_on = models.DateField(_("until"), null=True, blank=True, help_text=_("The last day it holds."))
    note = models.TextField(_("note"), blank=True)

    class Meta(Record.Meta):
        verbose_name, verbose_name_plural = _("contract"), _("contracts")
        indexes: ClassVar = [
            models.Index(fields=["-starts_on", "-id"], name="contract_list"),
            models.Index(fields=["status", "ends_on"], name="contract_ends"),
        ]

    def __str__(self) -> str:
        return f"{self.number} {self.title}"

    @property
    def binds(self) -> bool:
        """Whether its terms are agreed: what changes them then is agreed anew."""
        return self.status in (self.Status.SIGNING, self.Status.ACTIVE)

    def clean(self) -> None:
        from xiaoguan.sales.contracts import refuse_new

        super().clean()
        if self.ends_on and self.starts_on and self.ends_on < self.starts_on:
            raise ValidationError({"ends_on": _("The end must be later than the beginning.")})
        refuse_new(self)


class Order(Record):
    """订单: what a customer signed for."""

    class Status(models.TextChoices):
        DRAFT = "draft", _("draft")
        SIGNED = "signed", _("signed")
        CANCELLED = "cancelled", _("cancelled")

    TONES: ClassVar = {"status": {"signed": "green", "cancelled": "gray", "draft": "amber"}}

    number = models.CharField(_("order number"), max_length=40)
    customer = models.ForeignKey(Customer, models.PROTECT, related_name="orders", verbose_name=_("customer"))
    owner = models.ForeignKey(
        Person,
        models.PROTECT,
        null=True,
        blank=True,
        related_name="orders",
        verbose_name=_("owner"),
        help_text=_("Who is credited; empty for a sale without a sales person."),
    )
    opportunity = models.ForeignKey(
        Opportunity, models.SET_NULL, null=True, blank=True, related_name="orders", verbose_name=_("opportunity")
    )
    contract = models.ForeignKey(
        Contract, models.SET_NULL, null=True, blank=True, related_name="orders", verbose_name=_("contract")
    )
    territory = models.ForeignKey(
        Territory, models.PROTECT, null=True, blank=True, related_name="orders", verbose_name=_("territory")
    )
    channel = models.CharField(_("channel"), max_length=12, choices=Customer.Channel, default=Customer.Channel.DIRECT)
    status = models.CharField(_("status"), max_length=10, choices=Status, default=Status.SIGNED)
    ordered_on = models.DateField(_("signed"), default=timezone.localdate)
    due_on = models.DateField(_("payment due"), null=True, blank=True)
    delivered_on = models.DateField(_("delivered"), null=True, blank=True, help_text=_("The day all of it was there."))
    net_amount = MoneyField(_("net amount"), help_text=_("Before tax and freight."))
    tax_amount = MoneyField(_("tax"), default=0)
    freight_amount = MoneyField(_("freight"), default=0)
    total_amount = MoneyField(_("total"), help_text=_("What the customer owes."))
    received_amount = MoneyField(pgettext_lazy("money", "received"), default=0, editable=False)
    currency = models.CharField(_("currency"), max_length=3)
    invoice_currency = models.CharField(
        _("currency of the invoice"), max_length=3, blank=True, help_text=_("Where the customer pays in another one.")
    )

    class Meta(Record.Meta):
        verbose_name, verbose_name_plural = _("order"), _("orders")
        indexes = [
            models.Index(fields=["-ordered_on", "-id"], name="order_list"),
            models.Index(fields=["owner", "-ordered_on", "-id"], name="order_of_owner"),
            models.Index(fields=["customer", "ordered_on"], name="order_of_customer"),
        ]

    def __str__(self) -> str:
        return self.number

    @property
    def open_amount_units(self) -> int:
        return self.total_amount_units - self.received_amount_units

    @property
    def is_overdue(self) -> bool:
        return bool(self.due_on and self.due_on < timezone.localdate() and self.open_amount_units > 0)

    FEEDS = "customer"

    @classmethod
    def derive(cls, ids: Collection[int]) -> None:
        """Keep each customer's first and last order and with them its place in the life cycle."""
        signed = cls.objects.filter(customer=OuterRef("pk"), status=cls.Status.SIGNED).order_by().values("customer")
        Customer.objects.filter(pk__in=ids).update(
            first_order_on=Subquery(signed.annotate(v=Min("ordered_on")).values("v")),
            last_order_on=Subquery(signed.annotate(v=Max("ordered_on")).values("v")),
            stage=Coalesce(
                Subquery(
                    signed.annotate(n=Count("pk")).values(
                        v=models.Case(
                            models.When(n__gte=4, then=models.Value(Customer.Stage.LOYAL)),
                            models.When(n__gte=2, then=models.Value(Customer.Stage.REPEAT)),
                            default=models.Value(Customer.Stage.FIRST),
                        )
                    )
                ),
                models.Value(Customer.Stage.PROSPECT),
            ),
        )
        look_again(ids)


class OrderLine(Record):
    """订单行: one product on an order."""

    order = models.ForeignKey(Order, models.CASCADE, related_name="lines", verbose_name=_("order"))
    position = single(models.PositiveIntegerField(_("line"), default=1))
    product = models.ForeignKey(Product, models.PROTECT, related_name="order_lines", verbose_name=_("product"))
    quantity = ExactField(_("quantity"), places=4)
    unit_price = single(MoneyField(_("unit price")))
    discount = ExactField(_("discount"), places=6, percent=True, default=0)
    net_amount = MoneyField(_("net amount"))
    currency = models.CharField(_("currency"), max_length=3)

    class Meta(Record.Meta):
        verbose_name, verbose_name_plural = _("order line"), _("order lines")

    FEEDS = "order"

    def __str__(self) -> str:
        return f"{self.order} / {self.position}"

    def clean(self) -> None:
        from xiaoguan.sales.discounts import refuse_line

        super().clean()
        refuse_line(self)

    @classmethod
    def derive(cls, ids: Collection[int]) -> None:
        """An order that gives away more than was signed for is a draft again."""
        from xiaoguan.sales.discounts import hold

        hold(ids)


class Split(Record):
    """业绩分成: the share of an order's credit that counts for one person, recorded beside the order.

    What direct shares leave of the order stays with its owner; shares of an overlay come on top.
    """

    class Kind(models.TextChoices):
        DIRECT = "direct", _("shared credit")
        OVERLAY = "overlay", _("extra credit")

    class Counts(models.TextChoices):
        BOTH = "attainment pay", _("goals and pay")
        ATTAINMENT = "attainment", _("goals only")
        PAY = "pay", _("pay only")

    order = models.ForeignKey(Order, models.CASCADE, related_name="splits", verbose_name=_("order"))
    person = models.ForeignKey(Person, models.PROTECT, related_name="splits", verbose_name=_("person"))
    share = ExactField(pgettext_lazy("credit", "share"), places=6, percent=True)
    kind = models.CharField(_("kind"), max_length=8, choices=Kind, default=Kind.DIRECT)
    counts = models.CharField(_("counts for"), max_length=16, choices=Counts, default=Counts.BOTH)
    reason = models.CharField(_("reason"), max_length=120, blank=True)

    class Meta(Record.Meta):
        verbose_name, verbose_name_plural = _("credit split"), _("credit splits")
        indexes: ClassVar = [models.Index(fields=["-id"], name="split_list")]
        constraints: ClassVar = [
            *Record.Meta.constraints,
            models.UniqueConstraint(fields=["order", "person", "kind", "counts"], name="one_share_a_person"),
        ]

    TITLE = "reason"

    def __str__(self) -> str:
        return f"{self.order} / {self.person}"

    def clean(self) -> None:
        super().clean()
        if self.share is None or self.order_id is None:
            return
        if not 0 < self.share <= 1:
            raise ValidationError({"share": _("A share lies between 0 and 100 %.")})
        others = Split.objects.filter(order=self.order_id, kind=self.Kind.DIRECT).exclude(pk=self.pk)
        if self.kind == self.Kind.DIRECT:
            for purpose in self.counts.split():
                taken = sum(one.share for one in others if purpose in one.counts.split())
                if taken + self.share > 1:
                    left = {"left": format_percent(1 - taken, get_language() or "en")}
                    raise ValidationError({"share": _("Only %(left)s of this order are left to share.") % left})


class Return(Record):
    """退货退款: what undoes an order, wholly or in part; a claw-back takes back what was paid on it."""

    class Kind(models.TextChoices):
        RETURN = "return", _("return of goods")
        REFUND = "refund", _("refund")
        BAD_DEBT = "bad_debt", _("bad debt")
        CANCELLED = "cancelled", _("contract cancelled")

    order = models.ForeignKey(Order, models.PROTECT, related_name="returns", verbose_name=_("order"))
    kind = models.CharField(_("kind"), max_length=10, choices=Kind, default=Kind.RETURN)
    amount = MoneyField(_("amount"))
    currency = models.CharField(_("currency"), max_length=3)
    returned_on = models.DateField(_("day"), default=timezone.localdate)
    reason = models.CharField(_("reason"), max_length=200, blank=True)

    class Meta(Record.Meta):
        verbose_name, verbose_name_plural = _("return"), _("returns")
        indexes: ClassVar = [models.Index(fields=["-returned_on", "-id"], name="return_list")]

    TITLE = "reason"

    def __str__(self) -> str:
        return f"{self.order} · {self.get_kind_display()}"

    def clean(self) -> None:
        super().clean()
        if self.amount_units is not None and self.amount_units <= 0:
            raise ValidationError({"amount": _("What comes back is more than nothing.")})


class Payment(Record):
    """回款: money received for an order."""

    class Method(models.TextChoices):
        TRANSFER = "transfer", _("bank transfer")
        CARD = "card", _("card")
        CASH = "cash", _("cash")
        BILL = "bill", _("bill of exchange")
        WALLET = "wallet", _("mobile wallet")

    order = models.ForeignKey(Order, models.PROTECT, related_name="payments", verbose_name=_("order"))
    amount = MoneyField(_("amount"))
    currency = models.CharField(_("currency"), max_length=3)
    received_on = models.DateField(_("received on"), default=timezone.localdate)
    method = models.CharField(_("method"), max_length=10, choices=Method, default=Method.TRANSFER)
    reference = models.CharField(_("reference"), max_length=80, blank=True)

    TITLE = "reference"

    class Meta(Record.Meta):
        verbose_name, verbose_name_plural = _("payment"), _("payments")
        indexes = [models.Index(fields=["-received_on", "-id"], name="payment_list")]

    def __str__(self) -> str:
        return f"{self.order} · {self.received_on}"

    FEEDS = "order"

    @classmethod
    def derive(cls, ids: Collection[int]) -> None:
        """Keep what each order has received."""
        paid = cls.objects.filter(order=OuterRef("pk"), currency=OuterRef("currency")).order_by().values("order")
        Order.objects.filter(pk__in=ids).update(
            received_amount=Coalesce(Subquery(paid.annotate(v=models.Sum(F("amount"))).values("v")), 0)
        )


class Activity(Record):
    """销售活动: a call, visit, message or meeting, planned or done."""

    class Kind(models.TextChoices):
        CALL = "call", _("call")
        VISIT = "visit", _("visit")
        MESSAGE = "message", _("message")
        MEETING = "meeting", _("meeting")
        EMAIL = "email", pgettext_lazy("activity", "e-mail")
        TASK = "task", _("task")

    class Outcome(models.TextChoices):
        REACHED = "reached", _("reached")
        NOT_REACHED = "not_reached", _("not reached")
        INTERESTED = "interested", _("interested")
        REFUSED = "refused", _("refused")

    subject = models.CharField(_("subject"), max_length=160)
    kind = models.CharField(_("kind"), max_length=8, choices=Kind, default=Kind.CALL)
    customer = models.ForeignKey(
        Customer, models.CASCADE, null=True, blank=True, related_name="activities", verbose_name=_("customer")
    )
    contact = models.ForeignKey(
        Contact, models.SET_NULL, null=True, blank=True, related_name="activities", verbose_name=_("contact")
    )
    opportunity = models.ForeignKey(
        Opportunity, models.CASCADE, null=True, blank=True, related_name="activities", verbose_name=_("opportunity")
    )
    owner = models.ForeignKey(Person, models.PROTECT, related_name="activities", verbose_name=_("owner"))
    due_on = models.DateField(_("due"), default=timezone.localdate)
    done_on = models.DateField(pgettext_lazy("activity", "done"), null=True, blank=True)
    minutes = models.PositiveIntegerField(_("minutes"), null=True, blank=True)
    outcome = models.CharField(_("outcome"), max_length=12, choices=Outcome, blank=True)
    note = models.TextField(_("note"), blank=True)

    class Meta(Record.Meta):
        verbose_name, verbose_name_plural = _("activity"), _("activities")
        indexes = [
            models.Index(fields=["owner", "done_on", "due_on"], name="activity_due"),
            models.Index(fields=["-due_on", "-id"], name="activity_list"),
            models.Index(fields=["customer", "-done_on"], name="activity_of_customer"),
        ]

    def __str__(self) -> str:
        return self.subject

    @property
    def is_overdue(self) -> bool:
        return self.done_on is None and self.due_on < timezone.localdate()

    def plan_next(self, on: date | None, subject: str = "") -> None:
        """The next one of this kind, on that day; the customer knows when it is heard of again."""
        if on is None:
            return
        own = {f.attname: getattr(self, f.attname) for f in self._meta.concrete_fields if f.name in self.GOES_ON}
        Activity(due_on=on, subject=(subject or self.subject)[:160], **own).save()
        if self.customer:
            self.customer.next_contact_on = on
            self.customer.save()

    GOES_ON: ClassVar = ("kind", "customer", "contact", "opportunity", "owner")
    """What a next activity takes from the one before."""

    FEEDS = "customer"

    @classmethod
    def derive(cls, ids: Collection[int]) -> None:
        """Keep each customer's last contact."""
        done = cls.objects.filter(customer=OuterRef("pk"), done_on__isnull=False).order_by().values("customer")
        Customer.objects.filter(pk__in=ids).update(
            last_contact_on=Subquery(done.annotate(v=Max("done_on")).values("v"))
        )
        look_again(ids)


def tomorrow(days: int = 1) -> date:
    return timezone.localdate() + timedelta(days=days)


def default_currency() -> Any:
    """The currency of the policy in force, for new records."""
    return process_in_force().currency
