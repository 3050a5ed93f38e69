"""Git repositories over HTTP."""

from __future__ import annotations

from uuid import UUID

from workspaces.integrations.base import Config, IntegrationKind, address, form, secret, text


def check(config: Config, tenant_id: UUID) -> str:
    from workspaces.integrations.clients.git import branches

    names = sorted(set(branches(config)) - {"HEAD"})
    return (
        f"It works: the repository has the branches {', '.join(names[:10])}."
        if names
        else "It works; the repository is empty."
    )


KIND = IntegrationKind(
    type="git",
    title="Git repository",
    purpose="Texts of a repository at GitHub, GitLab, Gitea or a server of your own, over HTTP.",
    documentation="connectors.md",
    check=check,
    form=form(
        ("url",),
        url=address(
            "the address for cloning, as https://github.com/example/handbook.git",
            "https://github.com/example/handbook.git",
        ),
        username=text("User name", "for a private repository; a token mostly takes any name", example="git"),
        password=secret("Password or token", "a token that may read the repository"),
    ),
)
