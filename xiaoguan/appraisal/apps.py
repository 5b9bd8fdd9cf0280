from django.apps import AppConfig


class AppraisalConfig(AppConfig):
    name = "xiaoguan.appraisal"
    label = "appraisal"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from xiaoguan.appraisal.grades import locked_grades
        from xiaoguan.rulebook.world import use_grades_from

        use_grades_from(locked_grades)
