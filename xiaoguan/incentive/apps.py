from django.apps import AppConfig


class IncentiveConfig(AppConfig):
    name = "xiaoguan.incentive"
    label = "incentive"
    default_auto_field = "django.db.models.BigAutoField"
