// Open the catalog in a folder in Chromium, and print what happens as JSON.
// Usage: node browse_catalog.mjs CHROMIUM FOLDER AGENT PAGE...
//
// The names of pages have no suffix. AGENT is searched for, and clicked in the graph.
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { pathToFileURL } from "node:url";
import { chromium } from "playwright-core";

const [executablePath, folder, agent, ...pages] = process.argv.slice(2);
const axe = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
const url = (page) => `${pathToFileURL(folder)}/${page}.html`;
const last = (page) => page.url().split("/").slice(-2).join("/");
const args =
  "--headless --no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking " +
  "--disable-component-update --disable-sync";
const WINDOWS = {
  light: { colorScheme: "light", viewport: { width: 1280, height: 900 } },
  dark: { colorScheme: "dark", viewport: { width: 1280, height: 900 } },
  phone: { colorScheme: "light", viewport: { width: 360, height: 740 }, hasTouch: true, isMobile: true },
};
const told = [];
const found = { violations: [], overflowing: [], told };

const browser = await chromium.launch({ executablePath, args: args.split(" ") });

async function open(options) {
  const context = await browser.newContext(options);
  const page = await context.newPage();
  page.setDefaultTimeout(60_000);
  page.on("console", (message) => told.push(`${message.type()}: ${message.text()}`));
  page.on("pageerror", (error) => told.push(`error: ${error}`));
  page.on("dialog", (dialog) => told.push(`dialog: ${dialog.message()}`) && dialog.dismiss());
  page.on("request", (request) => request.url().startsWith("file:") || told.push(`request: ${request.url()}`));
  return page;
}

for (const [name, options] of Object.entries(WINDOWS)) {
  const page = await open(options);
  for (const each of pages) {
    await page.goto(url(each));
    await page.evaluate(axe);
    const { violations } = await page.evaluate(() => axe.run(document, { preload: false, resultTypes: ["violations"] }));
    for (const { id, impact, nodes } of violations) {
      found.violations.push(`${name} ${each}: ${impact} ${id}: ${nodes[0].html.slice(0, 200)}`);
    }
    const width = await page.evaluate(() => document.documentElement.scrollWidth);
    if (width > options.viewport.width) found.overflowing.push(`${name} ${each}: ${width}`);
  }
  await page.context().close();
}

const page = await open(WINDOWS.light);
await page.goto(url("index"));
await page.keyboard.press("/");
await page.keyboard.type(agent);
found.results = await page.locator("#results [role=option] b").allTextContents();
await page.keyboard.press("Enter");
await page.waitForURL("**/agents/*");
found.searched = last(page);

await page.goto(url("graph"));
const node = page.locator(`.canvas a[aria-label="${agent}"], .canvas a[aria-label^="${agent},"]`);
await node.hover();
found.lit = await page.locator(".canvas .node.near").count();
await node.click();
await page.waitForURL("**/agents/*");
found.clicked = last(page);

await page.goto(url("graph"));
await node.focus();
await page.keyboard.press("Enter");
await page.waitForURL("**/agents/*");
found.entered = last(page);

await page.goto(url("graph"));
const width = () => page.locator(".canvas svg").evaluate((svg) => Number(svg.getAttribute("width")));
const before = await width();
await page.getByRole("button", { name: "Zoom in" }).click();
found.zoomed = (await width()) > before;

await page.goto(url("index"));
const paper = () => page.evaluate(() => getComputedStyle(document.body).backgroundColor);
const colours = [await paper()];
for (let clicks = 0; clicks < 2; clicks++) {
  await page.locator("#theme").click();
  colours.push(await paper());
}
await page.reload();
found.themes = [colours[0] === colours[1], colours[1] === colours[2], colours[2] === (await paper())];
await page.locator("#theme").click();
const first = () => page.locator(".sortable tbody tr code").first().textContent();
await page.getByRole("button", { name: "Agent", exact: true }).click();
found.first = await first();
await page.getByRole("button", { name: "Agent", exact: true }).click();
found.last = await first();
await page.context().close();

const plain = await open({ ...WINDOWS.light, javaScriptEnabled: false });
await plain.goto(url("graph"));
await plain.locator(`.canvas a[aria-label^="${agent}"]`).first().click();
found.withoutScript = last(plain);
found.unusable = await plain.locator("#search:visible, #theme:visible, .zoom:visible").count();

await browser.close();
console.log(JSON.stringify(found));
