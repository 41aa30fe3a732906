"""The words that may stay in an anonymous capture: they are the protocols' own, and no names.

All are in capitals, whatever their case on the wire. What is not listed here is replaced.
"""

from __future__ import annotations

import re

from mailproxy.proto.imap_verbs import VERBS as _IMAP_VERBS
from mailproxy.proto.pop3_verbs import VERBS as _POP3_VERBS
from mailproxy.proto.smtp_verbs import VERBS as _SMTP_VERBS

_RUN = re.compile(rb"[A-Z0-9]*[A-Z][A-Z0-9]*")


def _words(listed: str) -> frozenset[bytes]:
    """The words, and the runs of letters in them."""
    words = listed.encode().upper().split()
    return frozenset((*words, *(run for word in words for run in _RUN.findall(word))))


VERBS = frozenset(
    word.encode()
    for table in (_IMAP_VERBS, _POP3_VERBS, _SMTP_VERBS)
    for verb in table
    for word in (verb, *verb.split())
)

MECHANISMS = _words(
    """
    PLAIN LOGIN CRAM-MD5 DIGEST-MD5 SCRAM-SHA-1 SCRAM-SHA-256 SCRAM-SHA-1-PLUS SCRAM-SHA-256-PLUS
    SCRAM-SHA-512 GSSAPI NTLM XOAUTH2 OAUTHBEARER EXTERNAL ANONYMOUS APOP SKEY OTP PLAIN-CLIENTTOKEN
    """
)

SOFTWARE = _words(
    """
    Dovecot Postfix Exim Sendmail Cyrus Courier qmail Qpopper Exchange Outlook Gmail Gimap Microsoft ESMTP
    SMTP LMTP POP3 IMAP IMAP4 IMAP4rev1 Thunderbird Debian Ubuntu GNU Linux
    """
)

SAID = SOFTWARE | _words(
    """
    accepted access aborted again allowed already and append appended are as at auth authenticated
    authentication bad be been begin bye cannot capability chunk closed closing command commands completed
    connection could copied data delayed deleted delivery denied disconnected does down end ended ending
    enter error exceeded exist exists expunge expunged failed failure fetch follow follows for found from
    go goodbye greylisted has have help here idle idling in inbox incorrect input invalid invalidated is
    known later ready line list list-ed listing local lock locked logged login logging logout long mail
    mailbox marked message messages missing must name need no none not now octets of off ok okay on one only
    open or out outstanding overview password permanent permitted pipelining please pop process queued
    quota rate read readonly received recipient recipients refused rejected relay relaying remote
    removed required reset response retry root sasl scan search select selected send sender sending sequence
    server service session signing size space start started status store stored success successful
    successfully syntax system tagged taken temporarily temporary terminated terminating than that
    the this tls to too transaction transfer transmission try unavailable unique unknown
    unrecognized until use user username valid waiting was while with within write wrong you your
    sys temp perm in-use value uidvalidity uidnext flags highest next predicted modseq first unseen uids
    """
)

MAILBOXES = _words("INBOX Sent Drafts Draft Trash Junk Spam Archive Outbox Templates")

FLAGS = _words(
    r"""
    \Seen \Answered \Flagged \Deleted \Draft \Recent \* \Marked \Unmarked \Noselect \NoInferiors \HasChildren
    \HasNoChildren \NonExistent \Subscribed \Remote \All \Archive \Drafts \Flagged \Junk \Sent \Trash \Inbox
    \Important \Starred \Memos \Scheduled \Snoozed
    $Forwarded $MDNSent $Junk $NotJunk $Phishing $SubmitPending $Submitted $Important $Label1 $Label2 $Label3
    $Label4 $Label5 NonJunk NotJunk Junk Forwarded
    """
)

IMAP = (
    VERBS
    | MECHANISMS
    | FLAGS
    | _words(
        """
    OK NO BAD BYE PREAUTH NIL UID FLAGS INTERNALDATE ENVELOPE BODYSTRUCTURE BODY BODY.PEEK BINARY BINARY.PEEK
    BINARY.SIZE RFC822 RFC822.SIZE RFC822.HEADER RFC822.TEXT HEADER HEADER.FIELDS HEADER.FIELDS.NOT TEXT MIME
    ALL FAST FULL MODSEQ CHANGEDSINCE VANISHED UNCHANGEDSINCE +FLAGS -FLAGS FLAGS.SILENT +FLAGS.SILENT
    -FLAGS.SILENT EXISTS RECENT EXPUNGE MESSAGES UIDNEXT UIDVALIDITY UNSEEN HIGHESTMODSEQ NOMODSEQ DELETED
    SIZE APPENDLIMIT MAILBOXID PERMANENTFLAGS READ-WRITE READ-ONLY TRYCREATE ALERT PARSE APPENDUID COPYUID
    UIDNOTSTICKY CLOSED CAPABILITY AUTHENTICATIONFAILED AUTHORIZATIONFAILED UNAVAILABLE EXPIRED
    PRIVACYREQUIRED CONTACTADMIN NOPERM INUSE EXPUNGEISSUED CORRUPTION SERVERBUG CLIENTBUG CANNOT LIMIT
    OVERQUOTA ALREADYEXISTS NONEXISTENT BADCHARSET HASCHILDREN MODIFIED BADEVENT NOTSAVED TOOBIG
    CONDSTORE QRESYNC IMAP4REV1 IMAP4REV2 UTF8 ACCEPT RETURN CHILDREN SPECIAL-USE SUBSCRIBED REMOTE
    RECURSIVEMATCH STATUS MIN MAX COUNT SAVE PARTIAL ESEARCH TAG CHARSET UTF-8 US-ASCII ANSWERED BCC BEFORE CC
    DRAFT FLAGGED FROM KEYWORD LARGER NEW NOT OLD ON OR SEEN SENTBEFORE SENTON SENTSINCE SINCE
    SMALLER SUBJECT TO UNANSWERED UNDELETED UNDRAFT UNFLAGGED UNKEYWORD YOUNGER OLDER REVERSE ARRIVAL DATE
    DISPLAYFROM DISPLAYTO REFERENCES ORDEREDSUBJECT X-GM-MSGID X-GM-THRID X-GM-LABELS +X-GM-LABELS
    -X-GM-LABELS X-GM-RAW EMAILID THREADID SAVEDATE PREVIEW LAZY STORAGE MESSAGE CATENATE URL MESSAGE-ID
    IN-REPLY-TO CONTENT-TYPE REPLY-TO SENDER MIME-VERSION LIST-ID PRIORITY X-PRIORITY IMPORTANCE
    DELIVERED-TO RESENT-TO NEWSGROUPS RECEIVED LIST-POST USER-AGENT X-MAILER CONTENT-DESCRIPTION SILENT +
    """
    )
)

SEARCHED = _words("BCC BODY CC FROM HEADER KEYWORD SUBJECT TEXT TO UNKEYWORD X-GM-RAW X-GM-LABELS")

ID_KEYS = SOFTWARE | _words(
    "name version os os-version vendor support-url address date command arguments environment"
)

SMTP = (
    VERBS
    | MECHANISMS
    | _words(
        """
    FROM TO SIZE BODY 7BIT 8BITMIME BINARYMIME SMTPUTF8 RET FULL HDRS ENVID ORCPT RFC822 NOTIFY SUCCESS
    FAILURE
    DELAY NEVER AUTH LAST LIMITS RCPTMAX MAILMAX RCPTDOMAINMAX
    """
    )
)

CAPABILITIES = VERBS | MECHANISMS | _words("NEVER USER RFC822 RCPTMAX MAILMAX ORDEREDSUBJECT REFERENCES REFS")

MIME = _words(
    """
    text plain html enriched calendar csv xml rtf multipart mixed alternative related digest report signed
    encrypted parallel form-data appledouble message rfc822 partial external-body delivery-status
    disposition-notification feedback-report global image jpeg jpg png gif tiff bmp webp svg+xml audio mpeg
    wav ogg mp4 video quicktime application octet-stream pdf zip gzip msword json pgp-signature pgp-encrypted
    pkcs7-mime pkcs7-signature x-pkcs7-signature x-pkcs7-mime ms-tnef x-zip-compressed vnd.ms-excel
    7bit 8bit binary quoted-printable base64 x-uuencode inline attachment charset boundary format flowed fixed
    delsp yes no name filename size type start protocol micalg report-type creation-date modification-date
    read-date smime-type signed-data reply-type original method request publish reply
    us-ascii utf-8 utf8 utf-7 iso-8859-1 iso-8859-2 iso-8859-5 iso-8859-7 iso-8859-8 iso-8859-9 iso-8859-15
    windows-1250 windows-1251 windows-1252 windows-1256 koi8-r koi8-u shift_jis iso-2022-jp euc-jp euc-kr
    gb2312 gbk gb18030 big5 sha-1 sha-256 sha1 sha256 md5 pgp-sha1 pgp-sha256 nil
    """
)

RECEIVED = SOFTWARE | _words(
    "from by with via id for envelope-from helo ESMTPS ESMTPSA ESMTPA SMTPS LMTPS HTTP"
)

HEADERS = _words(
    """
    ARC-Authentication-Results ARC-Message-Signature ARC-Seal Authentication-Results Auto-Submitted
    Autocrypt Bcc Cc Comments Content-Description Content-Disposition Content-ID Content-Language
    Content-Length Content-Location Content-MD5 Content-Transfer-Encoding Content-Type DKIM-Signature Date
    Delivered-To Delivery-Date Disposition-Notification-To DomainKey-Signature Encoding Envelope-To Errors-To
    Feedback-ID From Importance In-Reply-To Keywords Lines List-Archive List-Help List-Id List-Owner List-Post
    List-Subscribe List-Unsubscribe List-Unsubscribe-Post MIME-Version Mail-Followup-To Mailing-List
    Message-ID
    Newsgroups Organization Original-Recipient Precedence Priority Received Received-SPF References Reply-To
    Resent-Bcc Resent-Cc Resent-Date Resent-From Resent-Message-ID Resent-Sender Resent-To Return-Path
    Return-Receipt-To Sender Sensitivity Status Subject Thread-Index Thread-Topic To User-Agent
    X-Envelope-From
    X-Envelope-To X-Forwarded-For X-Forwarded-To X-Keywords X-Loop X-MIME-Autoconverted X-Mailer
    X-MimeOLE X-MSMail-Priority X-Mozilla-Status X-Mozilla-Status2 X-Mozilla-Keys X-Original-To
    X-Originating-IP X-Priority X-Received X-Sender X-Spam-Checker-Version X-Spam-Flag X-Spam-Level
    X-Spam-Score X-Spam-Status X-Status X-UID X-UIDL X-Virus-Scanned X-YMail-OSG Xref
    """
)
