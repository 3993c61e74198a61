"""The campaign: from its table to the results of every stack."""

from __future__ import annotations

import time
from collections.abc import Generator, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from pathlib import Path

from napari_amseg.batch.cluster import ClusterSettings, open_cluster
from napari_amseg.batch.dispatch import Dispatcher
from napari_amseg.batch.events import (
    CampaignEvent,
    CampaignFinished,
    CampaignStarted,
    StackDone,
    StackFailed,
)
from napari_amseg.batch.job import StackJob
from napari_amseg.batch.lease import leased
from napari_amseg.batch.report import require_own_files, write_reports
from napari_amseg.batch.slurm import SlurmSettings
from napari_amseg.batch.visible import require_visible
from napari_amseg.io import OutputFiles


@dataclass(frozen=True, slots=True)
class BatchRequest:
    """A campaign.

    Attributes
    ----------
    campaign : its table. out : folder of all results. jobs : its stacks.
    more : other columns of the table, by experiment.
    """

    campaign: Path
    out: Path
    jobs: Sequence[StackJob]
    more: Mapping[str, Mapping[str, str]]
    cluster: ClusterSettings = field(default_factory=ClusterSettings)
    slurm: SlurmSettings = field(default_factory=SlurmSettings)


def run_campaign(request: BatchRequest) -> Generator[CampaignEvent]:
    """Segment all stacks; what an earlier call has finished is kept.

    Yields
    ------
    CampaignStarted; StackBegun, ChunkDone and StackDone or StackFailed of every stack, mixed;
    CampaignFinished. Closing the generator stops the work: finished chunks stay.

    Raises
    ------
    ValueError, OSError, ImportError
        If the cluster cannot be had, or the results not be written; a stack that cannot be
        segmented raises nothing.
    """
    require_own_files(request.out, request.campaign)
    start = time.perf_counter()
    outcomes: list[StackDone | StackFailed] = []
    with _folder(request.out), leased(request.out) as lease:
        engine = request.jobs[0].segment.engine
        with open_cluster(request.cluster, request.slurm, request.out, engine=engine) as cluster:
            address = cluster.client.scheduler.address
            yield CampaignStarted(cluster.kind, address, cluster.dashboard, len(request.jobs))
            if request.cluster.scheduler is not None:
                require_visible(cluster.client, lease.file, (job.stack for job in request.jobs))
            jobs = [replace(job, lease=str(lease.file)) for job in request.jobs]
            for event in Dispatcher(cluster.client, jobs, lease.token).run():
                if isinstance(event, StackDone | StackFailed):
                    outcomes.append(event)
                yield event
        record = {
            "campaign": str(request.campaign.absolute()),
            "model": {"name": request.jobs[0].model, "sha256": request.jobs[0].model_sha256},
            "cluster": cluster.kind,
            "seconds": round(time.perf_counter() - start, 3),
        }
        lease.require()
        require_own_files(request.out, request.campaign)  # hours later
        order = [job.name for job in request.jobs]
        outcomes.sort(key=lambda outcome: order.index(outcome.name))
        files = write_reports(request.out, request.jobs, request.more, outcomes, record)
    yield CampaignFinished(tuple(outcomes), files)


@contextmanager
def _folder(out: Path) -> Iterator[None]:
    """Make the folder of results and try it; an error before there are any removes it again."""
    made = [folder for folder in (out, *out.parents) if not folder.exists()]
    with OutputFiles(out):
        pass
    try:
        yield
    finally:
        with suppress(OSError):  # not empty
            for folder in made:
                folder.rmdir()
