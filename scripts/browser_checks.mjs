// Opening pages in a browser and looking at them, for the scripts check_report and check_review.
import { mkdtempSync, rmSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";

const load = createRequire(join(process.env.NODE_MODULES, "package.json"));
const axe = load("axe-core");
const puppeteer = load("puppeteer-core");

const WINDOWS = [
  { width: 1280, scheme: "light" },
  { width: 1280, scheme: "dark" },
  { width: 800, scheme: "light" },
  { width: 800, scheme: "dark" },
];
const SERIOUS = new Set(["serious", "critical"]);
let failed = false;

// Collect what a page asks for, where `expected` does not allow it, and what it complains about.
export function watch(page, expected) {
  const problems = [];
  page.on("request", (request) => {
    if (!expected(request.url())) problems.push(`request: ${request.url()}`);
  });
  page.on("console", (message) => problems.push(`console: ${message.text()}`));
  page.on("pageerror", (error) => problems.push(`error: ${error.message}`));
  return problems;
}

// Open a page in every window, and print what was found. `prepare` may change what it shows.
export async function look(page, problems, name, address, { status = 200, prepare } = {}) {
  for (const { width, scheme } of WINDOWS) {
    await page.setViewport({ width, height: 900 });
    await page.emulateMediaFeatures([{ name: "prefers-color-scheme", value: scheme }]);
    const answer = await page.goto(address, { waitUntil: "load" });
    const found = [];
    if (answer && answer.status() && answer.status() !== status) found.push(`status ${answer.status()}`);
    await prepare?.(page);
    const wide = await page.evaluate(
      () => document.documentElement.scrollWidth - document.documentElement.clientWidth,
    );
    if (wide > 0) found.push(`scrolls sideways by ${wide} pixels`);
    // Evaluated by the debugger, so that the page's own security policy stays in force.
    await page.evaluate(axe.source);
    const { violations } = await page.evaluate(() => window.axe.run(document));
    const minor = [];
    for (const { id, impact, help, nodes } of violations) {
      const line = `axe ${impact} ${id}: ${help} (${nodes.length}), first ${nodes[0].html.slice(0, 120)}`;
      (SERIOUS.has(impact) ? found : minor).push(line);
    }
    // The browser complains about the status itself.
    const isExpected = (line) => status >= 400 && line.includes(`status of ${status} `);
    found.push(...problems.splice(0).filter((line) => !isExpected(line)));
    failed ||= found.length > 0;
    console.log(`${name}, ${width} px, ${scheme}: ${found.length ? "FAILED" : "passed"}`);
    for (const line of found) console.log(`  ${line}`);
    for (const line of minor) console.log(`  (not serious) ${line}`);
  }
}

// Start a browser, do the work with it, and end the program: with 1 if anything was found.
export async function withBrowser(work) {
  const profile = mkdtempSync(join(tmpdir(), "check-page-"));
  const browser = await puppeteer.launch({
    executablePath: process.env.CHROMIUM,
    headless: true,
    userDataDir: profile,
    args: [
      "--no-sandbox",
      "--disable-gpu",
      "--disable-quic",
      "--no-first-run",
      "--disable-background-networking",
      "--disable-component-update",
      "--disable-sync",
    ],
  });
  try {
    await work(browser);
  } finally {
    await browser.close();
    rmSync(profile, { recursive: true, force: true });
  }
  process.exitCode = failed ? 1 : 0;
}
