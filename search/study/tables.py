"""The tables of the study database.

Every time is in seconds since 1970 (UTC). JSON columns hold plain values.
"""

from typing import Final

import sqlalchemy as sa

SCHEMA_VERSION: Final = 4

metadata = sa.MetaData()

schema = sa.Table(
    "vaesearch_schema",
    metadata,
    sa.Column("version", sa.Integer, primary_key=True),
)

search = sa.Table(
    "search",
    metadata,
    sa.Column("id", sa.String(32), primary_key=True),
    sa.Column("name", sa.String(64), nullable=False, unique=True),
    sa.Column("config", sa.JSON, nullable=False),  # the study file
    sa.Column("identity", sa.JSON, nullable=False),  # what a resume must match
    sa.Column("created_at", sa.Float, nullable=False),
    sa.Column("prepared", sa.JSON),  # extractor, floor, reference point; set once, by the first run
    # How often the space has grown.
    sa.Column("generation", sa.Integer, nullable=False, server_default="0"),
    # How many trials of another search its sampler knows from the beginning (`vaesearch fork`).
    sa.Column("num_known", sa.Integer, nullable=False, server_default="0"),
    sa.Column("owner", sa.String(64)),  # whose search it is, as that person's machine says
)

trial = sa.Table(
    "trial",
    metadata,
    sa.Column("search_id", sa.String(32), sa.ForeignKey("search.id"), primary_key=True),
    sa.Column("number", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("params", sa.JSON, nullable=False),
    sa.Column("seed", sa.BigInteger, nullable=False),
    sa.Column("state", sa.String(16), nullable=False),
    sa.Column("reason", sa.Text),
    sa.Column("started_at", sa.Float),
    sa.Column("finished_at", sa.Float),
    sa.Column("origin", sa.JSON),  # of a trial that no sampler chose: what it retries
    sa.Column("proposal", sa.JSON),  # what samplers noted when they proposed it
)

# Trials of another search that the sampler knows from the beginning (`vaesearch fork`).
known_trial = sa.Table(
    "known_trial",
    metadata,
    sa.Column("search_id", sa.String(32), sa.ForeignKey("search.id"), primary_key=True),
    sa.Column("number", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("params", sa.JSON, nullable=False),  # under a sampler's names
    sa.Column("state", sa.String(16), nullable=False),
    sa.Column("objectives", sa.JSON),  # of a complete one
    sa.Column("notes", sa.JSON, nullable=False),  # what samplers noted of it
)

attempt = sa.Table(
    "attempt",
    metadata,
    sa.Column("search_id", sa.String(32), primary_key=True),
    sa.Column("trial", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("number", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("started_at", sa.Float, nullable=False),
    sa.Column("ended_at", sa.Float),
    sa.Column("outcome", sa.String(16)),  # a state, interrupted, lost or abandoned
    sa.ForeignKeyConstraint(["search_id", "trial"], ["trial.search_id", "trial.number"]),
)

measurement = sa.Table(
    "measurement",
    metadata,
    # The order in which the driver recorded them, over all searches of the database.
    sa.Column("sequence", sa.Integer, primary_key=True, autoincrement=True),
    sa.Column("search_id", sa.String(32), nullable=False),
    sa.Column("trial", sa.Integer, nullable=False),
    sa.Column("attempt", sa.Integer, nullable=False),
    sa.Column("epoch", sa.Integer, nullable=False),
    sa.Column("metrics", sa.JSON, nullable=False),
    sa.Column("unix_time", sa.Float, nullable=False),
    sa.UniqueConstraint("search_id", "trial", "attempt", "epoch"),
    sa.ForeignKeyConstraint(["search_id", "trial"], ["trial.search_id", "trial.number"]),
)
sa.Index("measurement_by_search", measurement.c.search_id, measurement.c.sequence)

# Figures of stored weights on fresh draws and the test split. They choose nothing.
remeasurement = sa.Table(
    "remeasurement",
    metadata,
    sa.Column("search_id", sa.String(32), sa.ForeignKey("search.id"), primary_key=True),
    sa.Column("trial", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("epoch", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("metrics", sa.JSON, nullable=False),
    sa.Column("unix_time", sa.Float, nullable=False),
)

# Figures of the front, trained again with fresh seeds: `repeat` counts them from 1.
confirmation = sa.Table(
    "confirmation",
    metadata,
    sa.Column("search_id", sa.String(32), sa.ForeignKey("search.id"), primary_key=True),
    sa.Column("trial", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("repeat", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("epoch", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("metrics", sa.JSON, nullable=False),
    sa.Column("unix_time", sa.Float, nullable=False),
)

# What people ask of a search, from any process: to stop it or a trial, to try a point.
request = sa.Table(
    "request",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True, autoincrement=True),
    sa.Column("search_id", sa.String(32), sa.ForeignKey("search.id"), nullable=False),
    sa.Column("kind", sa.String(16), nullable=False),
    sa.Column("payload", sa.JSON),
    sa.Column("created_at", sa.Float, nullable=False),
    sa.Column("handled_at", sa.Float),
)

lease = sa.Table(
    "lease",
    metadata,
    sa.Column("search_id", sa.String(32), sa.ForeignKey("search.id"), primary_key=True),
    sa.Column("token", sa.Integer, nullable=False),  # grows with every driver: the fence
    sa.Column("holder", sa.JSON),
    sa.Column("expires_at", sa.Float, nullable=False),
    sa.Column("active_seconds", sa.Float, nullable=False),  # time with a driver, all together
    # What the driver wants of a cluster that it shares: see `search.shares`.
    sa.Column("claim", sa.JSON),
)

# What should run on a cluster, by name of its search, which need not exist yet. The supervisor
# sees to it that it does.
submission = sa.Table(
    "submission",
    metadata,
    sa.Column("name", sa.String(64), primary_key=True),
    sa.Column("kind", sa.String(16), nullable=False),  # search, confirmation
    sa.Column("study", sa.JSON),  # the study file of a search that does not exist yet
    sa.Column("options", sa.JSON, nullable=False),  # what is to be changed, or confirmed
    sa.Column("owner", sa.String(64), nullable=False),
    sa.Column("is_wanted", sa.Boolean, nullable=False),
    sa.Column("round", sa.Integer, nullable=False),  # how often it was asked for
    sa.Column("num_jobs", sa.Integer, nullable=False),  # so many were started for it
    sa.Column("job_id", sa.String(80)),  # the last one's; never used twice
    sa.Column("num_failures", sa.Integer, nullable=False),  # in a row, soon after their start
    sa.Column("started_at", sa.Float, nullable=False),  # the last job
    sa.Column("message", sa.Text),  # why it ended
)

# Code of users that searches were begun with: a ZIP file by the hash of what is in it.
own_code = sa.Table(
    "own_code",
    metadata,
    sa.Column("hash", sa.String(64), primary_key=True),
    sa.Column("content", sa.LargeBinary, nullable=False),
    sa.Column("created_at", sa.Float, nullable=False),
)

# How far MLflow has been told; losing it costs a repetition, not a record.
projection = sa.Table(
    "projection",
    metadata,
    sa.Column("search_id", sa.String(32), primary_key=True),
    sa.Column("trial", sa.Integer, primary_key=True, autoincrement=False),  # -1: the search itself
    sa.Column("run_id", sa.String(64), nullable=False),
    sa.Column("sequence", sa.Integer, nullable=False),  # last measurement told
    sa.Column("state", sa.String(16), nullable=False),  # last state told
)

event = sa.Table(
    "event",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True, autoincrement=True),
    sa.Column("search_id", sa.String(32), sa.ForeignKey("search.id"), nullable=False),
    sa.Column("unix_time", sa.Float, nullable=False),
    sa.Column("kind", sa.String(32), nullable=False),
    sa.Column("details", sa.JSON, nullable=False),
)
