from django.apps import AppConfig


class DeskConfig(AppConfig):
    name = "xiaoguan.desk"
    label = "desk"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from xiaoguan.desk import (  # noqa: F401  registers the start-up checks and a kind of job
            checks,
            exporting,
            merging,
        )
        from xiaoguan.desk.importing import revert, work  # noqa: F401  their kinds of job, for the workers

        checks.register_all()
        from django.db.models.signals import post_migrate, pre_migrate

        from xiaoguan.desk.custom import define, migrating  # noqa: F401  define: its kinds of job

        pre_migrate.connect(migrating.before, sender=self, dispatch_uid="custom fields step aside")
        post_migrate.connect(migrating.after, sender=self, dispatch_uid="custom fields come back")
