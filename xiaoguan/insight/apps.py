from django.apps import AppConfig


class InsightConfig(AppConfig):
    name = "xiaoguan.insight"
    label = "insight"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from xiaoguan.insight.forecasts import kept_of
        from xiaoguan.rulebook.world import use_forecasts_from

        use_forecasts_from(kept_of)
