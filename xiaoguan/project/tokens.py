"""The page where a person makes and takes back access tokens for programs."""

from __future__ import annotations

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods, require_POST

from xiaoguan.desk.desk import desks
from xiaoguan.desk.forms import dress
from xiaoguan.people.models import Token

MOST = 50


class TokenForm(forms.Form):
    name = forms.CharField(label=gettext_lazy("What for"), max_length=60)
    scopes = forms.CharField(
        label=gettext_lazy("Scopes"),
        initial="read",
        max_length=400,
        help_text=gettext_lazy(
            "read, write, or for one kind of record customer:read, order:write; separated by spaces."
        ),
    )
    expires_on = forms.DateField(label=gettext_lazy("Valid until"), required=False)

    def clean_scopes(self) -> str:
        known = {deed for desk in desks() for deed in (f"{desk.key}:read", f"{desk.key}:write")} | {"read", "write"}
        words = self.cleaned_data["scopes"].split()
        if unknown := [word for word in words if word not in known]:
            raise forms.ValidationError(_("“%(word)s” is no scope.") % {"word": unknown[0]})
        return " ".join(dict.fromkeys(words))

    def clean_expires_on(self):
        day = self.cleaned_data["expires_on"]
        if day and day <= timezone.localdate():
            raise forms.ValidationError(_("The end must be later than today."))
        return day


@require_http_methods(["GET", "POST"])
def tokens_page(request: HttpRequest) -> HttpResponse:
    """Those that there are, and a form for another; the text of a new one is shown this once."""
    form, text = TokenForm(request.POST or None), ""
    if request.method == "POST" and form.is_valid():
        if request.user.tokens.count() >= MOST:
            form.add_error(None, _("You have %(n)d tokens; take one back first.") % {"n": MOST})
        else:
            _token, text = Token.issue(request.user, **form.cleaned_data)
            form = TokenForm()
    dress(form)
    rows = request.user.tokens.order_by("-id")
    context = {"form": form, "tokens": rows, "text": text, "today": timezone.localdate()}
    return render(request, "account/tokens.html", context, status=422 if form.errors else 200)


@require_POST
def take_back(request: HttpRequest, pk: int) -> HttpResponse:
    token = get_object_or_404(Token, pk=pk, account=request.user)
    token.delete()
    messages.success(request, _("“%(name)s” is valid no more.") % {"name": token.name})
    return HttpResponseRedirect(reverse("tokens"))
