"""What a search's workers do: train autoencoders and judge them. Keras is imported when they do."""

from typing import Any, Final

from search.work import Shared, Work


def _prepare(*arguments: Any) -> Any:
    from search.models.judge import prepare_judge

    return prepare_judge(*arguments)


def _open_bench(shared: Shared) -> Any:
    from search.models.bench import Bench

    return Bench(shared.config, shared.search_id, shared.store, shared.folders)


def _remeasure(*arguments: Any) -> Any:
    from search.models.remeasure import remeasure

    return remeasure(*arguments)


def _show(*arguments: Any) -> Any:
    from search.models.showing import show

    return show(*arguments)


TRAINING: Final = Work(_prepare, _open_bench, _remeasure, _show)
