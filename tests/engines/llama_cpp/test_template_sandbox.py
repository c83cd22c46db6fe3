from __future__ import annotations

import sys
import time
from pathlib import Path

import pytest

from localensemble.core.errors import ChatTemplateError
from localensemble.engines.llama_cpp import template_sandbox
from localensemble.engines.llama_cpp.template_sandbox import TemplateRaisedError, render_template
from localensemble.privacy.egress import guarded_launcher

pytestmark = pytest.mark.slow  # starts a process for each template

MESSAGES = {"messages": [{"role": "user", "content": "hello"}], "bos_token": "<s>"}

GROWS = {
    "string by tilde": "{% set n = namespace(s='x') %}{% for i in range(60) %}"
    "{% set n.s = n.s ~ n.s %}{% endfor %}",
    "string by plus": "{% set n = namespace(s='x') %}{% for i in range(60) %}"
    "{% set n.s = n.s + n.s %}{% endfor %}",
    "string by times": "{{ 'x' * 1000000000 }}",
    "string by times in steps": "{% set n = namespace(s='x') %}{% for i in range(30) %}"
    "{% set n.s = n.s * 10 %}{% endfor %}",
    "string by block": "{% set n = namespace(s='x') %}{% for i in range(60) %}"
    "{% set t %}{{ n.s }}{{ n.s }}{% endset %}{% set n.s = t %}{% endfor %}",
    "string by macro": "{% macro m(s, d) %}{% if d %}{{ m(s ~ s, d - 1) }}{% endif %}{% endmacro %}"
    "{{ m('x', 60) }}",
    "string by replace": "{% set n = namespace(s='x') %}{% for i in range(60) %}"
    "{% set n.s = n.s | replace('x', 'xx') %}{% endfor %}",
    "string by replace method": "{% set n = namespace(s='x') %}{% for i in range(60) %}"
    "{% set n.s = n.s.replace('x', 'xx') %}{% endfor %}",
    "string by join": "{% set n = namespace(s='x') %}{% for i in range(60) %}"
    "{% set n.s = [n.s, n.s] | join(n.s) %}{% endfor %}",
    "string by join method": "{% set n = namespace(s='x') %}{% for i in range(60) %}"
    "{% set n.s = n.s.join([n.s, n.s]) %}{% endfor %}",
    "string by indent": "{{ ('a\n' * 900) | indent(900) }}" * 9,
    "string by json": "{{ range(900) | list | tojson(indent=1000000000) }}",
    "string by format": "{{ '%1000000000d' % 1 }}",
    "string by center": "{{ 'x' | center(1000000000) }}",
    "string by method": "{{ 'x'.ljust(1000000000) }}",
    "string by date": "{{ strftime_now('%1000000000Y') }}",
    "list by plus": "{% set n = namespace(l=[1]) %}{% for i in range(60) %}"
    "{% set n.l = n.l + n.l %}{% endfor %}",
    "list by nesting": "{% set n = namespace(l=[1]) %}{% for i in range(60) %}"
    "{% set n.l = [n.l, n.l] %}{% endfor %}{{ n.l }}",
    "tuple by nesting": "{% set n = namespace(a=(1,), b=(1,)) %}{% for i in range(60) %}"
    "{% set n.a = (n.a, n.a) %}{% set n.b = (n.b, n.b) %}{% endfor %}{{ n.a == n.b }}",
    "mapping by nesting": "{% set n = namespace(l={}) %}{% for i in range(60) %}"
    "{% set n.l = {'a': n.l, 'b': n.l} %}{% endfor %}{{ n.l }}",
    "namespace by nesting": "{% set n = namespace(m=namespace()) %}{% for i in range(60) %}"
    "{% set n.m = namespace(a=n.m, b=n.m) %}{% endfor %}{{ n.m }}",
    "slices": "{% set n = namespace(l=[]) %}{% set s = 'x' * 90000 %}{% for i in range(60) %}"
    "{% set n.l = n.l + [s[1:]] %}{% endfor %}",
    "number": "{{ 9 ** 999999999 }}",
    "number in steps": "{% set n = namespace(x=9) %}{% for i in range(60) %}"
    "{% set n.x = n.x * n.x %}{% endfor %}",
    "output": "{% set s = 'x' * 90000 %}" + "{{ s }}" * 60,
    "words": "{{ lipsum(100000) }}",
}

RUNS_ON = {
    "large range": "{% for i in range(1000000000) %}{% endfor %}",
    "nested ranges": "{% for i in range(999) %}{% for j in range(999) %}{% for k in range(999) %}"
    "{% endfor %}{% endfor %}{% endfor %}",
    "macro without end": "{% macro m() %}{{ m() }}{% endmacro %}{{ m() }}",
    "macro that branches": "{% macro m(d) %}{% if d %}{{ m(d - 1) }}{{ m(d - 1) }}{% endif %}"
    "{% endmacro %}{{ m(60) }}",
    "recursive loop": "{% for m in messages recursive %}{{ loop(messages) }}{% endfor %}",
    "deep brackets": "{{ " + "(" * 5000 + "1" + ")" * 5000 + " }}",
    "deep sums": "{{ " + "1+" * 20_000 + "1 }}",
    "long source": "x" * 300_000,
    "sleep": "{{ sleep(10) }}",
    "sleep of a module": "{{ self.__init__.__globals__.time.sleep(10) }}",
}

READS = {
    "class": "{{ ''.__class__ }}",
    "class in brackets": "{{ ''['__class__'] }}",
    "class by filter": "{{ '' | attr('__class__') }}",
    "class by map": "{{ messages | map(attribute='__class__') | list }}",
    "class by join": "{{ messages | join(attribute='__class__') }}",
    "class of messages": "{{ messages.__class__.__mro__ }}",
    "globals of a function": "{{ raise_exception.__globals__ }}",
    "globals of a method": "{{ namespace.__init__.__globals__ }}",
    "namespace insides": "{{ namespace(a=1)['_Namespace__attrs'] }}",
    "template": "{{ self._TemplateReference__context }}",
    "loop insides": "{% for m in messages %}{{ loop._iterable }}{% endfor %}",
    "macro insides": "{% macro m() %}{% endmacro %}{{ m._func }}",
    "list method": "{{ messages.append(1) }}",
    "mapping method": "{{ messages[0].update(a=1) }}",
    "format method": "{{ '{0.__class__}'.format('') }}",
    "format as a value": "{{ ['{0.__class__}'] | map('format', '') | list }}",
    "include": "{% include 'other' %}",
    "import": "{% import 'other' as o %}",
    "extends": "{% extends 'other' %}",
    "environment": "{{ environment }}{{ environment.call }}",
    "cycler": "{{ cycler('a') }}",
    "print of a function": "{{ raise_exception }}",
    "chance": "{{ ['a', 'b'] | random }}",
}


@pytest.fixture(autouse=True)
def _little_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """Half of the usual time: what runs on does not end in it either."""
    monkeypatch.setattr(template_sandbox, "_MOST_PROCESSOR_SECONDS", 1)


@pytest.mark.skipif(sys.platform != "linux", reason="needs a system that bounds memory")
@pytest.mark.parametrize("source", GROWS.values(), ids=GROWS.keys())
def test_a_template_that_grows_without_bound_is_refused(source: str) -> None:
    with pytest.raises(ChatTemplateError, match="Cannot use the model's chat template"):
        render_template(source, MESSAGES)


@pytest.mark.parametrize("source", RUNS_ON.values(), ids=RUNS_ON.keys())
def test_a_template_that_runs_on_or_sleeps_is_refused(source: str) -> None:
    with pytest.raises(ChatTemplateError, match="Cannot use the model's chat template"):
        render_template(source, MESSAGES)


@pytest.mark.parametrize("source", READS.values(), ids=READS.keys())
def test_a_template_that_reaches_for_python_is_refused(source: str) -> None:
    with pytest.raises(ChatTemplateError, match="Cannot use the model's chat template"):
        render_template(source, MESSAGES)


def test_a_process_that_does_not_end_is_not_waited_for_for_ever_nor_blamed_on_the_template(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(template_sandbox, "_MOST_SECONDS", 0.5)
    monkeypatch.setattr(template_sandbox, "_MOST_PROCESSOR_SECONDS", 60)
    began = time.monotonic()
    with pytest.raises(ChatTemplateError, match="did not end in 0 s") as caught:
        render_template(RUNS_ON["nested ranges"], MESSAGES)
    assert "busy" in caught.value.hint
    assert time.monotonic() - began < 30


def _late(folder: Path, monkeypatch: pytest.MonkeyPatch, wait: str) -> tuple[str, ...]:
    """Return a launcher that starts the module after a wait that uses no processor time."""
    (folder / "late.py").write_text(
        f"import importlib, signal, os, sys, time\n{wait}\n"
        "importlib.import_module(sys.argv[1]).main()\n",
        encoding="utf-8",
    )
    monkeypatch.setenv("PYTHONPATH", str(folder))
    return ("late",)


def test_a_process_that_gets_no_processor_for_11_seconds_refuses_no_template(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    launcher = _late(tmp_path, monkeypatch, "time.sleep(11)")
    assert render_template("{{ bos_token }}", MESSAGES, launcher=launcher) == "<s>"


@pytest.mark.parametrize("jump", [8 * 3600.0, -8 * 3600.0])
def test_a_clock_that_jumps_refuses_no_template(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, jump: float
) -> None:
    launcher = _late(tmp_path, monkeypatch, "time.sleep(1)")
    times = iter(range(10_000))
    monkeypatch.setattr(time, "monotonic", lambda: next(times) * jump)
    assert render_template("{{ bos_token }}", MESSAGES, launcher=launcher) == "<s>"


@pytest.mark.skipif(sys.platform == "win32", reason="needs POSIX signals")
def test_a_process_that_was_stopped_and_goes_on_refuses_no_template(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    wait = (
        "if os.fork() == 0:\n"
        "    time.sleep(1); os.kill(os.getppid(), signal.SIGCONT); os._exit(0)\n"
        "os.kill(os.getpid(), signal.SIGSTOP)"
    )
    launcher = _late(tmp_path, monkeypatch, wait)
    assert render_template("{{ bos_token }}", MESSAGES, launcher=launcher) == "<s>"


def test_what_is_rendered_is_bounded_on_every_system() -> None:
    with pytest.raises(ChatTemplateError, match="writes more than 200,000 characters"):
        render_template("{{ 'x' * 70000 }}" * 3, MESSAGES)


def test_the_process_that_renders_is_guarded_when_the_program_is() -> None:
    assert render_template("{{ bos_token }}", MESSAGES, launcher=guarded_launcher()) == "<s>"
    # A launcher that starts nothing: whatever ends the process, the template is refused.
    with pytest.raises(ChatTemplateError, match="too much processor time or memory"):
        render_template("{{ bos_token }}", MESSAGES, launcher=("no_such_module",))


def test_letters_of_every_script_come_back_as_they_were() -> None:
    text = "\ud800 é 中 😀\x00"
    assert render_template("{{ a }}" + text, {"a": text}) == text * 2


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("{{ bos_token }}{{ messages[0].content }}", "<s>hello"),
        ("{{ messages[0]['content'] | trim | upper }}", "HELLO"),
        ("{{ messages[0].get('name', 'none') }}", "none"),
        ("{% for m in messages %}{{ loop.index }}{{ loop.last }}{% endfor %}", "1True"),
        ("{% for m in messages %}{% if m.x %}a{% else %}{% break %}{% endif %}{% endfor %}", ""),
        ("{% set n = namespace(a='') %}{% set n.a = n.a ~ 1 %}{{ n.a }}{{ n.b }}", "1"),
        ("{{ [1, 'a', none] | tojson }}", '[1, "a", null]'),
        ("{{ {'a': 'é'} | tojson(indent=1) }}", '{\n "a": "é"\n}'),
        (
            "{{ strftime_now('%d %b %Y') }}, {{ strftime_now('%Y-%m-%d') }}",
            "26 Jul 2024, 2024-07-26",
        ),
        ("{{ 'a-b'.split('-') | join('+') }}", "a+b"),
        ("{{ '-' * 3 ~ (1 + 2 * 3) }}", "---7"),
        ("{{ messages | map(attribute='role') | join(',') }}", "user"),
        ("{{ messages | selectattr('role', 'equalto', 'user') | list | length }}", "1"),
        ("{{ messages | rejectattr('role', 'equalto', 'user') | list | count }}", "0"),
        ("{{ 'a\nb' | indent(2) }}|{{ 'a\nb' | indent(2, true) }}", "a\n  b|  a\n  b"),
        ("{{ 'aXb' | replace('X', '-') }}{{ 'aXb'.replace('X', '') }}", "a-bab"),
        ("{% if tools %}tools{% endif %}{{ missing }}{{ missing is defined }}", "False"),
        ("{% generation %}{{ 1 }}{% endgeneration %}", "1"),
        ("{% macro m(a) %}[{{ a }}]{% endmacro %}{{ m(1) }}{{ m(a=2) }}", "[1][2]"),
        ("{% macro m() %}[{{ caller() }}]{% endmacro %}{% call m() %}1{% endcall %}", "[1]"),
        ("{%- for k, v in {'a': 1}.items() %}{{ k }}{{ v }}{% endfor %}", "a1"),
        ("{%- for k, v in {'a': 1} | items %}{{ k }}{{ v }}{% endfor %}", "a1"),
        ("{{ dict(a=1).a }}{{ range(3) | list }}{{ messages[::-1] | length }}", "1[0, 1, 2]1"),
        ("  {% if true %}\n  x\n  {% endif %}\n", "  x\n"),
    ],
)
def test_what_chat_templates_do_is_allowed(source: str, expected: str) -> None:
    assert render_template(source, MESSAGES) == expected


def test_a_refusal_by_the_template_itself_is_told_apart() -> None:
    with pytest.raises(TemplateRaisedError, match='"System role not supported"'):
        render_template("{{ raise_exception('System role not supported') }}", MESSAGES)


def test_what_is_no_template_is_refused_with_what_jinja_says() -> None:
    with pytest.raises(ChatTemplateError, match="TemplateSyntaxError"):
        render_template("{% if %}", MESSAGES)
