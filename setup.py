"""Puts the folder `deploy` into the package: pyproject.toml can name packages or have them found, not both."""

from setuptools import find_packages, setup

setup(
    packages=[*find_packages(include=["secretsync*"]), "secretsync.deploy"],
    package_dir={"secretsync.deploy": "deploy"},
)
