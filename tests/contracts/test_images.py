"""The image is built of locked libraries, and images of others are named with their digests."""

from __future__ import annotations

import re

import yaml
from django.conf import settings

DOCKERFILE = (settings.BASE_DIR / "Dockerfile").read_text()
SERVICES = yaml.safe_load((settings.BASE_DIR / "docker-compose.yml").read_text())["services"]
PINNED = re.compile(r"[a-z/]+:v?\d[\w.-]*@sha256:[0-9a-f]{64}")
# Images whose digest is still to be looked up with `make digests`: the registry was out of reach, and the publisher does
# not publish digests elsewhere. The others are in https://github.com/docker-library/repo-info.
BY_TAG = {"qdrant/qdrant:v1.20.0-unprivileged"}


def images() -> set[str]:
    built_on = re.findall(r"^FROM (\S+)", DOCKERFILE, re.M)
    return {*built_on, *(service["image"] for service in SERVICES.values() if "build" not in service)}


def test_images_of_others_are_named_with_tag_and_digest():
    assert {image for image in images() if not PINNED.fullmatch(image)} == BY_TAG
    assert len(images()) == 4


def test_one_tag_has_one_digest():
    tags = [image.partition("@")[0] for image in images()]
    assert len(tags) == len(set(tags))


def test_image_installs_what_is_locked_for_running_with_hashes_alone():
    installs = re.findall(r"pip install (.*)", DOCKERFILE)
    assert installs == ["--no-deps --require-hashes -r requirements.txt"]
