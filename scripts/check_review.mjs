// The browser part of scripts/check_review; makes a study, reviews it, and prints what it found.
import { execFileSync, spawn } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { look, watch, withBrowser } from "./browser_checks.mjs";

const CODEBOOK = `name: Check of the review page
version: "1"
description: Notes of a clinic.
variables:
  - name: pain
    level: ordinal
    question: How strong is the pain?
    rules: [What the patient says counts more than what others observe.]
    examples: [{text: No complaints., category: none, reason: Pain is a complaint.}]
    categories:
      - {name: none, definition: No pain is mentioned.}
      - {name: some, definition: Pain that can be borne.}
      - {name: "<b>severe</b>", definition: "Pain that & cannot be borne."}
  - name: urgent
    level: binary
    question: Does somebody have to act today?
    categories:
      - {name: "yes", definition: Somebody has to act today.}
      - {name: "no", definition: It can wait.}
`;
const LONG = "The patient walked the stairs without stopping and slept well. ".repeat(200);
const TEXTS = [
  LONG,
  "<script>document.title = 'script of an item'</script><img src=x onerror=alert(1)>",
  "המטופל מתלונן על כאב בחזה מאז יום שלישי.",
  "Unbroken" + "0123456789".repeat(60),
];

function makeStudy(folder) {
  const quoted = (text) => `"${text.replaceAll('"', '""')}"`;
  const rows = TEXTS.map((text, n) => `note-${n},${quoted(text)}`);
  writeFileSync(join(folder, "items.csv"), ["id,text", ...rows, ""].join("\n"));
  const labels = TEXTS.map((_, n) => `note-${n},none,"<b>severe</b>",yes,no`);
  const header = "id,anna_pain,ben_pain,anna_urgent,ben_urgent";
  writeFileSync(join(folder, "ratings.csv"), [header, ...labels, ""].join("\n"));
  writeFileSync(join(folder, "codebook.yaml"), CODEBOOK);
  const command = ["import", "ratings.csv", "-c", "codebook.yaml", "--items", "items.csv"];
  command.push("--column-pattern", "{rater}_{variable}", "-o", "study");
  execFileSync(process.env.LOCALENSEMBLE, command, { cwd: folder, stdio: ["ignore", "ignore", "inherit"] });
}

// Start the page; `next` waits for the address that it shows next.
function startPage(folder, ...options) {
  const command = ["review", "study", "--items", "items.csv", ...options];
  const server = spawn(process.env.LOCALENSEMBLE, command, { cwd: folder });
  let shown = "";
  let used = 0;
  server.stdout.on("data", (data) => (shown += data));
  server.stderr.on("data", (data) => (shown += data));
  async function next() {
    for (let waited = 0; waited < 300; waited += 1) {
      const addresses = shown.match(/http:\/\/127\.0\.0\.1:\d+\/\?token=[\w-]+(?=\s)/g) ?? [];
      if (addresses.length > used) return addresses[used++];
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
    throw new Error(`The page did not start:\n${shown}`);
  }
  const ended = new Promise((resolve) => server.on("exit", resolve));
  return { next, stop: () => server.kill("SIGINT") && ended };
}

async function press(page, selector) {
  await Promise.all([page.waitForNavigation({ waitUntil: "load" }), page.click(selector)]);
}

// Choose the first answer of every question of an item, and save.
async function answer(page, address, place = 0) {
  await page.goto(address, { waitUntil: "load" });
  await page.$$eval(
    "[data-question]",
    (questions, chosen) => {
      for (const one of questions) one.querySelectorAll("input")[chosen].checked = true;
    },
    place,
  );
  await press(page, "#save");
}

async function reviewAll(page, root, problems) {
  const see = (name, path, options) => look(page, problems, name, root + path, options);
  await see("asking for the name", "/reviewer");
  await page.type("#name", "Anna");
  await press(page, "button.main");
  await see("queue", "/");
  await see("search", "/?search=patient");
  await see("search without a result", "/?search=zzz");
  for (const [position] of TEXTS.entries()) await see(`item ${position}`, `/items/${position}`);
  const openKeys = (shown) => shown.$eval("#keys", (dialog) => dialog.showModal());
  await see("list of keys", "/items/0", { prepare: openKeys });
  const findText = (shown) => shown.type("#find", "stairs");
  await see("found in the text", "/items/0", { prepare: findText });
  await page.goto(`${root}/items/0`);
  await press(page, "#save");
  problems.splice(0);
  await see("item without an answer", new URL(page.url()).pathname + new URL(page.url()).search);
  await answer(page, `${root}/items/0`);
  await see("raters' labels", "/items/0/labels");
  await page.goto(`${root}/items/1`);
  await press(page, "#flag");
  await see("flagged item", "/items/1");
  await press(page, "#later");
  await see("queue with an item put aside", "/");
  await page.goto(`${root}/items/2`);
  await page.$$eval("input[value=c]", (inputs) => {
    for (const one of inputs) one.checked = true;
  });
  await page.$eval("#note", (note) => (note.value = "Which pain counts?"));
  await press(page, "#save");
  await see("codebook problems", "/codebook-problems");
  for (const position of [1, 3]) await answer(page, `${root}/items/${position}`);
  await see("finished", "/");
  await see("item that does not exist", "/items/99", { status: 404 });
  await see("address that does not exist", "/nowhere", { status: 404 });
}

// Another reviewer differs on the first item, and a third one settles it.
async function adjudicate(browser, folder) {
  const differing = startPage(folder, "--reviewer", "Ben");
  const ben = await (await browser.createBrowserContext()).newPage();
  const first = await differing.next();
  await ben.goto(first);
  await answer(ben, `${new URL(first).origin}/items/0`, 1);
  await differing.stop();
  const settling = startPage(folder, "--reviewer", "Carla", "--adjudicate");
  const address = await settling.next();
  const root = new URL(address).origin;
  const carla = await (await browser.createBrowserContext()).newPage();
  const problems = watch(carla, (asked) => asked.startsWith(`${root}/`) || asked === "data:,");
  await carla.goto(address);
  await look(carla, problems, "queue of adjudication", `${root}/`);
  await look(carla, problems, "adjudication", `${root}/items/0`);
  await answer(carla, `${root}/items/0`);
  await look(carla, problems, "adjudicated", `${root}/`);
  await settling.stop();
}

await withBrowser(async (browser) => {
  const folder = mkdtempSync(join(tmpdir(), "check-review-"));
  makeStudy(folder);
  const server = startPage(folder);
  try {
    const address = await server.next();
    const root = new URL(address).origin;
    const own = (asked) => asked.startsWith(`${root}/`) || asked === "data:,";
    const stranger = await (await browser.createBrowserContext()).newPage();
    const refused = watch(stranger, own);
    await look(stranger, refused, "no access", `${root}/`, { status: 403 });
    const page = await browser.newPage();
    const problems = watch(page, own);
    await page.goto(address);
    await look(stranger, refused, "used address", address, { status: 403 });
    await reviewAll(page, root, problems);
    await server.stop();
    await adjudicate(browser, folder);
  } finally {
    server.stop();
    rmSync(folder, { recursive: true, force: true });
  }
});
