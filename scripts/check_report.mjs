// The browser part of scripts/check_report; prints what it found for every page and window.
import { mkdtempSync, rmSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { pathToFileURL } from "node:url";

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

async function look(browser, address, { width, scheme }) {
  const page = await browser.newPage();
  const problems = [];
  page.on("request", (request) => {
    if (request.url() !== address) problems.push(`request: ${request.url()}`);
  });
  page.on("console", (message) => problems.push(`console: ${message.text()}`));
  page.on("pageerror", (error) => problems.push(`error: ${error.message}`));
  await page.setViewport({ width, height: 900 });
  await page.emulateMediaFeatures([{ name: "prefers-color-scheme", value: scheme }]);
  await page.goto(address, { waitUntil: "load" });
  const wide = await page.evaluate(
    () => document.documentElement.scrollWidth - document.documentElement.clientWidth,
  );
  if (wide > 0) problems.push(`scrolls sideways by ${wide} pixels`);
  // Evaluated by the debugger, so that the page's own security policy stays in force.
  await page.evaluate(axe.source);
  const { violations } = await page.evaluate(() => window.axe.run(document));
  const minor = [];
  for (const { id, impact, help, nodes } of violations) {
    const found = `axe ${impact} ${id}: ${help} (${nodes.length}), first ${nodes[0].html.slice(0, 120)}`;
    (SERIOUS.has(impact) ? problems : minor).push(found);
  }
  await page.close();
  return { problems, minor };
}

const profile = mkdtempSync(join(tmpdir(), "check-report-"));
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
let failed = false;
try {
  for (const file of process.argv.slice(2)) {
    const address = pathToFileURL(resolve(file)).href;
    for (const view of WINDOWS) {
      const { problems, minor } = await look(browser, address, view);
      failed ||= problems.length > 0;
      console.log(`${file}, ${view.width} px, ${view.scheme}: ${problems.length ? "FAILED" : "passed"}`);
      for (const line of problems) console.log(`  ${line}`);
      for (const line of minor) console.log(`  (not serious) ${line}`);
    }
  }
} finally {
  await browser.close();
  rmSync(profile, { recursive: true, force: true });
}
process.exit(failed ? 1 : 0);
