"""What decides a result, as plain values: the same identity, the same result.

Every input and plug-in says its own; `identity_of` is what a plug-in says that says nothing itself. What
cannot be told is listed under "untold", and nothing that rests on it is ever used again.
"""

from backtune.identity.difference import differences, untold
from backtune.identity.files import Signature, file_digest, signature
from backtune.identity.origin import code_digest, distribution, origin, version_of, versions, versions_of
from backtune.identity.plain import array_digest, digest_of, identity_of, key_of, plain, source_of

__all__ = [
    "Signature", "array_digest", "code_digest", "differences", "digest_of", "distribution", "file_digest",
    "identity_of", "key_of", "origin", "plain", "signature", "source_of", "untold", "version_of", "versions",
    "versions_of",
]  # fmt: skip
