"""The whole audit of a dataset: every finding, worst first."""

from collections.abc import Generator
from dataclasses import dataclass

from core.config import preset
from core.data.audit.balance import balance_findings
from core.data.audit.confounder import Confounder
from core.data.audit.confounding import confounder_finding, open_confounder
from core.data.audit.file_findings import file_findings
from core.data.audit.findings import KINDS, SEVERITIES, Finding
from core.data.audit.leakage import leakage_findings
from core.data.audit.relations import relation_findings
from core.data.loading import LoadedDataset
from core.data.splits import Splits, split
from core.errors import DatasetError, Message
from core.events import Progress

_STAGE = Message("Looking for trouble in the dataset")


@dataclass(frozen=True, slots=True)
class Report:
    """What the audit found."""

    findings: tuple[Finding, ...]  # worst first, then by kind
    confounder: Confounder | None  # None: too few films or patients to tell

    @property
    def counts(self) -> dict[str, int]:
        """How many findings there are of each severity."""
        return {
            severity: sum(finding.severity == severity for finding in self.findings)
            for severity in SEVERITIES
        }


def audit(loaded: LoadedDataset) -> Generator[Progress | Report, None, None]:
    """Yield progress and at last the report."""
    yield Progress(_STAGE, 0, 2)
    parts: Splits | DatasetError
    try:
        parts = split(loaded.dataset, loaded.grouping, preset("recommended"))
    except DatasetError as error:  # a class is too small
        parts = error
    findings = [
        *file_findings(loaded),
        *relation_findings(loaded),
        *leakage_findings(loaded, parts),
        *balance_findings(loaded, parts),
    ]
    yield Progress(_STAGE, 1, 2)
    confounder = open_confounder(loaded)
    findings.append(confounder_finding(loaded, confounder))
    findings.sort(key=lambda one: (SEVERITIES.index(one.severity), KINDS.index(one.kind)))
    yield Report(tuple(findings), confounder)
