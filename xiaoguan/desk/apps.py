from django.apps import AppConfig


class DeskConfig(AppConfig):
    name = "xiaoguan.desk"
    label = "desk"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from xiaoguan.desk import checks  # registers the start-up checks
        from xiaoguan.desk.importing import revert, work  # noqa: F401  their kinds of job, for the workers

        checks.register_all()
