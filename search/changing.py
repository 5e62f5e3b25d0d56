"""What may change of a search that is there: its budget, how it is run, a space that grows; and a
new search that begins with what an old one knows."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from search.candidates import front_candidates
from search.config import StudyConfig, replaced
from search.driver import check_identity, check_study, held
from search.errors import SearchError, StudyConfigError
from search.growing import Range, grown
from search.models.belongings import use_code, with_code
from search.models.images import identity, load_images, space_identity, with_absolute_paths
from search.samplers import choose_sampler
from search.sections import with_rule
from search.space import Scalar, flat_items
from search.study.database import open_database
from search.study.knowledge import KnownTrial, read_knowledge
from search.study.own_code import keep_code
from search.study.reader import SearchRecord, StudyReader, list_names
from search.study.searches import create_search
from search.study.writer import StudyWriter
from search.trial import Params
from search.workspace import Workspace

# Parts of an identity under which two searches' measurements mean the same.
_COMPARABLE: Final = ("data", "objectives", "fixed", "epochs", "measure", "code", "own_code")
# Option of the command line -> where its value stands in a study file.
_PLACES: Final = {
    "name": ("name",),
    "dataset": ("dataset", "name"),
    "data_dir": ("dataset", "data_dir"),
    "trials": ("budget", "trials"),
    "epochs": ("budget", "epochs"),
    "hours": ("budget", "hours"),
    "still_trials": ("budget", "still_trials"),
    "workers": ("resources", "workers"),
    "sampler": ("sampler",),
    "seed": ("seed",),
    "store_quota_gb": ("store_quota_gb",),
    "code": ("code",),
}


def change(
    name: str,
    workspace: Workspace,
    widen: Mapping[str, Range] | None = None,
    add_choices: Mapping[str, Sequence[Scalar]] | None = None,
    accept_code_change: bool = False,
    **changes: Any,
) -> None:
    """Changes what a resume may change, and notes it in the search's history.

    A search that could not go on is not changed either.

    Args:
        name: The search.
        workspace: Its workspace.
        widen: As of `search.growing.grown`.
        add_choices: As of `search.growing.grown`.
        accept_code_change: As of `search.driver.drive`.
        **changes: As those of `changed`.

    Raises:
        LeaseHeldError: If a driver runs the search.
        IdentityError: If images, settings or code are not those the search began with.
        StudyConfigError: If a value is impossible.
    """
    given = {key: value for key, value in changes.items() if value is not None}
    wider = {**(widen or {}), **(add_choices or {})}
    if not given and not wider:
        return
    engine = open_database(workspace.study_url)
    reader = StudyReader(engine, name)
    with held(engine, reader, workspace) as writer:  # first, so that nobody changes it meanwhile
        old = reader.record().config
        larger = grown(old, widen or {}, add_choices or {})
        new = changed(larger, **changes)
        if new == old:
            return
        choose_sampler(new)  # refuses one that cannot work on the space
        use_code(new, workspace)
        current = identity(old, load_images(new, workspace.cache))
        check_identity(writer, reader.record(), current, accept_code_change)
        changed_identity = {**reader.record().identity, "space": space_identity(new)}
        if new.code is not None and "code" in given:
            changed_identity["own_code"] = new.code.hash
            given["code"] = f"{new.code.path} ({str(new.code.hash)[:12]})"
        if larger != old or "code" in given:
            check_study(new, workspace)
        if larger != old:
            details = {key: list(value) for key, value in wider.items()}
            writer.grow(new, changed_identity, {**details, **given})
        else:
            writer.change_config(new, "changed", given, changed_identity)
        if larger != old or {"trials", "still_trials"} & set(given):
            _give_more_to_do(reader, writer)


def _give_more_to_do(reader: StudyReader, writer: StudyWriter) -> None:
    """Has the standstill of the hypervolume counted from here."""
    prepared = reader.record().prepared
    if prepared is not None:
        num_finished = sum(trial.state.is_finished for trial in reader.trials())
        writer.prepare({**prepared, "is_settled": False, "still_from": num_finished})


def changed(config: StudyConfig, **changes: Any) -> StudyConfig:
    """Returns the study with other values.

    Args:
        config: The study file.
        **changes: Options of the command line, see `_PLACES`; None changes nothing.
            `early_stopping` is the name of a rule.

    Raises:
        StudyConfigError: If a value is impossible.
    """
    values = config.model_dump(mode="json")
    rule = changes.pop("early_stopping", None)
    for option, value in changes.items():
        *path, last = _PLACES[option]
        if value is not None:
            section = values
            for key in path:
                section = section[key]
            section[last] = value
    if rule is not None:
        values["early_stopping"] = with_rule(config.early_stopping, rule)
    return replaced(values)


def fork(source: str, config: StudyConfig, workspace: Workspace) -> int:
    """Records a new search that begins with what another one knows. Starts nothing.

    Where measurements mean the same, the sampler knows all trials of the source that fit into the
    new space. Elsewhere (other images, fixed params, epochs, measures or code) the params of the
    source's front are tried first.

    Args:
        source: The search to learn from; it may be running.
        config: The new search's study file.
        workspace: Of both.

    Returns:
        How many trials the sampler knows; 0 if the front is tried instead.

    Raises:
        SearchError: If the new study cannot work; nothing has been made then.
    """
    engine = open_database(workspace.study_url)
    reader = StudyReader(engine, source)
    record = reader.record()
    if config.name in list_names(engine):
        raise SearchError(f"There is a search `{config.name}` already. Choose another name.")
    config, archive = with_code(config, lambda: engine)
    use_code(config, workspace, archive)
    current = check_study(config, workspace)
    if archive is not None:
        keep_code(engine, archive)
    is_comparable = all(record.identity.get(key) == current.get(key) for key in _COMPARABLE)
    known: list[KnownTrial] = []
    if is_comparable:
        known = read_knowledge(reader).ended
    else:
        config = _with_front_first(reader, record, config)
    counts = {"known_trials": len(known), "first_trials": len(config.first_trials)}
    create_search(
        engine,
        with_absolute_paths(config),
        current,
        known=known,
        history=("forked", {"source": source, **counts}),
    )
    return len(known)


def _with_front_first(
    reader: StudyReader, record: SearchRecord, config: StudyConfig
) -> StudyConfig:
    trials = {trial.number: trial for trial in reader.trials()}
    numbers = dict.fromkeys(n for n, _ in front_candidates(record.config, list(trials.values())))
    front = [dict(trials[number].params) for number in numbers]
    points = [*config.first_trials, *(p for p in front if _fits(config, p))]
    return replaced({**config.model_dump(mode="json"), "first_trials": points})


def _fits(config: StudyConfig, params: Params) -> bool:
    try:
        flat_items(config.parameters, config.fixed, params)
    except StudyConfigError:
        return False
    return True
