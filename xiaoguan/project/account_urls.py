"""The few pages of signing in that a closed company system needs."""

from allauth.account import views
from django.urls import path

from xiaoguan.project.accounts import Login

urlpatterns = [
    path("login/", Login.as_view(), name="account_login"),
    path("logout/", views.logout, name="account_logout"),
    path("password/", views.password_change, name="account_change_password"),
]
