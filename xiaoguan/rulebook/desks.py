"""What people see of results: each their own, managers their people's."""

from __future__ import annotations

from xiaoguan.desk import Desk, manager, owner, register, role
from xiaoguan.rulebook.models import Result

pay_office = role("general_manager", "finance", "hr")


@register
class ResultDesk(Desk):
    model = Result
    icon = "calculator"
    place = "performance"
    columns = "label", "person", "kind", "run.label"
    filters = "person", "kind", "run"
    order = "-id"
    read = owner("person") | manager("person") | pay_office
