"""Which certificates a download trusts, and what to do when one is not trusted.

Trusts what the system trusts, to which a site adds the certificate of its own inspection of
encrypted traffic. A file or folder named in the environment counts instead.
"""

from __future__ import annotations

import os
import ssl

from localensemble.core.errors import DownloadError

FILE_VARIABLE, FOLDER_VARIABLE = "SSL_CERT_FILE", "SSL_CERT_DIR"

HINT = (
    "Something on the way, often the inspection of encrypted traffic at your site, answers with a "
    "certificate that this machine does not trust. Ask your administrator to add the site's "
    f"certificate to the system's, or set {FILE_VARIABLE} to a file with it in PEM format. "
    "If this does not help, carry the models over with `localensemble models bundle`."
)


def trusted_certificates() -> ssl.SSLContext:
    """Return what a connection is checked with.

    Raises:
        DownloadError: the file or folder named in the environment cannot be used.
    """
    file, folder = os.environ.get(FILE_VARIABLE), os.environ.get(FOLDER_VARIABLE)
    if not (file or folder):
        import truststore

        return truststore.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    try:
        return ssl.create_default_context(cafile=file or None, capath=folder or None)
    except OSError as error:  # from reading it; not a certificate is an error of this kind, too
        variable, place = (FILE_VARIABLE, file) if file else (FOLDER_VARIABLE, folder)
        raise DownloadError(
            f'Cannot use the certificates that {variable} names ("{place}"): '
            f"{error.strerror or 'it holds no certificate'}.",
            hint=f"Set {variable} to a file with certificates in PEM format, or unset it to trust "
            "what the system trusts.",
        ) from error


def untrusted(error: BaseException) -> str:
    """Return why a certificate was not trusted; empty if the error is another one."""
    seen: list[BaseException] = []
    following: BaseException | None = error
    while following is not None and following not in seen:
        if isinstance(following, ssl.SSLCertVerificationError):
            # Python sets it; the stores of Windows and macOS only give a text.
            return getattr(following, "verify_message", "") or str(following)
        seen.append(following)
        following = following.__cause__ or following.__context__
    # The network library passes on the text alone if its own layers replaced the error.
    return str(error) if "CERTIFICATE_VERIFY_FAILED" in str(error) else ""
