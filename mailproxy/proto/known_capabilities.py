"""The capabilities by name: which a client is never shown, and which are known to be harmless.

A name that ends in ``=`` stands for all that begin with it. *Never* holds on every
listener: what these start cannot be followed, or leads round the proxy. *Known* is what
stays on a guarding listener: an unknown extension may add a command that removes mail, or
a framing that the proxy does not read.
"""

from __future__ import annotations


class Names:
    """A set of capability names (upper case), some of them families ``NAME=``."""

    __slots__ = ("_exact", "_families")

    def __init__(self, listed: str) -> None:
        self._exact = frozenset(listed.split())
        self._families = frozenset(name for name in self._exact if name.endswith("="))

    def __contains__(self, name: str) -> bool:
        family, equals, _ = name.partition("=")
        return name in self._exact or family + equals in self._families


IMAP_NEVER = Names(
    """
    COMPRESS COMPRESS= CONVERT JMAPACCESS LOGIN-REFERRALS MAILBOX-REFERRALS UNAUTHENTICATE
    """
)

IMAP_KNOWN = Names(
    """
    IMAP4 IMAP4REV1 IMAP4REV2 LITERAL+ LITERAL- SASL-IR ID ENABLE IDLE NAMESPACE UNSELECT
    AUTH= STARTTLS LOGINDISABLED
    CHILDREN LIST-EXTENDED LIST-STATUS LIST-MYRIGHTS LIST-METADATA XLIST SPECIAL-USE CREATE-SPECIAL-USE
    NO_ATOMIC_RENAME
    UIDPLUS UIDONLY MOVE REPLACE
    BINARY CATENATE MULTIAPPEND APPENDLIMIT APPENDLIMIT= UTF8= UNICODE
    CONDSTORE QRESYNC NOTIFY INPROGRESS MESSAGELIMIT= SAVELIMIT SAVELIMIT= PARTIAL
    ESEARCH ESORT SEARCHRES SEARCH= SNIPPET= WITHIN FILTERS MULTISEARCH
    SORT SORT= THREAD= CONTEXT= I18NLEVEL= LANGUAGE
    ACL ACL2= RIGHTS= QUOTA QUOTA= QUOTASET METADATA METADATA-SERVER ANNOTATEMORE
    ANNOTATE-EXPERIMENT-1 ANNOTATE-EXPERIMENT-2
    STATUS= OBJECTID SAVEDATE PREVIEW PREVIEW= URLAUTH URLAUTH= URL-PARTIAL
    X-GM-EXT-1 CLIENTACCESSRULES CLIENTNETWORKPRESENCELOCATION
    XCOURIEROUTBOX= XMAGICTRASH DIGEST=
    X-QUOTA= X-CREATEDMODSEQ
    """
)

POP3_NEVER = Names("XTND COMPRESS")

POP3_KNOWN = Names(
    """
    TOP USER SASL RESP-CODES LOGIN-DELAY PIPELINING EXPIRE UIDL IMPLEMENTATION AUTH-RESP-CODE UTF8 LANG
    STLS APOP
    """
)

# PRDR and XEXCH50 change what follows DATA or bring octets of their own; X-EXPS is an AUTH with
# mechanisms that wrap the stream.
SMTP_NEVER = Names(
    """
    ETRN TURN ATRN XCLIENT XFORWARD BURL CHECKPOINT CONPERM MTRK PRDR XEXCH50 X-EXPS X-EXPS=
    """
)

# OK stands at the end of many a reply and means nothing.
SMTP_KNOWN = Names(
    """
    8BITMIME SIZE CHUNKING BINARYMIME PIPELINING DSN ENHANCEDSTATUSCODES HELP VRFY EXPN SMTPUTF8
    AUTH AUTH= STARTTLS DELIVERBY FUTURERELEASE MT-PRIORITY RRVS NO-SOLICITING LIMITS OK
    """
)
