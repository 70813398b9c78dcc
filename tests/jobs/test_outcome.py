"""Outcomes: running never raises for one photo, and the codes of many add up to one."""

from __future__ import annotations

from pathlib import Path

import pytest

from facemod.errors import ExitCode, InputError, ModelError, NoFaceError, UnexpectedError, explained
from facemod.jobs.outcome import Outcome, attempt, attempt_all, exit_code, failed, left_aside
from facemod.jobs.plan import Job

PHOTO = Path("a.jpg")
DONE = Outcome("a.jpg", "out/a.jpg", "done")
SKIPPED = Outcome("a.jpg", "out/a.jpg", "skipped")
UNREADABLE = failed(PHOTO, InputError("broken"))
NO_FACE = failed(PHOTO, NoFaceError("nobody there"))
ASIDE = left_aside(PHOTO)


@pytest.mark.parametrize(
    ("outcomes", "code"),
    [
        ([], ExitCode.OK),
        ([DONE, SKIPPED], ExitCode.OK),
        ([UNREADABLE, UNREADABLE], ExitCode.NO_INPUT),
        ([NO_FACE], ExitCode.NO_FACE),
        ([NO_FACE, UNREADABLE], ExitCode.SOME_FAILED),
        ([DONE, NO_FACE], ExitCode.SOME_FAILED),
        ([SKIPPED, NO_FACE], ExitCode.SOME_FAILED),
        # A photo that was left aside says nothing about how it went.
        ([ASIDE, NO_FACE], ExitCode.NO_FACE),
        ([UNREADABLE, ASIDE, ASIDE], ExitCode.NO_INPUT),
    ],
)
def test_how_a_command_ends(outcomes, code):
    assert exit_code(outcomes) is code


def test_one_job_after_the_other_whatever_happens(tmp_path):
    (tmp_path / "there.jpg").touch()
    jobs = [Job(Path(f"{n}.jpg"), (tmp_path / f"{n}.jpg",)) for n in ("bad", "there", "good")]

    def work(job: Job) -> Outcome:
        if job.source.stem == "bad":
            raise InputError("bad.jpg: broken")
        return Outcome(str(job.source), str(job.target), "done")

    outcomes = list(attempt_all(jobs, work, skip_existing=True))
    assert [outcome.status for outcome in outcomes] == ["failed", "skipped", "done"]
    assert outcomes[0].error == {"code": "unreadable", "message": "bad.jpg: broken"}


def test_a_job_is_skipped_only_if_all_of_it_is_there(tmp_path):
    targets = (tmp_path / "a.png", tmp_path / "b.png")
    targets[0].touch()
    job = Job(PHOTO, targets)
    assert [o.status for o in attempt_all([job], lambda job: DONE, skip_existing=True)] == ["done"]
    targets[1].touch()
    assert [o.status for o in attempt_all([job], lambda job: DONE, skip_existing=True)] == [
        "skipped"
    ]


def test_interruptions_are_not_failures(tmp_path):
    def work() -> Outcome:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        attempt(PHOTO, work)


def test_attempts_are_timed():
    assert 0 <= attempt(PHOTO, lambda: DONE).seconds < 1


def test_errors_of_the_house_stay_what_they_are():
    problem = ModelError("no weights")
    assert explained(problem) is problem


def test_a_bug_says_where_it_was():
    try:
        {}["key"]
    except KeyError as problem:
        error = explained(problem)
    assert isinstance(error, UnexpectedError)
    assert str(error).startswith("unexpected KeyError: 'key' (test_outcome.py, line")


def test_a_record_holds_what_the_contract_names():
    names = ["input", "output", "status", "error", "faces", "seconds"]
    assert list(DONE.as_json()) == names
