from django.apps import AppConfig


class RulebookConfig(AppConfig):
    name = "xiaoguan.rulebook"
    label = "rulebook"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from xiaoguan.desk.filters import use_calendar_from
        from xiaoguan.rulebook.process import calendar_in_force

        use_calendar_from(calendar_in_force)
