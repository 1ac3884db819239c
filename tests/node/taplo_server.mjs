// Taplo's language server, which comes as WebAssembly, as a process that speaks over its standard streams.

import { existsSync, readFileSync } from "node:fs";
import { writeFile } from "node:fs/promises";
import { isAbsolute, join } from "node:path";
import { fileURLToPath } from "node:url";
import lsp from "@taplo/lsp";

const environment = {
  now: () => new Date(),
  envVar: (name) => process.env[name],
  envVars: () => Object.entries(process.env),
  stdErrAtty: () => false,
  stdin: process.stdin,
  stdout: process.stderr,
  stderr: process.stderr,
  glob: () => [],
  readFile: async (path) => readFileSync(path),
  writeFile,
  urlToFilePath: (url) => (url.startsWith("file:") ? fileURLToPath(url) : ""),
  isAbsolute,
  cwd: () => process.cwd(),
  findConfigFile: (folder) => [".taplo.toml", "taplo.toml"].map((name) => join(folder, name)).find(existsSync),
  fetch: { fetch: offline, Headers, Request, Response },
};

async function offline() {
  throw new TypeError("the tests do without the network");
}

function onMessage(message) {
  const content = Buffer.from(JSON.stringify(message));
  process.stdout.write(`Content-Length: ${content.length}\r\n\r\n`);
  process.stdout.write(content);
}

const server = await lsp.TaploLsp.initialize(environment, { onMessage });
let pending = Buffer.alloc(0);
process.stdin.on("data", (chunk) => {
  pending = Buffer.concat([pending, chunk]);
  for (let head; (head = pending.indexOf("\r\n\r\n")) >= 0; ) {
    const end = head + 4 + Number(/\d+/.exec(pending.subarray(0, head)));
    if (pending.length < end) return;
    server.send(JSON.parse(pending.subarray(head + 4, end)));
    pending = pending.subarray(end);
  }
});
