"""What reminds people by itself on the day when it is due."""

from django.db.models import Q
from django.utils.translation import gettext_noop

from xiaoguan.desk.notify import remind_of

DUE = gettext_noop("Due today: %(title)s")
remind_of("activity", "due_on", "owner", DUE, open=Q(done_on__isnull=True), about="customer")
remind_of("customer", "next_contact_on", "owner", gettext_noop("Contact today: %(title)s"))
remind_of(
    "contract", "ends_on", "owner", gettext_noop("Ends in 30 days: %(title)s"), Q(status="active"), "customer", ahead=30
)
