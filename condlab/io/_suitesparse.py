"""Matrices of the SuiteSparse collection by name, downloaded once and kept."""

from __future__ import annotations

import logging
import re
import shutil
import tarfile
import zlib
from pathlib import Path
from types import MappingProxyType

from condlab.errors import MatrixFileError, missing_extra

MIRRORS = (
    "https://suitesparse-collection-website.herokuapp.com/MM/{group}/{name}.tar.gz",
    "https://sparse.tamu.edu/MM/{group}/{name}.tar.gz",
)
_LARGEST = 4 * 2**30  # bytes of text; the collection's largest are far beyond a desk
_GROUPS = MappingProxyType(
    {
        name: group
        for group, names in {
            "HB": (
                "494_bus 662_bus 685_bus 1138_bus arc130 ash219 ash331 bcsstk01 "
                "bcsstk02 bcsstk03 bcsstk04 bcsstk05 bcsstk06 bcsstk08 bcsstk14 "
                "bcsstk15 bcsstk16 bcsstk17 bcsstk18 bcsstm07 can_24 fs_183_1 "
                "fs_541_1 fs_680_1 gr_30_30 gre_115 illc1033 illc1850 impcol_a "
                "impcol_b impcol_c impcol_d impcol_e jpwh_991 lns_131 nnc261 nos1 "
                "nos2 nos3 nos4 nos5 nos6 nos7 orsirr_1 pores_1 saylr1 sherman1 "
                "sherman2 steam1 well1033 well1850 west0067 west0132 west0156 "
                "west0167 west0381 west0479 west0497 west0655 west0989 west1505 "
                "west2021"
            ),
            "Bai": "bfwa62 bfwa398 olm100 rdb200 rw136 rw496 tols90 tub100",
            "LPnetlib": "lp_adlittle lp_afiro lp_agg lp_share1b lp_stocfor1",
            "TOKAMAK": "utm300 utm1700b",
            "Nasa": "nasa1824 nasa2146 nasa2910",
        }.items()
        for name in names.split()
    }
)


def fetch_suitesparse(name: str, *, cache: Path | None = None) -> Path:
    """Download a matrix of the SuiteSparse collection, or find it in the cache.

    The collection publishes no checksums, so what can be checked is: the archive is
    whole, it holds GROUP/NAME's Matrix Market file under its own name, and only that
    file is taken out of it; `read_matrix` then checks the matrix itself.

    Parameters
    ----------
    name : str
        "GROUP/NAME" such as "HB/west0479", or NAME alone for some well-known ones.
    cache : Path, optional
        Folder to keep downloads in; the user's cache folder where it is left out.

    Returns
    -------
    Path
        The Matrix Market file, for `read_matrix`.

    Raises
    ------
    ValueError
        If the name is not GROUP/NAME and not a known NAME.
    MatrixFileError
        If no mirror answers, or what came is not the archive of that matrix.
    MissingExtraError
        If pooch is not installed.

    References
    ----------
    T. A. Davis and Y. Hu, "The University of Florida sparse matrix collection",
    ACM Trans. Math. Softw. 38(1), 2011.

    Examples
    --------
    >>> fetch_suitesparse("../etc/passwd")
    Traceback (most recent call last):
    ValueError: a SuiteSparse matrix is named GROUP/NAME, such as HB/west0479;
    got '../etc/passwd'
    """
    group, name = _group_and_name(name)
    folder = (cache or _default_cache()) / group
    matrix = folder / f"{name}.mtx"
    if not matrix.is_file():
        archive = folder / f"{name}.tar.gz"
        if not archive.is_file():
            _download(group, name, archive)
        _extract(archive, name, matrix)
    return matrix


def _group_and_name(name: str) -> tuple[str, str]:
    if name in _GROUPS:
        return _GROUPS[name], name
    if re.fullmatch(r"\w[\w.+-]*/\w[\w.+-]*", name, re.ASCII):
        group, name = name.split("/")
        return group, name
    if re.fullmatch(r"\w[\w.+-]*", name, re.ASCII):
        raise ValueError(
            f"the group of {name!r} is not known here; give GROUP/NAME, "
            "such as HB/west0479 (sparse.tamu.edu lists them)"
        )
    raise ValueError(
        f"a SuiteSparse matrix is named GROUP/NAME, such as HB/west0479; got {name!r}"
    )


def _default_cache() -> Path:
    return Path(_pooch().os_cache("condlab")) / "suitesparse"


def _pooch():  # type: ignore[no-untyped-def]
    try:
        import pooch
    except ImportError:
        raise missing_extra(
            "pooch", "studies", "downloading a SuiteSparse matrix"
        ) from None
    return pooch


def _download(group: str, name: str, archive: Path) -> None:
    """Try each mirror in turn; pooch moves the file in place only when it is whole."""
    pooch = _pooch()
    pooch.get_logger().setLevel(logging.ERROR)  # one line from us, not a log
    failures = []
    for mirror in MIRRORS:
        url = mirror.format(group=group, name=name)
        try:
            pooch.retrieve(
                url, known_hash=None, fname=archive.name, path=archive.parent
            )
        except (OSError, ValueError) as error:  # requests' errors are OSErrors
            failures.append(f"{url} ({_reason(error)})")
        else:
            return
    raise MatrixFileError(
        f"could not download {group}/{name}: tried {' and '.join(failures)}; "
        f"put the archive at {archive} by hand, or give a local .mtx file"
    )


def _reason(error: Exception) -> str:
    response = getattr(error, "response", None)
    return (
        f"HTTP status {response.status_code}"
        if response is not None
        else type(error).__name__
    )


def _extract(archive: Path, name: str, matrix: Path) -> None:
    """Copy the one member that is wanted; nothing else in the archive is touched."""
    try:
        with tarfile.open(archive, "r:gz") as tar:
            wanted = f"{name}/{name}.mtx"
            member = next((m for m in tar if m.name.removeprefix("./") == wanted), None)
            if member is None or not member.isfile():
                raise MatrixFileError(f"{archive}: the archive holds no {wanted}")
            if member.size > _LARGEST:
                raise MatrixFileError(
                    f"{archive}: {wanted} is {member.size / 2**30:.3g} GiB, "
                    f"and {_LARGEST // 2**30} GiB is the limit"
                )
            _copy(tar, member, matrix)
    except (tarfile.TarError, EOFError, zlib.error, OSError) as error:
        raise MatrixFileError(
            f"{archive}: not a whole .tar.gz archive ({error}); delete it and try again"
        ) from None


def _copy(tar: tarfile.TarFile, member: tarfile.TarInfo, matrix: Path) -> None:
    source = tar.extractfile(member)
    if source is None:  # isfile() was checked; this tells the type checker
        return
    partial = matrix.with_suffix(".part")
    with source, partial.open("wb") as target:
        shutil.copyfileobj(source, target)
    partial.replace(matrix)  # so that an interrupted copy is never taken for a matrix
