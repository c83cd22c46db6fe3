"use strict";
// One person decides the items of one worksheet. Answers are kept in this browser after every
// step and leave it only as a file. Texts are always set as text, never as markup.
(() => {
  const content = JSON.parse(document.getElementById("content").textContent);
  const { items, variables } = content;
  const STORE = `localensemble-worksheet-${content.key}`;
  const ROWS = ["1234567890", "qwertyio", "asdgjkl"]; // without keys that move: u, p, n, f, h
  const LATEST = 20; // answers that the minutes left are estimated from
  const IDLE_MS = 5 * 60 * 1000; // a longer pause is not time spent on an item
  const el = (id) => document.getElementById(id);

  // answers: item -> variable -> {decision, at, seconds}; notes: item -> text.
  const state = { answers: {}, notes: {}, order: items.map((_, i) => i), reviewer: content.reviewer, unsaved: false };
  const history = [];
  let at = 0; // place in state.order
  let keeps = true;
  let shownSince = performance.now();

  const itemAt = () => state.order[at];
  const answersOf = (item) => state.answers[item] ?? {};
  const isDone = (item) => items[item].open.every((v) => answersOf(item)[v]);
  const doneCount = () => items.filter((_, i) => isDone(i)).length;
  const answerCount = () => Object.values(state.answers).reduce((sum, one) => sum + Object.keys(one).length, 0);

  function make(tag, attributes = {}, ...children) {
    const node = document.createElement(tag);
    for (const [name, value] of Object.entries(attributes)) node.setAttribute(name, value);
    node.append(...children);
    return node;
  }

  // Shows what happened, and tells it to a screen reader together with where we are now.
  function announce(sentence, place = "") {
    el("hint").textContent = sentence;
    el("live").textContent = "";
    setTimeout(() => { el("live").textContent = [sentence, place].filter(Boolean).join(". "); }, 30);
  }

  const placeInWords = () => `Item ${at + 1} of ${items.length}${isDone(itemAt()) ? ", answered" : ""}`;

  // --- keeping answers in this browser ---

  function readKept() {
    try {
      const kept = JSON.parse(localStorage.getItem(STORE));
      if (kept && kept.order?.length === items.length) {
        Object.assign(state, kept, { reviewer: content.reviewer || kept.reviewer });
      }
      localStorage.setItem(`${STORE}-try`, "1");
      localStorage.removeItem(`${STORE}-try`);
    } catch {
      keeps = false;
    }
  }

  function keep() {
    if (!keeps) return;
    try {
      localStorage.setItem(STORE, JSON.stringify(state));
    } catch {
      keeps = false;
      showKeeping();
    }
  }

  function showKeeping() {
    el("kept").textContent = keeps
      ? "Answers are kept in this browser on this computer until you save them to a file."
      : "";
    el("forget").hidden = !keeps;
    el("notice").hidden = keeps;
    if (!keeps) {
      el("notice").textContent =
        "This browser keeps no answers of this page. Save them to a file before you close it.";
    }
  }

  // --- the item on screen ---

  function keyOf(question, place) {
    return ROWS[question]?.[place] ?? "";
  }

  function choice(variable, decision, name, key, meaning = "") {
    const button = make("button", { type: "button", class: "choice", "aria-pressed": "false" });
    button.append(key ? make("kbd", { "aria-hidden": "true" }, key) : make("span"));
    button.append(make("span", { class: "name", dir: "auto" }, name));
    button.append(make("span", { class: "mark", "aria-hidden": "true" }, "✓"));
    if (meaning) button.append(make("span", { class: "meaning", dir: "auto" }, meaning));
    if (key) button.setAttribute("aria-keyshortcuts", key);
    button.dataset.decision = decision;
    button.addEventListener("click", () => decide(variable, decision));
    return button;
  }

  function question(variable, place) {
    const asked = variables[variable];
    const group = make("fieldset", { "data-variable": variable, tabindex: "-1" });
    group.append(make("legend", { dir: "auto" }, asked.question || asked.name));
    const said = items[itemAt()].labels.find(([v]) => v === variable);
    if (said) {
      const list = make("ul", { class: "said", "aria-label": "Labels of the raters" });
      for (const [rater, word] of said[1]) list.append(make("li", { dir: "auto" }, `${rater}: ${word}`));
      group.append(list);
    }
    asked.categories.forEach((category, i) => {
      group.append(choice(variable, category.name, category.name, keyOf(place, i), category.definition));
    });
    const out = make("div", { class: "out" });
    out.append(choice(variable, content.cannotDecide, "Cannot decide", "x"));
    out.append(choice(variable, content.codebookUnclear, "Codebook unclear", "c"));
    group.append(out);
    if (asked.rules.length) {
      const rules = make("ol");
      for (const rule of asked.rules) rules.append(make("li", { dir: "auto" }, rule));
      const folded = make("details", {}, make("summary", {}, "Rules"), rules);
      folded.open = items[itemAt()].open.length === 1;
      group.append(folded);
    }
    return group;
  }

  function currentVariable() {
    const { open } = items[itemAt()];
    const focused = document.activeElement?.closest?.("fieldset[data-variable]");
    if (focused) return Number(focused.dataset.variable);
    return open.find((v) => !answersOf(itemAt())[v]) ?? open[open.length - 1];
  }

  function show({ focus = true, after = "" } = {}) {
    el("finished").hidden = true;
    el("work").hidden = false;
    const item = items[itemAt()];
    el("place").textContent = `Item ${at + 1} of ${items.length} · ${item.id}`;
    el("place").setAttribute("dir", "auto");
    el("text").parentElement.scrollTop = 0;
    el("text").textContent = item.text ?? "This file has no texts. Find the text by its id.";
    el("variables").replaceChildren(...item.open.map(question));
    el("note").value = state.notes[itemAt()] ?? "";
    refresh();
    shownSince = performance.now();
    window.scrollTo(0, 0);
    if (focus) el("place").focus({ preventScroll: true });
    announce(after, placeInWords());
  }

  function refresh() {
    const given = answersOf(itemAt());
    for (const group of document.querySelectorAll("fieldset[data-variable]")) {
      for (const button of group.querySelectorAll(".choice")) {
        const chosen = given[group.dataset.variable]?.decision === button.dataset.decision;
        button.setAttribute("aria-pressed", String(chosen));
      }
      const current = items[itemAt()].open.length > 1 && Number(group.dataset.variable) === currentVariable();
      group.toggleAttribute("data-current", current && !isDone(itemAt()));
    }
    el("done-already").hidden = !isDone(itemAt());
    el("undo").disabled = !history.length;
    el("previous").disabled = at === 0;
    showProgress();
  }

  function showProgress() {
    const done = doneCount();
    el("progress").max = items.length;
    el("progress").value = done;
    el("progress-text").textContent = `${done} of ${items.length} answered${minutesLeft(items.length - done)}`;
    el("save").disabled = answerCount() === 0;
    el("save").textContent = state.unsaved || !answerCount() ? "Save answers" : "Saved";
  }

  function minutesLeft(left) {
    const given = Object.entries(state.answers)
      .filter(([item]) => isDone(Number(item)))
      .map(([, one]) => Object.values(one))
      .map((one) => ({ last: one.map((a) => a.at).sort().at(-1), seconds: one.reduce((s, a) => s + a.seconds, 0) }))
      .sort((a, b) => (a.last < b.last ? -1 : 1))
      .slice(-LATEST)
      .map((one) => one.seconds)
      .sort((a, b) => a - b);
    if (!left || given.length < 3) return "";
    const middle = (given[(given.length - 1) >> 1] + given[given.length >> 1]) / 2;
    const minutes = Math.ceil((middle * left) / 60);
    return minutes === 1 ? " · about 1 minute left" : ` · about ${minutes} minutes left`;
  }

  // --- deciding and moving ---

  function setAnswer(item, variable, answer) {
    const given = { ...answersOf(item) };
    if (answer) given[variable] = answer;
    else delete given[variable];
    if (Object.keys(given).length) state.answers[item] = given;
    else delete state.answers[item];
    state.unsaved = true;
    keep();
  }

  function decide(variable, decision) {
    const item = itemAt();
    const now = performance.now();
    const seconds = Math.min(now - shownSince, IDLE_MS) / 1000;
    shownSince = now;
    history.push({ item, variable, before: answersOf(item)[variable] });
    const answer = { decision, at: new Date().toISOString(), seconds: Math.round(seconds * 10) / 10 };
    setAnswer(item, variable, answer);
    if (items[item].open.length === 1) {
      next(`Decided: ${decision}`);
      return;
    }
    const open = items[item].open.find((v) => !answersOf(item)[v]);
    if (open === undefined) el("next").focus({ preventScroll: true });
    else document.querySelector(`fieldset[data-variable="${open}"]`).focus();
    refresh();
    announce(`${variables[variable].name}: ${decision}`);
  }

  function undo() {
    const step = history.pop();
    if (!step) return;
    setAnswer(step.item, step.variable, step.before);
    at = state.order.indexOf(step.item);
    show({ after: "Undone" });
  }

  function firstOpen(from) {
    for (let step = 0; step < state.order.length; step += 1) {
      const place = (from + step) % state.order.length;
      if (!isDone(state.order[place])) return place;
    }
    return -1;
  }

  // After an answer: the next item that is not answered, wherever it stands.
  function next(after = "") {
    if (!isDone(itemAt())) return;
    const place = firstOpen(at + 1);
    if (place < 0) { finish(); return; }
    at = place;
    show({ after });
  }

  function move(step) {
    const place = at + step;
    if (place < 0 || place >= items.length) return;
    at = place;
    show();
  }

  function later() {
    if (isDone(itemAt())) { move(1); return; }
    const [item] = state.order.splice(at, 1);
    state.order.push(item);
    at = firstOpen(Math.min(at, items.length - 1));
    keep();
    show();
  }

  function enter() {
    if (isDone(itemAt())) next();
    else announce("Not answered yet. Press space to answer this item later.");
  }

  function finish() {
    showProgress();
    el("work").hidden = true;
    el("finished").hidden = false;
    el("finished-title").textContent = `All ${items.length} items are answered`;
    el("finished-text").textContent = state.unsaved
      ? "Save the answers now, and give the file back to whoever sent you this page."
      : "The answers are saved. Give the file back to whoever sent you this page.";
    el("finished-title").focus();
    window.scrollTo(0, 0);
  }

  // --- the file of answers ---

  const NUMBER = /^[+-]?\d+([.,]\d+)?([eE][+-]?\d+)?$/;
  const FORMULA = /^[=+\-@\t\r\n\uff1d\uff0b\uff0d\uff20]/;

  // A spreadsheet would run such a cell; every command reads it back without the apostrophe.
  const harmless = (cell) => (FORMULA.test(cell) && !NUMBER.test(cell) ? `'${cell}` : cell);
  const quoted = (cell) => (/["\r\n]/.test(cell) || cell.includes(content.delimiter) ? `"${cell.replaceAll('"', '""')}"` : cell);

  function table() {
    const rows = [["id", content.hashColumn, "variable", "decision", "decided_at", "seconds", "note", "shown", "reviewer"]];
    items.forEach((item, i) => {
      for (const v of item.open) {
        const answer = answersOf(i)[v];
        if (!answer) continue;
        const note = (state.notes[i] ?? "").trim();
        rows.push([item.id, item.hash, ...[variables[v].name, answer.decision, answer.at, String(answer.seconds), note, content.shown, state.reviewer.trim()].map(harmless)]);
      }
    });
    const mark = content.byteOrderMark ? "\ufeff" : "";
    return mark + rows.map((row) => `${row.map(quoted).join(content.delimiter)}\r\n`).join("");
  }

  function save() {
    if (!answerCount()) return;
    const person = state.reviewer.trim().replace(/[^\p{L}\p{N}]+/gu, "-").replace(/^-+|-+$/g, "");
    const name = `${content.fileName}${person ? `-${person}` : ""}.csv`;
    const address = URL.createObjectURL(new Blob([table()], { type: "text/csv" }));
    const link = make("a", { href: address, download: name });
    document.body.append(link);
    link.click();
    link.remove();
    setTimeout(() => URL.revokeObjectURL(address), 60000);
    state.unsaved = false;
    keep();
    showProgress();
    if (!el("finished").hidden) finish();
    announce(`Saved ${answerCount()} answers as ${name}`);
    el("kept").textContent = `Saved ${answerCount()} answers as ${name}, where your browser keeps its downloads.`;
  }

  function forget() {
    if (!window.confirm("Remove all answers of this page from this browser? A saved file stays.")) return;
    try { localStorage.removeItem(STORE); } catch { /* there is nothing to remove */ }
    Object.assign(state, { answers: {}, notes: {}, order: items.map((_, i) => i), unsaved: false });
    history.length = 0;
    at = 0;
    show();
  }

  // --- keys ---

  function letterOf(event) {
    // Keyboards of other scripts: the key in the place of the Latin letter.
    if (/^[a-z]$/i.test(event.key)) return event.key.toLowerCase();
    return /^Key[A-Z]$/.test(event.code) && event.key.charCodeAt(0) > 127 ? event.code[3].toLowerCase() : "";
  }

  function chooseByKey(key) {
    const { open } = items[itemAt()];
    for (const [place, variable] of open.entries()) {
      const i = ROWS[place]?.indexOf(key) ?? -1;
      const category = i < 0 ? undefined : variables[variable].categories[i];
      if (category) { decide(variable, category.name); return true; }
    }
    return false;
  }

  function onKey(event) {
    if (el("help").open) return;
    const typing = event.target.closest?.("textarea, input");
    const command = event.ctrlKey || event.metaKey;
    if (command && event.key.toLowerCase() === "s") { event.preventDefault(); save(); return; }
    if (typing) {
      if (command && event.key === "Enter" && !el("work").hidden) { event.preventDefault(); el("place").focus(); enter(); }
      if (event.key === "Escape") el("place").focus();
      return;
    }
    if (command && event.key.toLowerCase() === "z") { event.preventDefault(); undo(); return; }
    if (command || event.altKey || event.repeat) return;
    if (event.key === "?") { event.preventDefault(); el("help").showModal(); return; }
    const letter = letterOf(event);
    if (letter === "u") { event.preventDefault(); undo(); return; }
    if (el("work").hidden) return;
    const pressable = event.target.closest?.("button, summary, a");
    if ((event.key === "Enter" || event.key === " ") && pressable) return;
    const digit = /^(?:Digit|Numpad)(\d)$/.exec(event.code)?.[1] ?? (/^\d$/.test(event.key) ? event.key : "");
    const actions = {
      Enter: enter, " ": later, ArrowRight: () => move(1), ArrowLeft: () => move(-1),
    };
    const letters = {
      n: () => move(1), p: () => move(-1),
      x: () => decide(currentVariable(), content.cannotDecide),
      c: () => decide(currentVariable(), content.codebookUnclear),
    };
    const act = actions[event.key] ?? letters[letter];
    if (act) { event.preventDefault(); act(); return; }
    if ((digit || letter) && chooseByKey(digit || letter)) event.preventDefault();
  }

  // --- start ---

  readKept();
  el("top").hidden = false;
  el("about").hidden = false;
  el("reviewer").value = state.reviewer;
  el("reviewer").readOnly = Boolean(content.reviewer);
  el("reviewer").addEventListener("input", () => { state.reviewer = el("reviewer").value; state.unsaved = answerCount() > 0; keep(); showProgress(); });
  el("note").addEventListener("input", () => {
    if (el("note").value) state.notes[itemAt()] = el("note").value;
    else delete state.notes[itemAt()];
    state.unsaved = answerCount() > 0;
    keep();
    showProgress();
  });
  el("save").addEventListener("click", save);
  el("save-finished").addEventListener("click", save);
  el("back").addEventListener("click", () => { at = 0; show(); });
  el("forget").addEventListener("click", forget);
  el("help-open").addEventListener("click", () => el("help").showModal());
  el("previous").addEventListener("click", () => move(-1));
  el("next").addEventListener("click", () => (isDone(itemAt()) ? next() : move(1)));
  el("later").addEventListener("click", later);
  el("undo").addEventListener("click", undo);
  document.addEventListener("keydown", onKey);
  document.addEventListener("visibilitychange", () => {
    if (!document.hidden) shownSince = performance.now(); // time away is not time spent
  });
  window.addEventListener("beforeunload", (event) => {
    if (state.unsaved) event.preventDefault();
  });
  showKeeping();
  const start = firstOpen(0);
  at = Math.max(start, 0);
  if (start < 0) { show({ focus: false }); finish(); } else show({ focus: false });
})();
