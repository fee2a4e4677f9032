"""Every exception the package raises on purpose.

    AiopsError
    ├── InputError            what the caller handed over is not usable
    │   ├── DecodeError       bytes that are no OTLP
    │   ├── SchemaError       a table lacks a column or holds a wrong type
    │   ├── CaseError         a folder or frames that are no Case
    │   └── UsageError        an argument is not allowed, or names what there is not
    │       └── LayoutError   no data set there, or its layout is unknown or ambiguous
    ├── NotFittedError        a model was asked before it was fitted
    ├── ContractError         a model broke the contract of ``aiops.checks``
    ├── DependencyError       something this machine lacks; says what to install
    ├── TestbedError          the shop did not start, or did not do as told
    └── BusyError             another run holds the lock

A message says what was wrong, what was got, what is allowed and what to do next. A command
that one of them ends has the exit code 2 where it is a UsageError, else 1.
"""


class AiopsError(Exception):
    """Base of all errors raised on purpose."""


class InputError(AiopsError, ValueError):
    """What the caller handed over is not usable."""


class DecodeError(InputError):
    """Bytes that are no OTLP."""


class SchemaError(InputError):
    """A table lacks a column or holds a wrong type."""


class CaseError(InputError):
    """A folder or frames that are no Case."""


class UsageError(InputError):
    """An argument is not allowed, or names what there is not: asked otherwise, it would go."""


class LayoutError(UsageError):
    """No data set where one was named, or its layout is unknown or ambiguous."""


class NotFittedError(AiopsError):
    """A model was asked before it was fitted."""


class ContractError(AiopsError, AssertionError):
    """A model broke the contract of ``aiops.checks``."""


class DependencyError(AiopsError):
    """Something this machine lacks; the message says what to install."""


class TestbedError(AiopsError):
    """The shop did not start, or did not do as told."""

    __test__ = False  # not a pytest class


class BusyError(AiopsError):
    """Another run holds the lock."""
