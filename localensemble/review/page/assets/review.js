// Keys, the mark of the current question, and finding words in the text. Everything else works
// without this script.
"use strict";

const main = document.getElementById("main");
const form = document.getElementById("answers");
const unanswered = document.getElementById("unanswered");
const announcement = document.getElementById("announcement");
const isSingle = main?.dataset.single === "yes";
const hasRows = main?.dataset.rows === "yes";
const asks = main?.dataset.page === "item";
const questions = [...document.querySelectorAll("[data-question]")];
let sent = false;

function announce(words) {
  announcement.textContent = words;
}

function isTextField(element) {
  return element.matches(
    "textarea, select, [contenteditable], input:not([type=radio], [type=checkbox], [type=submit])"
  );
}

function chosenIn(question) {
  return question.querySelector("input:checked");
}

// A question is done once something is chosen, or answered before: then nothing is chosen in advance.
function isDone(question) {
  return Boolean(chosenIn(question)) || "answered" in question.dataset;
}

function currentQuestion() {
  const focused = document.activeElement?.closest?.("[data-question]");
  // After the answers, several questions have no order in which they are changed.
  if (focused || (!asks && !isSingle)) return focused;
  return questions.find((one) => !isDone(one)) ?? questions.at(-1);
}

function markCurrent() {
  if (questions.length < 2) return null;
  const current = asks ? questions.find((one) => !isDone(one)) : null;
  for (const one of questions) one.classList.toggle("current", one === current);
  return current;
}

function leadTo(question) {
  question?.scrollIntoView({ block: "nearest" });
}

function send() {
  if (sent || !form) return;
  form.requestSubmit(document.getElementById("save"));
}

// Say which questions have no answer yet, and lead to the first; false if there is none.
function leadsToOpen() {
  const open = asks ? questions.filter((one) => !isDone(one)) : [];
  sayOpen(open);
  if (!open.length) return false;
  open[0].querySelector("input").focus();
  leadTo(open[0]);
  return true;
}

function sayOpen(open) {
  const names = open.map((one) => one.querySelector(".name").textContent).join(", ");
  unanswered.textContent = isSingle ? "Choose an answer first." : `Still to answer: ${names}.`;
  unanswered.hidden = !open.length;
  if (open.length) announce(unanswered.textContent);
}

function choose(input) {
  input.checked = true;
  const folded = input.closest("details");
  if (folded) folded.open = true;
  const words = input.closest("label").querySelector("[dir]")?.textContent ?? "";
  announce(`${words} chosen.`);
  changed();
  if (!asks) input.closest("label").scrollIntoView({ block: "center" });
  if (isSingle && asks) send();
}

function changed() {
  leadTo(markCurrent());
  if (!unanswered.hidden) sayOpen(questions.filter((one) => !isDone(one)));
  const kept = document.querySelector("[data-kept]");
  if (kept) {
    const changes = questions.some((one) => (chosenIn(one)?.value ?? one.dataset.answered) !== one.dataset.answered);
    kept.textContent = changes ? "Change and go on" : "Keep and go on";
  }
}

function answerKey(key) {
  if (hasRows || isSingle) return form?.querySelector(`input[data-key="${CSS.escape(key)}"]`);
  return currentQuestion()?.querySelector(`input[data-key="${CSS.escape(key)}"]`);
}

function command(key, isShifted) {
  const press = (id) => () => document.getElementById(id)?.click();
  const special = (value) => () => {
    const input = currentQuestion()?.querySelector(`input[value="${value}"]`);
    if (input) choose(input);
  };
  const commands = {
    x: special("x"),
    c: special("c"),
    f: press("flag"),
    u: press("undo"),
    n: press("next"),
    p: press("previous"),
    h: toggleCodebook,
  };
  const isTaken = form?.querySelector(`input[data-key="${CSS.escape(key)}"][type=radio]:not([value=x], [value=c])`);
  return isShifted || !isTaken ? commands[key] : undefined;
}

function toggleCodebook() {
  const entries = [...document.querySelectorAll("details.codebook")];
  const isOpen = entries.every((one) => one.open);
  for (const one of entries) one.open = !isOpen;
  announce(isOpen ? "Codebook entry hidden." : "Codebook entry shown.");
}

document.addEventListener("keydown", (event) => {
  const target = event.target;
  const control = event.ctrlKey || event.metaKey;
  const name = event.key.length === 1 ? event.key.toLowerCase() : event.key;
  if (control && name === "s") {
    event.preventDefault(); // every answer is saved already
    return;
  }
  if (isTextField(target)) {
    if (control && name === "Enter" && target.form === form) send();
    if (name === "Escape") target.blur();
    return;
  }
  if (document.querySelector("dialog[open]") || event.altKey || event.repeat) return;
  if (control) {
    if (name === "z" && !event.shiftKey) {
      event.preventDefault();
      document.getElementById("undo")?.click();
    }
    return;
  }
  const act = actionOf(event, name);
  if (act) {
    event.preventDefault();
    act();
  }
});

function actionOf(event, name) {
  const control = event.target.closest("button, a, summary");
  if (name === "Enter") {
    if (control) return undefined; // the focused control answers
    const start = document.getElementById("start");
    return form ? send : start ? () => start.click() : undefined;
  }
  if (name === " ") {
    const later = document.getElementById("later");
    return !control && !event.target.matches("input") && later ? () => later.click() : undefined;
  }
  if (name === "?") return () => document.getElementById("keys")?.showModal();
  if (name === "/") {
    const field = document.getElementById("find") ?? document.getElementById("search");
    return field ? () => field.focus() : undefined;
  }
  if (!event.target.matches("input[type=radio]")) {
    if (name === "ArrowRight") return () => document.getElementById("next")?.click();
    if (name === "ArrowLeft") return () => document.getElementById("previous")?.click();
  }
  if (!event.shiftKey) {
    const input = answerKey(name);
    if (input) return () => choose(input);
  }
  return command(name, event.shiftKey);
}

form?.addEventListener("change", changed);
form?.addEventListener("click", (event) => {
  // A click of the mouse or finger answers at once. Arrow keys in a group only move.
  const isPointed = event.detail > 0;
  const input = event.target.closest("label.choice")?.querySelector("input");
  if (isSingle && asks && isPointed && event.target !== input && input?.closest("[data-question]")) {
    event.preventDefault();
    choose(input);
  } else if (isSingle && asks && isPointed && event.target === input && input.closest("[data-question]")) {
    choose(input);
  }
});
form?.addEventListener("submit", (event) => {
  if (sent || leadsToOpen()) event.preventDefault();
  else sent = true;
});
window.addEventListener("pageshow", (event) => {
  sent = false;
  if (event.persisted) location.reload(); // an old page must not ask again
});
document.getElementById("help")?.addEventListener("click", () => {
  document.getElementById("keys").showModal();
});

// Find in the text

const text = document.getElementById("text");
const field = document.getElementById("find");
const plain = text?.textContent ?? "";
const asLoaded = [...(text?.childNodes ?? [])];
let marks = [];
let here = -1;

function find(words) {
  const parts = [];
  const wanted = words.toLocaleLowerCase();
  const searched = plain.toLocaleLowerCase();
  marks = [];
  here = -1;
  let from = 0;
  // Lower case can be longer, as of "İ"; then places do not match, and nothing is marked.
  while (wanted && searched.length === plain.length && marks.length < 1000) {
    const at = searched.indexOf(wanted, from);
    if (at < 0) break;
    const mark = document.createElement("mark");
    mark.textContent = plain.slice(at, at + wanted.length);
    parts.push(plain.slice(from, at), mark);
    marks.push(mark);
    from = at + wanted.length;
  }
  // Without words to find, what the raters quoted is marked again.
  text.replaceChildren(...(wanted ? [...parts, plain.slice(from)] : asLoaded));
  show(words ? 0 : -1);
}

function show(place) {
  marks[here]?.classList.remove("here");
  here = marks.length ? (place + marks.length) % marks.length : -1;
  marks[here]?.classList.add("here");
  marks[here]?.scrollIntoView({ block: "center" });
  const found = marks.length ? `${here + 1} of ${marks.length}` : "none";
  document.getElementById("found").textContent = field.value ? found : "";
}

field?.addEventListener("input", () => find(field.value));
field?.addEventListener("keydown", (event) => {
  if (event.key === "Enter") {
    event.preventDefault();
    show(here + (event.shiftKey ? -1 : 1));
  } else if (event.key === "Escape") {
    field.value = "";
    find("");
  }
});

// What only works with the script is hidden without it.
for (const one of document.querySelectorAll(".find, #help")) one.hidden = false;
const first = markCurrent();
if (first !== questions[0]) leadTo(first); // above the first question stand the messages
if (main && !document.querySelector("[autofocus]")) main.focus({ preventScroll: true });
// After a moment, so that a screen reader notices a change.
setTimeout(() => {
  if (main?.dataset.announce) announce(main.dataset.announce.trim());
}, 100);
