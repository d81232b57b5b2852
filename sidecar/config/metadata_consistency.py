"""What must hold between the options of the metadata door, the apps and the region."""

from collections.abc import Iterator, Mapping

from sidecar.config.app_section import AppSection
from sidecar.config.metadata_section import MetadataSection
from sidecar.errors import Problem


def metadata_app(section: MetadataSection, apps: Mapping[str, AppSection]) -> str | None:
    """Name the app that the door serves: the one configured, or the only one."""
    if section.app is not None:
        return section.app
    return next(iter(apps)) if len(apps) == 1 else None


def metadata_inconsistencies(
    section: MetadataSection, apps: Mapping[str, AppSection], region: str, *, is_open: bool
) -> Iterator[Problem]:
    """Find what the door could not serve.

    Args:
        section: its options.
        apps: every app.
        region: the region of `[aws]`.
        is_open: whether the door opens at all; without it only what is said is looked at.

    """
    app = metadata_app(section, apps)
    if app is None and is_open:
        yield Problem(
            "metadata.app",
            "must name one of several apps: the metadata door cannot tell callers apart",
            f"configured are {', '.join(apps)}",
        )
    elif app is not None and app not in apps:
        configured = ", ".join(apps)
        yield Problem("metadata.app", f"there is no app {app!r}", f"configured are {configured}")
    elif app is not None and is_open and not apps[app].roles:
        yield Problem("metadata.app", f"app {app!r} has no role to serve", f"set apps.{app}.roles")
    zone = section.availability_zone
    if zone is not None and zone[:-1] != region:
        yield Problem(
            "metadata.availability_zone",
            f"{zone} is not in region {region}",
            "SDKs take a zone without its letter for their region",
        )
