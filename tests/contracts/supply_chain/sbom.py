"""Write a CycloneDX SBOM of what requirements.txt installs: `python -m tests.contracts.supply_chain.sbom FILE`."""

from __future__ import annotations

import sys
from pathlib import Path

from cyclonedx.contrib.license.factories import LicenseFactory
from cyclonedx.model.bom import Bom
from cyclonedx.model.component import Component, ComponentType
from cyclonedx.model.license import License
from cyclonedx.output import make_outputter
from cyclonedx.schema import OutputFormat, SchemaVersion
from packageurl import PackageURL

from oyl.version import VERSION
from tests.contracts.supply_chain.distributions import Installed, installed
from tests.contracts.supply_chain.native import components


def bom() -> Bom:
    """Each package is a component, and the native libraries and programs in its wheel are components of it."""
    made = Bom()
    root = Component(
        name="oyl", version=VERSION, type=ComponentType.APPLICATION, licenses=[_licence("Apache-2.0")]
    )
    made.metadata.component = root
    made.components.update(_package(one) for one in installed())
    made.register_dependency(root, made.components)
    return made


def write(path: Path) -> None:
    path.parent.mkdir(exist_ok=True)
    output = make_outputter(bom(), OutputFormat.JSON, SchemaVersion.V1_6)
    output.output_to_file(str(path), allow_overwrite=True, indent=2)


def _package(one: Installed) -> Component:
    return Component(
        name=one.name,
        version=one.version,
        type=ComponentType.LIBRARY,
        bom_ref=f"{one.name}=={one.version}",
        purl=PackageURL("pypi", name=one.name, version=one.version),
        licenses=[_licence(one.licence)],
        components=[
            Component(
                name=native.row.name,
                version=native.version,
                type=ComponentType.APPLICATION if native.row.separate_program else ComponentType.LIBRARY,
                bom_ref=f"{one.name}/{native.row.name}",
                licenses=[_licence(native.row.licence)],
            )
            for native in components().get(one.name, ())
        ],
    )


def _licence(expression: str) -> License:
    return LicenseFactory().make_from_string(expression)


if __name__ == "__main__":
    import tests.environment  # noqa: F401

    write(Path(sys.argv[1]))
