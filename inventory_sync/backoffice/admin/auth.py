"""Staff and their roles."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.contrib.auth.admin import GroupAdmin, UserAdmin
from django.contrib.auth.models import Group, User
from django.http import HttpRequest
from unfold.admin import ModelAdmin
from unfold.decorators import display
from unfold.forms import AdminPasswordChangeForm, UserChangeForm, UserCreationForm

from inventory_sync.backoffice import words

admin.site.unregister(User)
admin.site.unregister(Group)


@admin.register(User)
class StaffUserAdmin(UserAdmin, ModelAdmin):
    """Who may log in. Roles give rights; a role of one is for exceptions."""

    form = UserChangeForm
    add_form = UserCreationForm
    change_password_form = AdminPasswordChangeForm
    list_display = ("username", "full_name", "roles", "is_active", "is_superuser", "seen")
    list_filter = ("is_active", "is_superuser", "groups")
    fieldsets = (
        (None, {"fields": ("username", "password")}),
        ("Person", {"fields": ("first_name", "last_name", "email")}),
        ("Rights", {"fields": ("is_active", "is_staff", "groups", "is_superuser")}),
        ("Times", {"fields": ("last_login", "date_joined")}),
    )
    readonly_fields = ("last_login", "date_joined")

    def get_queryset(self, request: HttpRequest) -> Any:
        return super().get_queryset(request).prefetch_related("groups")

    @display(description="Name")
    def full_name(self, obj: Any) -> str:
        return obj.get_full_name() or words.NOTHING

    @display(description="Roles")
    def roles(self, obj: Any) -> str:
        return ", ".join(group.name for group in obj.groups.all()) or words.NOTHING

    @display(description="Last login", ordering="last_login")
    def seen(self, obj: Any) -> Any:
        return words.stamp(obj.last_login)


@admin.register(Group)
class RoleAdmin(GroupAdmin, ModelAdmin):
    """A role: rights that several people have."""
