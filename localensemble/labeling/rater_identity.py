"""The identity of a model rater: everything that can change a digit of its labels."""

from __future__ import annotations

from localensemble.core.identity import sha256_text
from localensemble.core.raters import RaterIdentity
from localensemble.engines.protocol import Engine, EngineDescription
from localensemble.labeling.category_orders import most_orders
from localensemble.labeling.packing import BLOCK_SIZE
from localensemble.labeling.scoring import Questions
from localensemble.prompting.template import PromptTemplate
from localensemble.study.run_record import variables_content


def rater_identity(engine: Engine, questions: Questions) -> RaterIdentity:
    """Return everything that can change a digit of the labels that an engine gives in a run."""
    described = engine.describe()
    template, variables = questions.template, questions.variables
    return RaterIdentity(
        engine=described.engine,
        engine_version=described.engine_version,
        model_name=described.model_name,
        model_sha256=described.model_sha256,
        chat_template_sha256=described.chat_template_sha256,
        prompt_template=template.full_name,
        prompt_template_sha256=template.sha256,
        codebook_sha256=sha256_text(variables_content(variables)),
        layout=questions.layout,
        settings=(
            *described.settings,
            ("block_size", str(BLOCK_SIZE)),
            *_prefix_rule(described.prefix_rule, questions),
            *_readout_settings(template, described),
            *_order_settings(questions),
            *_role_settings(questions),
            *(() if template.shots is None else template.shots.identity),
            *_deidentified(questions),
        ),
    )


def _prefix_rule(rule: str, questions: Questions) -> tuple[tuple[str, str], ...]:
    # Only where it can change a digit, so that it makes no other raters elsewhere.
    begin_others = questions.template.has_answers_that_begin_others
    concerned = rule and any(map(begin_others, questions.variables))
    return (("prefix_rule", rule),) if concerned else ()


def _readout_settings(
    template: PromptTemplate, described: EngineDescription
) -> tuple[tuple[str, str], ...]:
    # Raters that state no readout stay the raters they were.
    if template.readout is None:
        return ()
    summed = (("spellings", "summed"),) if described.sums_spellings else ()
    return (
        ("readout", template.readout),
        ("readout_sha256", template.readout_sha256),
        *summed,
    )


def _deidentified(questions: Questions) -> tuple[tuple[str, str], ...]:
    # Raters that see the texts as they are stay the raters they were.
    return (("deidentified", questions.deidentified),) if questions.deidentified else ()


def _order_settings(questions: Questions) -> tuple[tuple[str, str], ...]:
    # The number asked: more cannot change a digit.
    most = most_orders(questions.variables, at_most=questions.orders)
    return (("orders", str(most)),) if most > 1 else ()


def _role_settings(questions: Questions) -> tuple[tuple[str, str], ...]:
    # A verifier is asked about what others propose. The other roles are asked the same questions.
    by = questions.proposed_by
    return (("role", "verifier"), ("proposed_by", by)) if by else ()
