// Reads the agent files in a folder as Qwen Code does; answers with what it makes of each, or with its complaint.

import { readFileSync, readdirSync } from "node:fs";
import { join } from "node:path";

const chunks = new URL("node_modules/@qwen-code/qwen-code/chunks/", import.meta.url);
const exports = /^export \{[^}]*\bSubagentManager\b/m;
const core = readdirSync(chunks).find((name) => name.endsWith(".js") && exports.test(readFileSync(new URL(name, chunks), "utf8")));
const { SubagentManager } = await import(new URL(core, chunks));

const manager = new SubagentManager({});
const [folder] = process.argv.slice(2);

function read(file) {
  try {
    return manager.parseSubagentContent(readFileSync(join(folder, file), "utf8"), join(folder, file), "project");
  } catch (error) {
    return { error: error.message };
  }
}

const answer = Object.fromEntries(readdirSync(folder).map((file) => [file, read(file)]));
process.stdout.write(JSON.stringify(answer), () => process.exit());
