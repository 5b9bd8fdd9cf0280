from django.apps import AppConfig


class DeskConfig(AppConfig):
    name = "xiaoguan.desk"
    label = "desk"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from xiaoguan.desk import checks  # registers the start-up checks

        checks.register_all()
