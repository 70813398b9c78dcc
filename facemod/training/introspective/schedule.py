"""When the networks grow, and with which settings each resolution is trained."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

MATCHING_AFTER_FADE = 1.5


@dataclass(frozen=True)
class Stage:
    """Settings that hold from ``start`` (thousand images) on."""

    start: float
    level: int
    """Training works at 4 << level px."""
    learning_rate: float
    margin: float = 0.0
    """How far the encoder may win; 0 is no limit."""


@dataclass(frozen=True)
class Timetable:
    """What was published for one set of pictures."""

    stages: tuple[Stage, ...]
    ends: Mapping[int, float]
    """Of levels: after how many thousand images a run is over that ends there. At other levels it
    is over when the next one would begin."""
    fade: float = 1200.0
    """A new resolution fades in over so many thousand images."""

    def end(self, level: int) -> float:
        """Thousand images after which a run is over that ends at ``level``."""
        later = [stage.start for stage in self.stages if stage.level > level]
        return self.ends.get(level) or later[0]


@dataclass(frozen=True)
class Position:
    """What holds at one step."""

    level: int
    fade: float
    """How much of the new resolution shows, 0..1."""
    matching: float
    """Factor on the reconstruction's weight."""
    learning_rate: float
    margin: float
    batch: int

    @property
    def settled(self) -> bool:
        """Whether the level has been there for longer than it takes to fade in."""
        return self.matching != 1


class Schedule:
    """Stages one after the other; each takes its published share of all steps.

    Args:
        timetable: what was published; stages above ``level`` are left out.
        batches: images per step at 4, 8, ... px, as published.
        level: of the resolution that is wanted.
        batch: images per step at ``level``, and in the published proportion below; by default
            as published.
    """

    def __init__(
        self, timetable: Timetable, batches: Sequence[int], level: int, batch: int | None = None
    ) -> None:
        self.end, self._fade = timetable.end(level), timetable.fade
        self.stages = [stage for stage in timetable.stages if stage.level <= level]
        ends = [*(stage.start for stage in self.stages[1:]), self.end]
        self._lengths = [b - s.start for s, b in zip(self.stages, ends, strict=True)]
        scale = batch / batches[level] if batch else 1.0
        self._batches = [max(2, round(batches[s.level] * scale)) for s in self.stages]
        self._entered = {s.level: s.start for s in reversed(self.stages)}

    def steps(self, thousand_images: float | None = None, devices: int = 1) -> int:
        """Steps in all when so many images are shown in place of the published number.

        Each of the devices takes a batch per step.
        """
        published = sum(self._steps()) / devices
        return round(published * (thousand_images or self.end) / self.end)

    def shares(self) -> list[tuple[Stage, float, int]]:
        """Of each stage, its share of all steps and the images per step and device."""
        steps = self._steps()
        return [
            (stage, part / sum(steps), batch)
            for stage, part, batch in zip(self.stages, steps, self._batches, strict=True)
        ]

    def _steps(self) -> list[float]:
        return [1000 * length / b for length, b in zip(self._lengths, self._batches, strict=True)]

    def at(self, progress: float) -> Position:
        """The settings after a share ``progress`` (0..1) of all steps."""
        steps = self._steps()
        left = progress * sum(steps)
        index = 0
        while index < len(steps) - 1 and left >= steps[index]:
            left -= steps[index]
            index += 1
        return self._position(index, self.stages[index].start + left * self._batches[index] / 1000)

    def after(self, thousand_images: float) -> Position:
        """The settings after so many images of the published number."""
        begun = [stage for stage in self.stages if stage.start <= thousand_images]
        return self._position(len(begun) - 1, thousand_images)

    def _position(self, index: int, thousand_images: float) -> Position:
        stage = self.stages[index]
        since = thousand_images - self._entered[stage.level]
        return Position(
            level=stage.level,
            fade=min(1.0, since / self._fade) if stage.level else 1.0,
            matching=1.0 if since < self._fade else MATCHING_AFTER_FADE,
            learning_rate=stage.learning_rate,
            margin=stage.margin,
            batch=self._batches[index],
        )
