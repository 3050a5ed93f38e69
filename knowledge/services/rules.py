"""Tag rules: whether they can be evaluated, and switching off those that take too long."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from uuid import UUID

from audit.services import record
from core.actors import Actor
from core.isolation.scope import tenant_scope
from knowledge.errors import TagRuleInvalidError
from knowledge.models import TagRule


def check_rule(kind: str, pattern: str) -> None:
    """Raises TagRuleInvalidError when the pattern is no regular expression that OYL supports."""
    from core.patterns import InvalidPatternError
    from knowledge.pipeline.rules import compile_rule

    try:
        compile_rule(kind, pattern)
    except InvalidPatternError as wrong:
        raise TagRuleInvalidError(f"This is not a regular expression that OYL supports: {wrong}.") from wrong


def switch_off_rules(*, actor: Actor, reasons: Iterable[Mapping[UUID, str]]) -> None:
    """Documents are tagged without these rules until somebody saves them again."""
    merged = {rule_id: reason for given in reasons for rule_id, reason in given.items()}
    if not merged:
        return
    with tenant_scope(actor.tenant_id):
        rules = TagRule.objects.filter(pk__in=merged, switched_off="").select_related("tag__reference")
        for rule in rules.select_for_update(of=("self",)).order_by("pk"):
            rule.switched_off = merged[rule.pk]
            rule.save(update_fields=["switched_off"])
            record(
                actor=actor,
                action="tag_rule.switched_off",
                target=rule,
                workspace_id=rule.tag.reference.workspace_id,
                new={"pattern": rule.pattern, "reason": rule.switched_off},
            )
