"""邮件: a mail that is attached to a customer, contact or deal becomes what was said with them, on its own day."""

from __future__ import annotations

from typing import Any

from django.utils import timezone
from django.utils.translation import gettext as _

from xiaoguan.customers.models import Contact
from xiaoguan.desk import mails
from xiaoguan.desk.access import Viewer
from xiaoguan.desk.comments import read_by
from xiaoguan.sales.models import Activity
from xiaoguan.sales.verbs import about, logs

SOURCE, LONGEST_ID = "mail", 80


@read_by("eml")
def take(record: Any, viewer: Viewer, content: bytes) -> None:
    """Write the mail down as done by whoever attached it, once for each mail; a file that is none stays a file."""
    mail = mails.read(content) if logs(record) else None
    if mail is None or viewer.person_id is None:
        return
    key = mail.message_id[-LONGEST_ID:] or None
    if key and Activity.objects.filter(source=SOURCE, external_id=key).exists():
        return
    today = timezone.localdate()
    day = min(timezone.localtime(mail.at).date(), today) if mail.at else today
    belongs = about(record)
    if "contact" not in belongs:
        known = Contact.objects.filter(customer=belongs["customer"]).exclude(email="")
        by_address = {contact.email.lower(): contact for contact in known}
        belongs["contact"] = next((by_address[a] for a in mail.people if a in by_address), None)
    said = _("From %(sender)s to %(receivers)s") % {"sender": mail.sender, "receivers": mail.receivers}
    Activity(
        subject=(mail.subject or str(Activity.Kind.EMAIL.label))[:160],
        kind=Activity.Kind.EMAIL,
        owner_id=viewer.person_id,
        due_on=day,
        done_on=day,
        note=f"{said}\n\n{mail.text}".strip(),
        source=SOURCE if key else "",
        external_id=key,
        **belongs,
    ).save()
