"""Figures for the usage report: counts of rows in the whole organisation or in each workspace."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from typing import Any
from uuid import UUID

from django.db.models import Aggregate, QuerySet


@dataclass(frozen=True, slots=True)
class Period:
    """Days in UTC, the first and the last included."""

    since: date
    until: date

    @property
    def moments(self) -> tuple[datetime, datetime]:
        return datetime.combine(self.since, time.min, UTC), datetime.combine(self.until, time.max, UTC)


@dataclass(frozen=True, slots=True)
class Figure:
    """A whole number. A name with a dot, such as "documents.done", is shown inside the object "documents"."""

    name: str
    aggregate: Aggregate
    help_text: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class FigureSet:
    """Figures of the same rows, counted in one query. `workspace` is the lookup from a row to its workspace; it is empty
    where rows belong to the organisation alone."""

    rows: QuerySet[Any]
    figures: tuple[Figure, ...]
    workspace: str = ""

    def of_organisation(self) -> dict[str, int]:
        """Inside a scope: {figure's name: number}."""
        return self._named(self.rows.aggregate(**self._aggregates()))

    def of_workspaces(self, workspace_ids: Collection[UUID]) -> dict[UUID, dict[str, int]]:
        """Inside a scope: {workspace: {figure's name: number}}, of those workspaces that have any such rows."""
        rows = self.rows.filter(**{f"{self.workspace}__in": workspace_ids}).values(self.workspace)
        return {one.pop(self.workspace): self._named(one) for one in rows.annotate(**self._aggregates())}

    def _aggregates(self) -> dict[str, Aggregate]:
        return {f"figure_{number}": figure.aggregate for number, figure in enumerate(self.figures)}

    def _named(self, row: dict[str, int]) -> dict[str, int]:
        return {figure.name: row[f"figure_{number}"] for number, figure in enumerate(self.figures)}
