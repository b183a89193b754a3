"""The reasons that the reference rows of a bundle would have been given."""

from ..explain.principal import APPROVED
from ..explain.reference import reference_rows
from ..replay.model import Model, decide
from .tally import Tally


def tally_of(model: Model) -> Tally | None:
    """Explain the reference rows that are not approved; None where the bundle holds none.

    Raises MonitoringError.
    """
    principal = model.principal()
    if model.contributions is None or principal is None:
        return None
    reference = reference_rows(model.folder)
    if reference is None:
        return None
    tally = Tally()
    decisions = decide(model.manifest.policy, reference.predictions[:, None])
    names = [feature.name for feature in model.manifest.features]
    refused = [i for i, decided in enumerate(decisions) if decided != APPROVED]
    found = model.contributions.of(reference.rows[refused])[:, 0, :-1]
    sent = [
        {name: None if value != value else value for name, value in zip(names, row, strict=True)}
        for row in reference.sent[refused].tolist()
    ]
    told = principal.reasons(found, reference.rows[refused], sent, [True] * len(refused))
    tally.decided.update(str(decided) for decided in decisions)
    for place, reasons in zip(refused, told, strict=True):
        tally.enter(str(decisions[place]), [reason.codes[0].code for reason in reasons])
    return tally
