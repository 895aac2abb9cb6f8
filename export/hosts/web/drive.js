/**
 * Headless Chromium for the tests of this page: reads one JSON command a line, answers one JSON line.
 *
 * `node drive.js CHROMIUM`; commands are { "do": NAME, ... } as in `commands`. Answers are { "answer": ... } or
 * { "error": TEXT }.
 */
import { createInterface } from "node:readline";
import { chromium } from "playwright-core";

const FLAGS = [
  "--no-sandbox", // runners are root in a container
  "--disable-gpu",
  "--disable-quic",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
  "--no-first-run",
];

const browser = await chromium.launch({ executablePath: process.argv[2], args: [...FLAGS, ...process.argv.slice(3)] });
const context = await browser.newContext({ acceptDownloads: true, viewport: { width: 1280, height: 860 } });
const page = await context.newPage();
page.setDefaultTimeout(60_000);
const strangers = []; // requests to anywhere but this computer
const failures = []; // errors that nobody caught
page.on("request", (request) => {
  const { protocol, hostname } = new URL(request.url());
  if (protocol.startsWith("http") && hostname !== "localhost") strangers.push(request.url());
});
page.on("pageerror", (error) => failures.push(error.message));

const commands = {
  go: ({ url }) => page.goto(url).then(() => null),
  resize: ({ width, height }) => page.setViewportSize({ width, height }),
  files: ({ paths }) => page.setInputFiles("#files", paths),
  check: ({ selector }) => page.check(selector, { force: true }), // the radio itself lies under its label
  select: ({ selector, value }) => page.selectOption(selector, value).then(() => null),
  fill: ({ selector, value }) => page.fill(selector, value).then(() => page.press(selector, "Tab")),
  click: ({ selector }) => page.click(selector),
  press: ({ key }) => page.keyboard.press(key),
  text: ({ selector }) => page.textContent(selector),
  evaluate: ({ script }) => page.evaluate(script),
  wait: ({ script }) => page.waitForFunction(script).then(() => null),
  shot: ({ path, full = false }) => page.screenshot({ path, fullPage: full }).then(() => null),
  async download({ selector, path }) {
    const [download] = await Promise.all([page.waitForEvent("download"), page.click(selector)]);
    await download.saveAs(path);
    return download.suggestedFilename();
  },
  strangers: () => strangers,
  failures: () => failures,
};

console.log(JSON.stringify({ answer: "ready" }));
for await (const line of createInterface({ input: process.stdin })) {
  const { do: name, ...details } = JSON.parse(line);
  try {
    console.log(JSON.stringify({ answer: (await commands[name](details)) ?? null }));
  } catch (error) {
    console.log(JSON.stringify({ error: String(error.message ?? error) }));
  }
}
await browser.close();
