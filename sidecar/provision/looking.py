"""A look at one resource after the other, each with what the earlier ones turned out to be."""

from collections.abc import Iterator, Mapping, Sequence

from sidecar.provision.account import Account
from sidecar.provision.kinds.kind import Found, Kind, Wanted
from sidecar.provision.kinds.known import kind_of
from sidecar.provision.planning import Step, step_for, unready
from sidecar.provision.resolving import Scope, in_order
from sidecar.provision.resource import Resource


class Look:
    """The resources of a stack in the order of their making, and what is known of them so far.

    Args:
        account: where they are.
        resources: what is described.
        parameters: the values that the description leaves open.

    """

    def __init__(
        self, account: Account, resources: Sequence[Resource], parameters: Mapping[str, str | int]
    ) -> None:
        self.account = account
        self.resources = in_order(resources)
        self.found: dict[str, Found] = {}
        self._scope = Scope(account.place, parameters, self.found)

    def wanted(self, resource: Resource) -> Wanted:
        """Give a resource as it is to be, as far as that is known."""
        kind = kind_of(resource.type)
        properties = self._scope.resolved(resource.properties)
        described = kind.described(self.account, properties)
        return Wanted(resource.logical_id, resource.type, described)

    def at(self, resource: Resource) -> tuple[Wanted, Found | None, Kind]:
        """Look at one resource, and remember it for those that refer to it."""
        wanted, kind = self.wanted(resource), kind_of(resource.type)
        found = None if unready(wanted, kind) else kind.find(self.account, wanted)
        if found is not None:
            self.found[resource.logical_id] = found
        return wanted, found, kind

    def steps(self) -> Iterator[Step]:
        """Say of each resource what is to be done about it; nothing is changed.

        Raises:
            OperatorError: something of that name is somebody else's.
            UpstreamError: AWS refused to tell, or did not answer.

        """
        for each in self.resources:
            yield step_for(*self.at(each))
