"""What is different between two profiles, what hurts most first."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import Enum
from statistics import median

from mailproxy.capture.pop_matching import matched
from mailproxy.capture.profile import Mailbox, Profile, normalised

_SLOWER = 3.0  # times
_SECONDS = 0.05  # at least so much slower
_SAMPLES = 3


class Kind(Enum):
    """Kinds of differences in the order in which they hurt, with what follows from each."""

    UIDL = "UIDL changed: programs download these messages again"
    UIDVALIDITY = "UIDVALIDITY changed: programs throw away what they have of the mailbox"
    UID = "UID changed: programs download these messages again"
    GONE = "not there any more"
    REFUSED = "worked, and does not any more"
    CAPABILITY_GONE = "capability is gone"
    SEPARATOR = "separator of folders changed: programs look for other names"
    FOLDER_GONE = "folder is not listed any more"
    SIZE = "size changed"
    CONTENT = "content changed"
    ATTRIBUTES = "attributes of a folder changed"
    STATUS = "another status"
    NEW = "was not there"
    FOLDER_NEW = "folder is new"
    CAPABILITY_NEW = "capability is new"
    USED = "only one client used this command"
    REPLY = "another text"
    GREETING = "another greeting"
    TIME = "median time to the reply"

    @property
    def rank(self) -> int:
        return list(Kind).index(self)


@dataclass(frozen=True, slots=True)
class Difference:
    """``what`` it is about, and how it is in the first and in the second."""

    kind: Kind
    what: str
    before: str
    after: str


def differences(one: Profile, other: Profile) -> list[Difference]:
    """All of them; those of one kind stay in the order of what they are about."""
    found = [
        *_maildrop(one, other),
        *_mailboxes(one, other),
        *_seen(one, other),
        *_statuses(one, other),
        *_capabilities(one, other),
        *_folders(one, other),
        *_texts(one, other),
        *_times(one, other),
    ]
    return sorted(found, key=lambda difference: difference.kind.rank)


def _maildrop(one: Profile, other: Profile) -> Iterator[Difference]:
    if not (one.uidls or one.octets) or not (other.uidls or other.octets):
        return
    pairs, gone, new = matched(one, other)
    for number, its in pairs:
        before, after = one.uidls.get(number), other.uidls.get(its)
        what = f"message {number}" if number == its else f"message {number}, now {its}"
        if before is not None and after is not None and before != after:
            yield Difference(Kind.UIDL, what, before, after)
        yield from _changed(Kind.SIZE, what, one.octets.get(number), other.octets.get(its))
    for number in gone:
        yield Difference(Kind.GONE, f"message {number}", one.uidls.get(number, ""), "")
    for number in new:
        yield Difference(Kind.NEW, f"message {number}", "", other.uidls.get(number, ""))


def _mailboxes(one: Profile, other: Profile) -> Iterator[Difference]:
    for name in sorted(one.mailboxes.keys() & other.mailboxes.keys()):
        before, after = one.mailboxes[name], other.mailboxes[name]
        yield from _changed(Kind.UIDVALIDITY, name, before.uidvalidity, after.uidvalidity)
        if before.exists is not None and after.exists is not None and before.exists != after.exists:
            kind = Kind.GONE if after.exists < before.exists else Kind.NEW
            yield Difference(kind, f"messages in {name}", str(before.exists), str(after.exists))
        if before.uidvalidity == after.uidvalidity:
            yield from _sizes(name, before, after)


def _sizes(name: str, before: Mailbox, after: Mailbox) -> Iterator[Difference]:
    if before.uidnext is not None and after.uidnext is not None and after.uidnext < before.uidnext:
        # RFC 9051 §2.3.1.1: it never falls
        yield Difference(Kind.UID, f"UIDNEXT of {name}", str(before.uidnext), str(after.uidnext))
    for uid in sorted(before.sizes.keys() & after.sizes.keys()):
        yield from _changed(Kind.SIZE, f"UID {uid} in {name}", before.sizes[uid], after.sizes[uid])


def _seen(one: Profile, other: Profile) -> Iterator[Difference]:
    """Messages with the same Message-ID in both."""
    theirs = {(seen.mailbox, seen.message_id): seen for seen in other.seen if seen.message_id}
    told = set()
    for seen in one.seen:
        its = theirs.get((seen.mailbox, seen.message_id))
        if its is None or seen.message_id in told:
            continue
        told.add(seen.message_id)
        same = _validity(one, seen.mailbox) == _validity(other, seen.mailbox)
        if seen.uid and its.uid and same:
            yield from _changed(Kind.UID, f"{seen.message_id} in {seen.mailbox}", seen.uid, its.uid)
        if seen.digest and its.digest and seen.digest != its.digest:
            yield Difference(Kind.CONTENT, seen.message_id, f"sha256 {seen.digest}", f"sha256 {its.digest}")


def _validity(profile: Profile, mailbox: str) -> int | None:
    return profile.mailboxes[mailbox].uidvalidity if mailbox in profile.mailboxes else None


def _statuses(one: Profile, other: Profile) -> Iterator[Difference]:
    for verb in sorted(one.statuses.keys() | other.statuses.keys()):
        before, after = one.statuses.get(verb), other.statuses.get(verb)
        if before is None or after is None:
            yield Difference(Kind.USED, verb, _counted(before), _counted(after))
        elif before.keys() != after.keys():
            worse = any(map(_good, before)) and any(
                not _good(status) for status in after.keys() - before.keys()
            )
            yield Difference(Kind.REFUSED if worse else Kind.STATUS, verb, _counted(before), _counted(after))


def _good(status: str) -> bool:
    return status in ("OK", "PREAUTH") or status[:1] in ("2", "3")


def _counted(statuses: Mapping[str, int] | None) -> str:
    return ", ".join(f"{status} {number}×" for status, number in sorted((statuses or {}).items()))


def _capabilities(one: Profile, other: Profile) -> Iterator[Difference]:
    for stage in sorted(one.capabilities.keys() & other.capabilities.keys()):
        before, after = one.capabilities[stage], other.capabilities[stage]
        if before and after:
            for name in sorted(before - after):
                yield Difference(Kind.CAPABILITY_GONE, f"{stage}", name, "")
            for name in sorted(after - before):
                yield Difference(Kind.CAPABILITY_NEW, f"{stage}", "", name)


def _folders(one: Profile, other: Profile) -> Iterator[Difference]:
    if not one.folders or not other.folders:
        return
    separators = [sorted({folder.separator for folder in some.folders.values()}) for some in (one, other)]
    if separators[0] != separators[1]:
        yield Difference(Kind.SEPARATOR, "folders", " ".join(separators[0]), " ".join(separators[1]))
    for name in sorted(one.folders.keys() - other.folders.keys()):
        yield Difference(Kind.FOLDER_GONE, name, "listed", "")
    for name in sorted(other.folders.keys() - one.folders.keys()):
        yield Difference(Kind.FOLDER_NEW, name, "", "listed")
    for name in sorted(one.folders.keys() & other.folders.keys()):
        before, after = one.folders[name].attributes, other.folders[name].attributes
        if before != after:
            yield Difference(Kind.ATTRIBUTES, name, " ".join(sorted(before)), " ".join(sorted(after)))


def _texts(one: Profile, other: Profile) -> Iterator[Difference]:
    if one.greeting and other.greeting and normalised(one.greeting) != normalised(other.greeting):
        yield Difference(Kind.GREETING, "greeting", one.greeting, other.greeting)
    for verb, status in sorted(one.replies.keys() & other.replies.keys()):
        before, after = one.replies[verb, status], other.replies[verb, status]
        if before != after:
            yield Difference(Kind.REPLY, verb, before, after)


def _times(one: Profile, other: Profile) -> Iterator[Difference]:
    for verb in sorted(one.seconds.keys() & other.seconds.keys()):
        before, after = one.seconds[verb], other.seconds[verb]
        if min(len(before), len(after)) < _SAMPLES:
            continue
        fast, slow = sorted((median(before), median(after)))
        if slow - fast >= _SECONDS and slow >= fast * _SLOWER:
            yield Difference(Kind.TIME, verb, f"{median(before):.3f} s", f"{median(after):.3f} s")


def _changed(kind: Kind, what: str, before: int | None, after: int | None) -> Iterator[Difference]:
    if before is not None and after is not None and before != after:
        yield Difference(kind, what, str(before), str(after))
