"""Ports to the engines that OYL works with, free of the ORM: each has a Protocol, its values, its error and adapters."""
