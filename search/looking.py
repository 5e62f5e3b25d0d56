"""A search as pandas tables and plotly figures, for notebooks and scripts. Nothing is changed."""

import os
from typing import TYPE_CHECKING, final

from search.candidates import candidates
from search.report.confirmed import ConfirmedFront, confirmed_front
from search.report.summary import Summary, summarize
from search.study.confirmations import read_confirmations
from search.study.database import open_database
from search.study.reader import StudyReader
from search.workspace import Workspace

if TYPE_CHECKING:
    import pandas as pd
    import plotly.graph_objects as go


def open_search(name: str, workspace: str | os.PathLike[str] | None = None) -> "Search":
    """Returns a search, which may be running: every call reads it anew.

    Args:
        name: Of the search.
        workspace: Its folder; None for the one that the commands would take.

    Raises:
        NotFoundError: If there is no such workspace or search.
    """
    place = Workspace.at(None if workspace is None else os.fspath(workspace))
    place.check()
    return Search(StudyReader(open_database(place.study_url), name))


@final
class Search:
    """What a search found so far; made by `open_search`.

    Args:
        reader: The search.
    """

    def __init__(self, reader: StudyReader):
        self._reader = reader

    def summary(self) -> Summary:
        """Returns the front and what there is to say of it, as plain data."""
        reader = self._reader
        return summarize(reader.record(), reader.trials(), reader.remeasured())

    def confirmed(self, epochs: int | None = None) -> ConfirmedFront:
        """Returns the front as it was trained again.

        Args:
            epochs: Of trainings by `confirm --epochs`; None for those to each candidate's own.

        Raises:
            SearchError: If nothing was confirmed.
        """
        reader = self._reader
        rows, remeasured = read_confirmations(reader), reader.remeasured()
        return confirmed_front(reader.record(), reader.trials(), rows, remeasured, epochs)

    def trials(self) -> "pd.DataFrame":
        """Returns a row for each trial, see `search.report.frames.trials_frame`."""
        from search.report.frames import trials_frame

        return trials_frame(self._reader.record(), self._reader.trials())

    def measurements(self) -> "pd.DataFrame":
        """Returns a row for each (trial, epoch), a column for each metric."""
        from search.report.frames import measurements_frame

        return measurements_frame(self._reader.record(), self._reader.trials())

    def front(self) -> "pd.DataFrame":
        """Returns a row for each member of the front, see `search.report.frames.front_frame`."""
        from search.report.frames import front_frame

        return front_frame(self.summary())

    def front_figure(self) -> "go.Figure":
        """Returns every candidate and the front, with a slider through the finished trials.

        Raises:
            SearchError: If nothing was measured.
        """
        from search.report.interactive import front_figure

        config, trials = self._reader.record().config, self._reader.trials()
        return front_figure(self.summary(), candidates(config, trials), trials)

    def parallel_figure(self) -> "go.Figure":
        """Returns every trial as a line through its params, coloured by its rank.

        Raises:
            SearchError: If nothing was measured.
        """
        from search.report.interactive import parallel_figure

        return parallel_figure(self._reader.record().config, self._reader.trials())
