from django.apps import AppConfig


class PeopleConfig(AppConfig):
    name = "xiaoguan.people"
    label = "people"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from xiaoguan.desk.access import use_viewers_from
        from xiaoguan.desk.approvals.flows import use_chart_from
        from xiaoguan.desk.custom.live import tell_others_by
        from xiaoguan.people.chart import Signing, viewer_of_account
        from xiaoguan.people.models import OrganisationStamp
        from xiaoguan.people.roles import announce

        announce()
        use_viewers_from(viewer_of_account)
        use_chart_from(Signing())
        tell_others_by(OrganisationStamp.turn)
