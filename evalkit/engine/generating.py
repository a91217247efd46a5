"""Has a generator make pictures: there is always one checked result per request, whatever the generator does."""

from __future__ import annotations

from itertools import islice

from evalkit.api.errors import StoppedByUser, UnavailableError, UsageError
from evalkit.api.protocols import Generator, GeneratorInfo
from evalkit.api.records import Case, Generated, Request
from evalkit.formats.foreign_text import said
from evalkit.plugins.values import FaultyValue, checked_generated, checked_info, checked_text


def generate(generator: Generator, requests: list[Request]) -> list[Generated]:
    """One result per request. If a batch fails, its requests are tried one by one: one bad case costs one cell.

    Raises:
        UnavailableError, UsageError: of the generator's own, which say that no request can succeed.
    """
    try:
        results = list(islice(generator.generate(requests), len(requests) + 1))  # it may yield for ever
        if len(results) != len(requests):
            n = "more" if len(results) > len(requests) else str(len(results))
            raise FaultyValue(f"the generator returned {n} pictures for {len(requests)} requests")
    except (UnavailableError, UsageError, StoppedByUser):
        raise
    except FaultyValue as problem:
        failed = Generated(error=str(problem))
    except BaseException as error:  # a generator is a plug-in, and CUDA raises anything; `sys.exit` is its error too
        failed = Generated(error=said(error))
    else:
        return [_checked(result) for result in results]
    if len(requests) == 1:
        return [failed]
    return [generate(generator, [request])[0] for request in requests]


def fingerprint_of(generator: Generator, case: Case) -> str:
    """The generator's fingerprint for a case. Raises `FaultyValue` where there is none: the cell is then marked."""
    try:
        return checked_text(generator.fingerprint(case), "the generator's `fingerprint`")
    except (FaultyValue, UnavailableError, UsageError, StoppedByUser):
        raise
    except BaseException as error:  # as above
        raise FaultyValue(f"the generator's `fingerprint` raised {said(error)}") from error


def info_of(generator: Generator) -> GeneratorInfo:
    """What the generator says of itself; where it says nothing usable, its class stands for its name."""
    try:
        return checked_info(generator.info())
    except StoppedByUser:
        raise
    except BaseException as error:  # as above; finished pictures are not lost for want of a name
        return GeneratorInfo(f"{type(generator).__name__} (its `info` fails: {said(error)[:200]})")


def _checked(result: Generated) -> Generated:
    try:
        return checked_generated(result)
    except FaultyValue as problem:
        return Generated(error=str(problem))
    except StoppedByUser:
        raise
    except BaseException as error:  # the methods of the values are foreign code
        return Generated(error=f"the generator returned values that can't be read: {said(error)[:300]}")
