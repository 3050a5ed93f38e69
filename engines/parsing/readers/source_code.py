"""Source code, configuration and logs."""

from __future__ import annotations

from engines.parsing.format import Format, text_format

READER = "engines.parsing.texts.source_code.read"
# The suffixes of programming languages, of style sheets and templates, and of differences between files.
_LANGUAGES = """
abap ada apex asm awk bas bash bat bazel bicep c cbl cc cfc clj cls cmake cmd cob coffee cpp cs css cu cxx d dart diff do
dockerfile el elm erl ex exs f f90 fish fs gd go gradle graphql groovy h hcl hh hpp hs hx idl ino j2 java jinja jl js jsx kt
kts less lisp lua m mako mjs mk ml mm nim nix pas patch php pl plsql pm ps1 psm1 proto py pyi pyx r rb rkt rs sas sass scala
scm scss sh sol sql st sv svelte swift tcl tf tfvars ts tsx v vb vba vbs vhd vhdl vue wat zig zsh
"""
_CONFIGURATION = "cfg cnf conf config desktop editorconfig env inf ini properties reg service"
# What the content model calls files without a suffix.
_DETECTED = """
python java javascript typescript shell powershell sql go rust ruby php c cpp cs css batch makefile dockerfile perl lua
kotlin swift scala r
"""

FORMATS: tuple[Format, ...] = (
    text_format(
        "text/x-source-code",
        READER,
        "Source code",
        *(f".{suffix}" for suffix in _LANGUAGES.split()),
        group="source code",
        detected_as=tuple(_DETECTED.split()),
    ),
    text_format(
        "text/x-configuration",
        READER,
        "Configuration",
        *(f".{suffix}" for suffix in _CONFIGURATION.split()),
        group="configuration",
    ),
    text_format("application/yaml", READER, "YAML", ".yaml", ".yml", version=2),
    text_format("application/toml", READER, "TOML", ".toml"),
    text_format("text/x-log", READER, "Log", ".log", group="logs"),
)
