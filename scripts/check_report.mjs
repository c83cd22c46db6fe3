// The browser part of scripts/check_report; prints what it found for every page and window.
import { resolve } from "node:path";
import { pathToFileURL } from "node:url";

import { look, watch, withBrowser } from "./browser_checks.mjs";

await withBrowser(async (browser) => {
  for (const file of process.argv.slice(2)) {
    const address = pathToFileURL(resolve(file)).href;
    const page = await browser.newPage();
    await look(page, watch(page, (asked) => asked === address), file, address);
    await page.close();
  }
});
