"""Signed, expiring addresses (Links): who has one may hear that one text until then, and needs no key.

The signature is made with a digest of the key of the caller who asked for it: it holds in every process that takes the
key, and ends with the key. The key itself cannot be computed from it but by trying; scrypt makes each try slow.
"""

from __future__ import annotations

import hashlib
import re
import time
from collections.abc import Mapping
from functools import lru_cache
from urllib.parse import urlencode

from itsdangerous import Signer

BY, EXPIRES, SIGNATURE = "by", "expires", "signature"
_SECONDS = re.compile(r"[0-9]{1,12}")
LINK_FIELDS = frozenset({BY, EXPIRES, SIGNATURE})


def signed_query(path: str, fields: Mapping[str, str], by: str, key_digest: str, expires_at: int) -> str:
    """The query that lets its bearer ask for `path` with these fields.

    by: the name of the key. key_digest: of the key. expires_at: in seconds since 1970.
    """
    signed = {**fields, BY: by, EXPIRES: str(expires_at)}
    return urlencode({**signed, SIGNATURE: _signer(key_digest).get_signature(_text(path, signed)).decode()})


def signer_of(path: str, query: Mapping[str, str], key_digests: Mapping[str, str]) -> str | None:
    """The name of the key that signed this address; None: it is not signed, not rightly, or has expired."""
    by, expires, signature = (query.get(name, "") for name in (BY, EXPIRES, SIGNATURE))
    if by not in key_digests or not _SECONDS.fullmatch(expires) or int(expires) <= time.time():
        return None
    signed = {name: value for name, value in query.items() if name != SIGNATURE}
    return by if _signer(key_digests[by]).verify_signature(_text(path, signed), signature) else None


def _text(path: str, signed: Mapping[str, str]) -> str:
    return f"{path}?{urlencode(sorted(signed.items()))}"


@lru_cache(maxsize=64)
def _signer(key_digest: str) -> Signer:
    secret = hashlib.scrypt(key_digest.encode(), salt=b"kyutai-tts links", n=2**14, r=8, p=1)
    return Signer(secret, salt=b"kyutai-tts link", digest_method=hashlib.sha256)
