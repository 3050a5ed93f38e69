"""A workflow as a drawing: SVG that the server makes, with a title and a description for screen readers. The list of steps
beside it says the same in words."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from django.template.loader import render_to_string
from django.utils.safestring import SafeString, mark_safe

from workflows.definition import Definition, StepDefinition
from workflows.models import StepType
from workflows.steps.base import STEP_KEY
from workflows.steps.registry import step_types

BOX_WIDTH, BOX_HEIGHT, GAP, MARGIN, LANE = 250, 50, 34, 12, 26
LABEL_LENGTH = 24


@dataclass(frozen=True, slots=True)
class Jump:
    """From one step to another, which need not be the next."""

    source: str
    target: str
    label: str


@dataclass(frozen=True, slots=True)
class Box:
    key: str
    title: str
    top: int
    goes_on: bool


def jumps_of(step: StepDefinition) -> Iterator[Jump]:
    kind = step_types().get(step.type)
    schema = kind.config_schema if kind else {}
    for label, target in _targets(schema, step.config):
        yield Jump(step.key, target, label[:LABEL_LENGTH])
    if step.on_error.then == "goto" and step.on_error.step:
        yield Jump(step.key, step.on_error.step, "on error")


def _targets(schema: Mapping[str, Any], config: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """The keys of steps in a configuration, each with what leads there."""
    for name, own in schema.get("properties", {}).items():
        value = config.get(name)
        if STEP_KEY in own and isinstance(value, str):
            yield name, value
        elif isinstance(value, list):
            items = own.get("items", {}).get("properties", {})
            for item in (one for one in value if isinstance(one, dict)):
                found = [str(item[key]) for key in items if STEP_KEY in items[key] and item.get(key)]
                words = [str(one) for key, one in item.items() if STEP_KEY not in items.get(key, {})]
                yield from ((words[0] if words else name, key) for key in found)


def _goes_on(step: StepDefinition) -> bool:
    """Whether the next step may follow."""
    if step.type == StepType.CONDITION:
        return not {"then", "else"} <= step.config.keys()
    if step.type == StepType.APPROVAL:
        return not {"approved", "rejected"} <= step.config.keys()
    if step.type == StepType.SWITCH:
        return "default" not in step.config
    return step.type != StepType.END


def drawn(definition: Definition) -> SafeString:
    """The SVG; empty without steps."""
    steps = definition.steps
    boxes = [
        Box(step.key, str(StepType(step.type).label), MARGIN + at * (BOX_HEIGHT + GAP), _goes_on(step))
        for at, step in enumerate(steps)
    ]
    tops = {box.key: box.top for box in boxes}
    jumps = [jump for step in steps for jump in jumps_of(step) if jump.target in tops]
    arrows = [_arrow(jump, tops, lane) for lane, jump in enumerate(jumps, 1)]
    context = {
        "boxes": [{"box": box, "middle": box.top + BOX_HEIGHT // 2} for box in boxes],
        "downs": [_down(box) for box in boxes[:-1] if box.goes_on],
        "arrows": arrows,
        "width": 2 * MARGIN + BOX_WIDTH + LANE * (len(jumps) + 1) + (170 if jumps else 0),
        "height": MARGIN + len(boxes) * (BOX_HEIGHT + GAP),
        "box_width": BOX_WIDTH,
        "box_height": BOX_HEIGHT,
        "left": MARGIN,
        "text_left": MARGIN + 14,
        "words": " ".join(f"{jump.source} leads to {jump.target} ({jump.label})." for jump in jumps),
    }
    return mark_safe(render_to_string("admin/workflows/diagram.svg", context))  # noqa: S308 (a template escapes)


def _down(box: Box) -> dict[str, int]:
    return {"x": MARGIN + BOX_WIDTH // 2, "from": box.top + BOX_HEIGHT, "to": box.top + BOX_HEIGHT + GAP - 2}


def _arrow(jump: Jump, tops: Mapping[str, int], lane: int) -> dict[str, Any]:
    """To the right of the boxes, each in a lane of its own."""
    right = MARGIN + BOX_WIDTH
    begin = tops[jump.source] + BOX_HEIGHT // 2 + 8
    end = tops[jump.target] + BOX_HEIGHT // 2 - 8
    x = right + LANE * lane
    path = (
        f"M{right} {begin} H{x - 6} Q{x} {begin} {x} {begin + (6 if end > begin else -6)} V{end} H{right + 3}"
    )
    return {"path": path, "label": jump.label, "x": right + 12, "y": end - 5}
