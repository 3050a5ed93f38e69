"""The tables of docs/connectors.md."""

from __future__ import annotations

# The mark of values that are no secrets: `workspaces.integrations.base.SHOWN`.
SHOWN = "x-shown"


def integration_types() -> str:
    from workspaces.integrations import KINDS

    rows = ["| Type | What it is | Fields (secrets in italics) | See |", "| --- | --- | --- | --- |"]
    for kind in KINDS.values():
        fields = ", ".join(_field(kind.form, name) for name in kind.form["properties"])
        page = kind.documentation
        see = "" if page == "connectors.md" else f"[{page.removesuffix('.md')}]({page})"
        rows.append(f"| `{kind.type}` | {kind.title}: {kind.purpose} | {fields} | {see} |")
    return "\n".join(rows) + "\n"


def connector_kinds() -> str:
    from knowledge.connectors.kinds import KINDS

    rows = ["| Kind | What it is | Integration | Fields |", "| --- | --- | --- | --- |"]
    for kind in KINDS.values():
        fields = ", ".join(_field(kind.form, name) for name in kind.form["properties"])
        integration = f"`{kind.integration_type.value}`" if kind.integration_type else "–"
        rows.append(f"| `{kind.type}` | {kind.title}: {kind.purpose} | {integration} | {fields} |")
    return "\n".join(rows) + "\n"


def _field(form: object, name: str) -> str:
    schema = form["properties"][name]  # type: ignore[index]
    is_secret = schema.get("writeOnly") and not schema.get(SHOWN)
    required = " (required)" if name in form["required"] else ""  # type: ignore[index]
    return f"*`{name}`*{required}" if is_secret else f"`{name}`{required}"
