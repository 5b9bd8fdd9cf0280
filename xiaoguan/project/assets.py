"""The page files, collected under names by content; again only when something changed."""

from __future__ import annotations

from hashlib import sha256

from django.conf import settings
from django.core.management import call_command
from django.test.utils import override_settings


def collect() -> None:
    """Collect the built page files into the data folder, unless they are there already."""
    digest = sha256()
    for folder in settings.STATICFILES_DIRS:
        for file in sorted(folder.rglob("*")):
            if file.is_file():
                digest.update(f"{file.relative_to(folder)}:{file.stat().st_size}:{file.stat().st_mtime_ns}".encode())
    mark = settings.STATIC_ROOT / ".collected"
    if mark.exists() and mark.read_text() == digest.hexdigest():
        return
    manifest = {
        **settings.STORAGES,
        "staticfiles": {"BACKEND": "whitenoise.storage.CompressedManifestStaticFilesStorage"},
    }
    with override_settings(STORAGES=manifest):
        call_command("collectstatic", verbosity=0, interactive=False, clear=True)
    mark.write_text(digest.hexdigest())
