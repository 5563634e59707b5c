# SPDX-License-Identifier: GPL-2.0-or-later
"""From parsed JSON to dataclasses, strictly.

The dataclasses are the schema. Every field must be present, nothing else may be, and a value must
have the declared type: a file that differs was written by something else, and guessing at it would
turn into a wrong report. Understood are the types that records are made of: ``str``, ``int``,
``float``, ``bool``, enums of strings, ``tuple[X, ...]`` (a JSON array), ``dict[str, X]``,
``X | None``, and dataclasses of these.
"""

from __future__ import annotations

import dataclasses
import functools
import types
import typing
from enum import StrEnum
from typing import Any, TypeVar

T = TypeVar("T")


class DecodeError(ValueError):
    """The value does not have the declared form; the message names the place in the document."""


def decode(declared: type[T], value: object, place: str = "") -> T:
    """The value as an instance of the declared dataclass.

    ``place`` is where the value stands in its document (``tests[3].verdict``), for messages.
    """
    return typing.cast(T, _decode(declared, value, place))


def _decode(declared: Any, value: object, place: str) -> object:
    origin = typing.get_origin(declared)
    if origin is types.UnionType:
        return _decode_optional(declared, value, place)
    if origin is tuple:
        items = _require(list, value, place, "an array")
        (item_type, _ellipsis) = typing.get_args(declared)
        return tuple(_decode(item_type, item, f"{place}[{i}]") for i, item in enumerate(items))
    if origin is dict:
        mapping = _require(dict, value, place, "an object")
        (_key_type, item_type) = typing.get_args(declared)
        return {key: _decode(item_type, item, f"{place}.{key}") for key, item in mapping.items()}
    if dataclasses.is_dataclass(declared):
        return _decode_dataclass(typing.cast(type, declared), value, place)
    if issubclass(declared, StrEnum):
        return _decode_enum(declared, value, place)
    if declared is float and type(value) is int:  # a whole number of seconds is still seconds
        return float(value)
    if type(value) is not declared:  # not isinstance: true is no number here
        raise DecodeError(f"{place or 'the document'} should be {declared.__name__}")
    return value


def _decode_optional(declared: Any, value: object, place: str) -> object:
    if value is None:
        return None
    (inner,) = (arg for arg in typing.get_args(declared) if arg is not types.NoneType)
    return _decode(inner, value, place)


def _decode_enum(declared: type[StrEnum], value: object, place: str) -> StrEnum:
    text = _require(str, value, place, "a string")
    try:
        return declared(text)
    except ValueError:
        raise DecodeError(f"{place} is {text!r}, which is none of {', '.join(declared)}") from None


def _decode_dataclass(declared: type, value: object, place: str) -> object:
    mapping = _require(dict, value, place, "an object")
    hints = _hints(declared)
    prefix = f"{place}." if place else ""
    for name in hints:
        if name not in mapping:
            raise DecodeError(f"{prefix}{name} is missing")
    for name in mapping:
        if name not in hints:
            raise DecodeError(f"{prefix}{name} is not a field of this format")
    return declared(**{name: _decode(hints[name], mapping[name], prefix + name) for name in hints})


@functools.cache  # a record has hundreds of objects of a few types
def _hints(declared: type) -> dict[str, Any]:
    return typing.get_type_hints(declared)


def _require(wanted: type[T], value: object, place: str, description: str) -> T:
    if not isinstance(value, wanted):
        raise DecodeError(f"{place or 'the document'} should be {description}")
    return value
