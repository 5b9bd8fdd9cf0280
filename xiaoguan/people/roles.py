"""The roles that the declarations name; every installation has them, under names that may be changed."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from xiaoguan.desk.access import name_roles
from xiaoguan.people.models import Role

BUILT_IN = {
    "sales_rep": _("sales consultant"),
    "sales_manager": _("sales manager"),
    "general_manager": _("general manager"),
    "operations": _("sales operations"),
    "finance": _("finance"),
    "hr": _("human resources"),
    "administrator": _("administrator"),
}

CHINESE = {
    "sales_rep": "销售顾问",
    "sales_manager": "销售经理",
    "general_manager": "总经理",
    "operations": "销售运营",
    "finance": "财务",
    "hr": "人事",
    "administrator": "管理员",
}


def announce() -> None:
    """Give the access rules readable names for these roles."""
    name_roles(BUILT_IN)


def ensure_roles() -> None:
    """Make the built-in roles that are missing."""
    there = set(Role.objects.filter(code__in=BUILT_IN).values_list("code", flat=True))
    for code, name in CHINESE.items():
        if code not in there:
            Role(code=code, name=name).save()
