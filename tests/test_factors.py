"""What a measurement differs in is read off its chain, whatever its arm is called."""

from __future__ import annotations

from layover.encoders import XLMR_BASE, Start
from layover.factors import factors, phases
from layover.stages import Phase, Score, Stop, Train, chain, evaluate
from layover.tasks.target import Target
from layover.tasks.task import Data
from made_rows import RECIPE, STOPS, TEXT, TOY, targets, train
from made_rows import TASKS as WORLD

NLI, RETRIEVAL = targets()[0], targets()[-1]


def leaf(start: Start, *stops: Stop, target: Target = NLI, seed: int | None = None) -> Score:
    return evaluate(chain(start, *stops, target, recipe=RECIPE, seed=7), target, seed=seed)[0]


def tasks(stages: tuple[Train, ...]) -> list[str]:
    return [stage.data.label for stage in stages]


def test_text_comes_first_from_random_weights_and_is_a_stop_from_published_ones() -> None:
    fresh = phases(leaf(TOY, Phase(data=TEXT), Phase(data=TEXT, head="carry"), *STOPS["nli"]))
    assert (tasks(fresh.language_model), tasks(fresh.intermediate)) == (["mlm", "mlm"], ["nli 40"])
    assert (tasks(fresh.target), fresh.start) == (["nli 40"], TOY)
    published = phases(leaf(XLMR_BASE, TEXT, *STOPS["nli"]))
    assert (published.language_model, tasks(published.intermediate)) == ((), ["mlm", "nli 40"])


def test_a_target_has_all_trainings_whose_head_it_carries_and_retrieval_has_none() -> None:
    two = Target(
        name="two",
        train=(train(WORLD.choice), train(WORLD.choice)),
        test=NLI.test,
        metric=NLI.metric,
    )
    model = chain(XLMR_BASE, *STOPS["tags"], two, recipe=RECIPE, seed=7)
    choice = Data(task=WORLD.choice, split="test", languages=("qco",))
    found = phases(evaluate(model, Target(name="t", train=(), test=choice, metric=NLI.metric))[0])
    assert (tasks(found.intermediate), len(found.target)) == (["supertags 40"], 2)
    retrieved = phases(leaf(XLMR_BASE, *STOPS["tags"], target=RETRIEVAL))
    assert (tasks(retrieved.intermediate), retrieved.target) == (["supertags 40"], ())


def test_factors_name_tasks_languages_and_examples_and_not_the_text_beside() -> None:
    found = factors(leaf(TOY, TEXT, *STOPS["both"]))
    assert (found.encoder, found.intermediate) == ("tiny 2x128", ("nli", "supertags"))
    assert (found.languages, found.examples, found.beside_mlm) == (("qal",), 80, False)
    beside = factors(leaf(TOY, TEXT, *STOPS["tags + mlm"]))
    assert (beside.intermediate, beside.examples, beside.beside_mlm) == (("supertags",), 40, True)
    direct = factors(leaf(TOY, TEXT))
    assert (direct.intermediate, direct.languages, direct.beside_mlm) == ((), (), False)
    several = factors(leaf(XLMR_BASE, Data(task=WORLD.nli, split="train", languages=("qal",))))
    assert several.examples == WORLD.nli.size("train", "qal")


def test_the_seed_is_the_leafs_own_or_its_models() -> None:
    assert factors(leaf(TOY)).seed == 7
    assert factors(leaf(TOY, seed=3)).seed == 3
    assert factors(leaf(XLMR_BASE, target=RETRIEVAL)).seed is None
