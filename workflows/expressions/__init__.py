"""Expressions of workflows in CEL, the Common Expression Language, and templates, which are texts with `{{ expression }}`.

Both are written by the people who edit a workflow. The values that they work on are data: nothing in them is ever read as
an expression or a template.
"""

from workflows.expressions.cel import evaluate
from workflows.expressions.checking import Known, check
from workflows.expressions.errors import ExpressionError
from workflows.expressions.marked import marked_texts, problems_in, replaced_texts, resolved
from workflows.expressions.templates import check_template, render

__all__ = [
    "ExpressionError",
    "Known",
    "check",
    "check_template",
    "evaluate",
    "marked_texts",
    "problems_in",
    "render",
    "replaced_texts",
    "resolved",
]
