"""Run a chat template that came with a model file, as untrusted code.

A template may loop over messages, compare and join strings, and nothing else: what it may
call is listed here, what it builds is counted, and how long it runs is bounded. Refuses
(`ChatTemplateError`) attributes, calls and filters that are not listed, templates that
import others, and anything that grows or runs beyond the budget.

Jinja's own sandbox keeps a template from reaching Python; it does not keep it from using
up the machine. Hence the budget: every block of the template counts a step, and every
string or list that is built counts its size before it is built.
"""

from __future__ import annotations

import json
import re
import time
from collections.abc import (
    Callable,
    ItemsView,
    Iterable,
    Iterator,
    KeysView,
    Mapping,
    ValuesView,
)
from types import BuiltinMethodType
from typing import Any

from jinja2 import nodes
from jinja2.compiler import CodeGenerator, Frame
from jinja2.exceptions import TemplateError
from jinja2.ext import Extension, LoopControlExtension
from jinja2.parser import Parser
from jinja2.runtime import Context, LoopContext, Macro, Undefined
from jinja2.sandbox import ImmutableSandboxedEnvironment
from jinja2.utils import Namespace

from localensemble.core.errors import ChatTemplateError

# The longest of 19 published templates takes 17,000 characters, builds 9,000 and makes 60
# steps for a system and a user message.
_MOST_SOURCE = 250_000
_MOST_STEPS = 20_000
_MOST_BUILT = 2_000_000
_MOST_SIZE = 100_000
_MOST_SECONDS = 5.0
_MOST_RANGE = 1_000
_MOST_INTEGER = 2**53


def _words(names: str) -> frozenset[str]:
    return frozenset(names.split())


_STRING_METHODS = _words(
    "capitalize count endswith find index isalnum isalpha isdigit islower isnumeric isspace "
    "isupper join lower lstrip removeprefix removesuffix replace rfind rindex rsplit rstrip "
    "split splitlines startswith strip title upper"
)
_MAPPING_METHODS = frozenset(("get", "items", "keys", "values"))
_LOOP_ATTRIBUTES = _words(
    "changed cycle depth depth0 first index index0 last length nextitem previtem revindex revindex0"
)
# Filters whose result is no larger than what goes in. Those that grow are written below.
_PLAIN_FILTERS = _words(
    "abs capitalize count d default dictsort e escape first float int items last length list "
    "lower map max min reject rejectattr reverse safe select selectattr sort string sum "
    "title trim unique upper"
)
_TESTS = _words(
    "!= < <= == > >= boolean callable defined divisibleby eq equalto even false float ge gt "
    "in integer iterable le lessthan greaterthan lower lt mapping ne none number odd sameas "
    "sequence string true undefined upper"
)
# Fixed, so that a prompt is the same tomorrow: the date Llama's template falls back to.
_DATE = {
    "%Y": "2024",
    "%y": "24",
    "%m": "07",
    "%B": "July",
    "%b": "Jul",
    "%d": "26",
    "%-d": "26",
    "%e": "26",
    "%A": "Friday",
    "%a": "Fri",
    "%H": "00",
    "%I": "12",
    "%p": "AM",
    "%M": "00",
    "%S": "00",
    "%%": "%",
}
DATE_STRING = "26 Jul 2024"


class TemplateRaisedError(ChatTemplateError):
    """Report that a template refused the messages by its own ``raise_exception``."""


def render_template(source: str, variables: Mapping[str, Any]) -> str:
    """Render a chat template within the budget.

    Raises:
        TemplateRaisedError: the template calls ``raise_exception``.
        ChatTemplateError: it is no Jinja template, or does what a chat template need not.
    """
    if len(source) > _MOST_SOURCE:
        raise _refused(
            f"its text has {len(source):,} characters, at most {_MOST_SOURCE:,} are read"
        )
    environment = _TemplateEnvironment()
    try:
        template = environment.from_string(source)
        context = template.new_context(dict(variables))
        return environment.concat(template.root_render_func(context))
    except ChatTemplateError:
        raise
    except RecursionError as error:
        raise _refused("it is nested too deeply") from error
    except MemoryError as error:
        raise _refused("it needs too much memory") from error
    except TemplateError as error:
        raise _refused(f"{type(error).__name__}: {error}") from error
    # Whatever else a stranger's code raises is a fault of that code: this is the door.
    except Exception as error:
        raise _refused(f"{type(error).__name__}") from error


def _refused(why: str) -> ChatTemplateError:
    return ChatTemplateError(
        f"Cannot use the model's chat template: {why[:200]}.",
        hint="Use another conversion of the model, or one whose template only formats messages.",
    )


class _Budget:
    """Count what a template does, and stop it.

    The sizes bound the memory, and what one expression can take; the steps bound the
    loops; the clock is for what many expressions in one block add up to.
    """

    def __init__(self) -> None:
        self._steps = 0
        self._built = 0
        self._deadline = time.monotonic() + _MOST_SECONDS

    def step(self) -> str:
        self._steps += 1
        if self._steps > _MOST_STEPS:
            raise _refused(f"it makes more than {_MOST_STEPS:,} steps")
        if time.monotonic() > self._deadline:
            raise _refused(f"it runs for more than {_MOST_SECONDS:.0f} seconds")
        return ""

    def build(self, size: int) -> None:
        """Count something that is about to be built."""
        self._built += size
        if size > _MOST_SIZE:
            raise _refused(f"it builds a value of more than {_MOST_SIZE:,} characters")
        if self._built > _MOST_BUILT:
            raise _refused(f"it builds more than {_MOST_BUILT:,} characters")


class _CountingGenerator(CodeGenerator):
    """Jinja's compiler, with a step in every block and a check on everything built."""

    def blockvisit(self, statements: Iterable[nodes.Node], frame: Frame) -> None:
        self.writeline("environment.step()")
        super().blockvisit(statements, frame)

    def visit_Concat(self, node: nodes.Concat, frame: Frame) -> None:  # noqa: N802
        self.write("environment.join((")
        for part in node.nodes:
            self.visit(part, frame)
            self.write(", ")
        self.write("))")

    def visit_List(self, node: nodes.List, frame: Frame) -> None:  # noqa: N802
        self._counted(super().visit_List, node, frame)

    def visit_Dict(self, node: nodes.Dict, frame: Frame) -> None:  # noqa: N802
        self._counted(super().visit_Dict, node, frame)

    def visit_Tuple(self, node: nodes.Tuple, frame: Frame) -> None:  # noqa: N802
        if node.ctx == "load":
            self._counted(super().visit_Tuple, node, frame)
        else:
            super().visit_Tuple(node, frame)

    def visit_Getitem(self, node: nodes.Getitem, frame: Frame) -> None:  # noqa: N802
        if isinstance(node.arg, nodes.Slice):
            self._counted(super().visit_Getitem, node, frame)
        else:
            super().visit_Getitem(node, frame)

    def _counted(self, visit: Callable[[Any, Frame], None], node: nodes.Node, frame: Frame) -> None:
        self.write("environment.counted(")
        visit(node, frame)
        self.write(")")


class _GenerationExtension(Extension):
    """Accept ``{% generation %}``, which marks text for training and prints it as it is."""

    tags = {"generation"}  # noqa: RUF012

    def parse(self, parser: Parser) -> nodes.Node | list[nodes.Node]:
        """Return the statements inside the tag."""
        next(parser.stream)
        return parser.parse_statements(("name:endgeneration",), drop_needle=True)


class _TemplateEnvironment(ImmutableSandboxedEnvironment):
    """Jinja with a list of what is allowed, for one rendering."""

    code_generator_class = _CountingGenerator
    intercepted_binops = frozenset(("+", "-", "*", "/", "//", "%", "**"))
    intercepted_unops = frozenset()

    def __init__(self) -> None:
        super().__init__(
            trim_blocks=True,
            lstrip_blocks=True,
            # Folding constants would build them outside of the budget.
            optimized=False,
            autoescape=False,
            finalize=self._text,
            cache_size=0,
            extensions=[LoopControlExtension, _GenerationExtension],
        )
        self._budget = _Budget()
        self.globals = {
            "dict": self._new_dict,
            "namespace": Namespace,
            "raise_exception": _raise_exception,
            "range": self._new_range,
            "strftime_now": _strftime_now,
        }
        self.filters = {name: self._checked(self.filters[name]) for name in _PLAIN_FILTERS}
        self.filters |= {
            "indent": self._indent,
            "join": self._join_items,
            "replace": self._replace,
            "tojson": self._to_json,
        }
        self.tests = {name: self.tests[name] for name in _TESTS}
        self._functions = (*self.globals.values(),)

    # Called by the compiled template.

    def step(self) -> None:
        """Count one block of statements."""
        self._budget.step()

    def join(self, parts: Iterable[object]) -> str:
        """Join what ``~`` joins."""
        return self.concat(self._text(part) for part in parts)

    def counted(self, value: Any) -> Any:
        """Count a list or mapping that was just built, through all its levels."""
        self._budget.build(_weight(value))
        return value

    def concat(self, parts: Iterable[str]) -> str:
        """Join the output of a block."""
        texts = []
        for part in parts:
            self._budget.build(len(part))
            texts.append(part)
        return "".join(texts)

    def call_binop(self, context: Context, operator: str, left: Any, right: Any) -> Any:
        """Calculate, unless the result would be large."""
        if operator == "+" and isinstance(left, str) and isinstance(right, str):
            self._budget.build(len(left) + len(right))
            return left + right
        if operator == "+" and isinstance(left, list | tuple):
            return self.counted(left + right)
        if operator == "*" and isinstance(left, str) and isinstance(right, int):
            self._budget.build(len(left) * max(0, right))
            return left * right
        for operand in (left, right):
            if not isinstance(operand, int | float) or abs(operand) > _MOST_INTEGER:
                raise _refused(f"it calculates {operator} with something that is no small number")
        if operator == "**" and abs(right) > 64:
            raise _refused("it raises to a high power")
        return super().call_binop(context, operator, left, right)

    def getattr(self, obj: Any, attribute: str) -> Any:
        """Look up what stands behind a dot."""
        if isinstance(obj, Undefined):
            # Raises, and says what is missing.
            return getattr(obj, attribute)
        if isinstance(obj, Mapping) and attribute in obj:
            return obj[attribute]
        if isinstance(obj, Namespace):
            # Jinja's namespace answers for its own names only.
            return self._namespace_value(obj, attribute)
        if isinstance(obj, LoopContext):
            if attribute in _LOOP_ATTRIBUTES:
                return getattr(obj, attribute)
        elif isinstance(obj, str):
            if attribute in _STRING_METHODS:
                return getattr(obj, attribute)
        elif isinstance(obj, dict) and attribute in _MAPPING_METHODS:
            return getattr(obj, attribute)
        if attribute.startswith("_") or hasattr(obj, attribute):
            raise _refused(f'it reads the attribute "{attribute}" of a {type(obj).__name__}')
        return self.undefined(obj=obj, name=attribute)

    def getitem(self, obj: Any, argument: Any) -> Any:
        """Look up what stands in brackets."""
        if isinstance(obj, Namespace):
            return self._namespace_value(obj, str(argument))
        if isinstance(obj, Undefined):
            return obj[argument]
        if isinstance(obj, str | list | tuple | dict):
            try:
                return obj[argument]
            except (LookupError, TypeError):
                pass
        if isinstance(argument, str):
            return self.getattr(obj, argument)
        return self.undefined(obj=obj, name=argument)

    def call(self, context: Context, obj: Any, *args: Any, **kwargs: Any) -> Any:
        """Call a macro, a listed function or a listed method."""
        if isinstance(obj, Macro) or obj in self._functions:
            return context.call(obj, *args, **kwargs)
        owner = getattr(obj, "__self__", None)
        if isinstance(obj, BuiltinMethodType):
            # What Jinja passes along for functions that want the context.
            kwargs = {name: value for name, value in kwargs.items() if name[0] != "_"}
            return self._call_method(obj, owner, args, kwargs)
        if isinstance(obj, LoopContext) or isinstance(owner, LoopContext):
            return context.call(obj, *args, **kwargs)
        if isinstance(obj, Undefined):
            # Raises, and says what is missing.
            return obj()
        raise _refused(f"it calls a {type(obj).__name__}")

    def _call_method(
        self, method: Any, owner: object, args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> Any:
        name = method.__name__
        if isinstance(owner, str) and name in _STRING_METHODS:
            if name == "replace":
                return self._replace(owner, *args, **kwargs)
            if name == "join":
                return self._join_items(args[0], owner)
            self._budget.build(len(owner))
            return method(*args, **kwargs)
        if isinstance(owner, dict) and name in _MAPPING_METHODS:
            return method(*args, **kwargs)
        raise _refused(f'it calls "{name}"')

    # Filters and functions that can grow, each bounded before it builds.

    def _checked(self, function: Callable[..., Any]) -> Callable[..., Any]:
        """Bound a listed filter: what goes in is counted, and what comes out of a generator."""
        # Jinja puts a context before the value when a filter carries this mark.
        mark = getattr(function, "jinja_pass_arg", None)

        def checked(*args: Any, **kwargs: Any) -> Any:
            for argument in (*args[mark is not None :], *kwargs.values()):
                self._budget.build(_weight(argument))
            result = function(*args, **kwargs)
            # Made a list, so that what is counted is what is used.
            return self.counted(list(result)) if isinstance(result, Iterator) else result

        if mark is not None:
            checked.jinja_pass_arg = mark  # type: ignore[attr-defined]
        return checked

    def _text(self, value: object) -> str:
        if isinstance(value, str):
            return value
        self._budget.build(_weight(value))
        return str(value)

    def _replace(self, text: object, old: str, new: str, count: int = -1) -> str:
        text, old, new = self._text(text), self._text(old), self._text(new)
        count = -1 if count is None else count
        found = text.count(old) if count < 0 else min(count, text.count(old))
        self._budget.build(len(text) + found * max(0, len(new) - len(old)))
        return text.replace(old, new, count)

    def _join_items(
        self, items: Iterable[object], separator: object = "", attribute: str | None = None
    ) -> str:
        if attribute is not None:
            items = [self.getattr(item, attribute) for item in items]
        texts = [self._text(item) for item in items]
        separator = self._text(separator)
        self._budget.build(sum(map(len, texts)) + len(separator) * len(texts))
        return separator.join(texts)

    def _indent(
        self, text: object, width: int | str = 4, first: bool = False, blank: bool = False
    ) -> str:
        margin = width if isinstance(width, str) else " " * min(int(width), _MOST_RANGE)
        lines = self._text(text).split("\n")
        self._budget.build(sum(map(len, lines)) + (len(margin) + 1) * len(lines))
        return "\n".join(
            margin + line if (line or blank) and (number or first) else line
            for number, line in enumerate(lines)
        )

    def _to_json(
        self,
        value: object,
        ensure_ascii: bool = False,
        indent: int | None = None,
        separators: tuple[str, str] | None = None,
        sort_keys: bool = False,
    ) -> str:
        self._budget.build(_weight(value))
        if indent is not None and not 0 <= indent <= 16:
            raise _refused("it indents JSON by more than 16")
        return json.dumps(
            value,
            ensure_ascii=ensure_ascii,
            indent=indent,
            separators=separators,
            sort_keys=sort_keys,
        )

    def _new_range(self, *bounds: int) -> list[int]:
        numbers = range(*bounds)
        if len(numbers) > _MOST_RANGE:
            raise _refused(f"it counts over more than {_MOST_RANGE:,} numbers")
        return self.counted(list(numbers))  # type: ignore[no-any-return]

    def _new_dict(self, *args: Any, **kwargs: Any) -> dict[Any, Any]:
        return self.counted(dict(*args, **kwargs))  # type: ignore[no-any-return]

    def _namespace_value(self, namespace: Namespace, name: str) -> Any:
        # A namespace answers for what the template put in it, and for its own insides.
        if name.startswith("_"):
            raise _refused(f'it reads the attribute "{name}" of a namespace')
        try:
            return getattr(namespace, name)
        except AttributeError:
            return self.undefined(obj=namespace, name=name)


def _weight(value: object) -> int:
    """Count the characters and elements of a value, shared parts as often as they occur."""
    total = 0
    pending: list[object] = [value]
    while pending:
        one = pending.pop()
        total += 1
        if isinstance(one, str):
            total += len(one)
        elif isinstance(one, Mapping):
            pending.extend(one.keys())
            pending.extend(one.values())
        elif isinstance(one, list | tuple | KeysView | ValuesView | ItemsView):
            pending.extend(one)
        elif not isinstance(one, bool | int | float | Undefined | None):
            # Writing out a namespace or a loop would write out all it holds.
            raise _refused(f"it uses a {type(one).__name__} as a value")
        if total > _MOST_SIZE:
            break
    return total


def _raise_exception(message: object = "") -> str:
    raise TemplateRaisedError(
        f'The model\'s chat template does not take these messages: "{str(message)[:200]}".'
    )


def _strftime_now(pattern: str) -> str:
    """Write the fixed date; months and days in English whatever the locale."""

    def directive(match: re.Match[str]) -> str:
        if match[0] not in _DATE:
            raise _refused(f'it asks for "{match[0]}" of the date')
        return _DATE[match[0]]

    return re.sub(r"%-?.?", directive, str(pattern)[:200])
