"""Identity documents of some processors, and a registry that has told of them: processor 3 has no keys."""

from functools import cache
from types import SimpleNamespace

from qcrs.crypto.identity import Document, issue
from qcrs.crypto.keys import OpeningKey, SigningKey
from qcrs.rules.digest import keccak

OPERATOR, REGISTRY = "0x" + "01" * 20, "0x" + "03" * 20
UNKEYED = b'{"schemaVersion":1}'


def daemon(processor):
    return f"0x{processor:040x}"


def signing(processor, version=1):
    return SigningKey(bytes([processor, version]) * 16)


def opening(processor, version=1):
    return OpeningKey(bytes([processor, version]) * 16)


@cache  # no two signatures are alike, so neither are two files
def identity(processor):
    document = Document(
        chain_id=1, registry=REGISTRY, operator=OPERATOR, daemon=daemon(processor),
        signing_key=signing(processor).public, sealing_key=opening(processor).public,
        hardware_digest=keccak(bytes([processor])),
    )  # fmt: skip
    return issue(document, signing(processor))


class Chain:
    """A registry that has told of some processors."""

    def __init__(self, *files):
        self.network = SimpleNamespace(deployment="genesis/verifier", deployed_at=0, chain_id=1)
        self.addresses = {"ProcessorRegistry": REGISTRY}
        self.events = []
        for processor, content in enumerate(files, 1):
            digest = keccak(content)
            self.tell(
                "ProcessorRegistered", processor, operator=OPERATOR, daemon=daemon(processor), identityDigest=digest
            )

    def tell(self, name, processor, **arguments):
        event = SimpleNamespace(name=name, arguments={"processor": processor, **arguments}, block=len(self.events))
        self.events.append(event)

    async def block_number(self):
        return len(self.events) - 1

    async def logs(self, first, last, names):
        return [event for event in self.events if first <= event.block <= last and event.name in names]


def registered(store):
    """A registry of three processors, whose documents are in *store*."""
    files = [identity(1).content, identity(2).content, UNKEYED]
    for content in files:
        store.put(content)
    return Chain(*files)
