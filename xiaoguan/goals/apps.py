from django.apps import AppConfig


class GoalsConfig(AppConfig):
    name = "xiaoguan.goals"
    label = "goals"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from xiaoguan.goals.targets import goals_between
        from xiaoguan.rulebook.world import use_goals_from

        use_goals_from(goals_between)
