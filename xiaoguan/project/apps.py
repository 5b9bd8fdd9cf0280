from importlib import import_module

from django.apps import AppConfig

MODULES = ("people", "rulebook", "customers", "sales", "goals", "appraisal", "incentive", "insight")


class ProjectConfig(AppConfig):
    name = "xiaoguan.project"
    label = "project"

    def ready(self) -> None:
        """Load every declaration: desks and facts register themselves."""
        for module in MODULES:
            import_module(f"xiaoguan.{module}.desks")
        import_module("xiaoguan.rulebook.workshop.desks")
        for module in ("customers", "sales"):
            import_module(f"xiaoguan.{module}.facts")
        import_module("xiaoguan.project.reminders")
        import_module("xiaoguan.sales.mails")
        import_module("xiaoguan.sales.classing")
        import_module("xiaoguan.sales.following")
        import_module("xiaoguan.insight.warnings")
        import_module("xiaoguan.insight.honours")
        import_module("xiaoguan.insight.forecasts")
        import_module("xiaoguan.people.leaving").HandOverAll.offer()
