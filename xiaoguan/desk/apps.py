from django.apps import AppConfig


class DeskConfig(AppConfig):
    name = "xiaoguan.desk"
    label = "desk"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """Register the start-up checks, and the kinds of job for the workers: importing their modules does that."""
        from django.db.models.signals import post_migrate, pre_migrate

        from xiaoguan.desk import analysing, checks, exporting, merging
        from xiaoguan.desk.custom import define, migrating
        from xiaoguan.desk.importing import revert, work

        checks.register_all()
        pre_migrate.connect(migrating.before, sender=self, dispatch_uid="custom fields step aside")
        post_migrate.connect(migrating.after, sender=self, dispatch_uid="custom fields come back")
        post_migrate.connect(analysing.analyse, sender=self, dispatch_uid="count what was made anew")
