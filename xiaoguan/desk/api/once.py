"""A request with an `Idempotency-Key` is done once: sent again, it gets the answer of the first time.

The key is written in the same transaction as what the request does, so a crash between the two cannot be: either both
are there or neither is. A second request that comes while the first runs waits for it, or is told to try again.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from hashlib import blake2b
from typing import Any

from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.utils.translation import gettext as _

KEPT = timedelta(days=2)
LONGEST = 80


def done_once(request: HttpRequest, view: Callable[..., HttpResponse], **kwargs: Any) -> HttpResponse:
    """The view's answer, or the one that it gave to the same key before.

    Raises ValidationError when the key was used for another request.
    """
    key = request.headers.get("Idempotency-Key", "")
    if not key or request.method in ("GET", "HEAD"):
        return view(request, **kwargs)
    from xiaoguan.desk.models import Answered

    if len(key) > LONGEST:
        raise ValidationError(_("An Idempotency-Key has at most %(n)d characters.") % {"n": LONGEST})
    asked = blake2b(f"{request.method} {request.get_full_path()}\n".encode() + request.body, digest_size=16).hexdigest()
    known = Answered.objects.filter(account_id=request.user.pk, key=key).first()
    if known is None:
        try:
            return _first(request, view, key, asked, **kwargs)
        except IntegrityError as error:
            known = Answered.objects.filter(account_id=request.user.pk, key=key).first()
            if known is None:
                raise error
    if known.asked != asked:
        raise ValidationError(_("This Idempotency-Key was used for another request."))
    response = HttpResponse(bytes(known.body), status=known.status, content_type="application/json")
    response["Idempotent-Replay"] = "true"
    return response


@transaction.atomic
def _first(
    request: HttpRequest, view: Callable[..., HttpResponse], key: str, asked: str, **kwargs: Any
) -> HttpResponse:
    from xiaoguan.desk.models import Answered

    row = Answered.objects.create(account_id=request.user.pk, key=key, asked=asked, status=0, body=b"")
    response = view(request, **kwargs)
    row.status, row.body = response.status_code, response.content
    row.save(update_fields=["status", "body"])
    return response


def forget_old() -> int:
    """Take away what is older than KEPT; returns how many."""
    from xiaoguan.desk.models import Answered

    return Answered.objects.filter(at__lt=timezone.now() - KEPT).delete()[0]
