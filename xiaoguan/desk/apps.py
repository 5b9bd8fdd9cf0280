from django.apps import AppConfig


class DeskConfig(AppConfig):
    name = "xiaoguan.desk"
    label = "desk"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from xiaoguan.desk import checks, exporting  # noqa: F401  registers the start-up checks and a kind of job
        from xiaoguan.desk.importing import revert, work  # noqa: F401  their kinds of job, for the workers

        checks.register_all()
