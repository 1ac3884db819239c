// Reads the agent files in a folder as Kimi Code does; answers with what it makes of each, or with its complaint.
//
// The package is one program that exports nothing, so its functions for agent files are cut out of it.

import { readFileSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { createRequire } from "node:module";

const program = readFileSync(new URL("node_modules/@moonshot-ai/kimi-code/dist/main.mjs", import.meta.url), "utf8");
const { load } = createRequire(import.meta.url)("js-yaml-4");

/** The source of a region of the program, which a bundler has marked. */
function region(path) {
  const start = program.indexOf(`//#region ../../packages/agent-core-v2/src/${path}`);
  return program.slice(start, program.indexOf("//#endregion", start));
}

const source = [
  "const CoreErrors = { codes: {} };",
  "class Error2 extends Error { constructor(_, message) { super(message); } }",
  "const __esmMin = (start) => () => start();",
  "const init_codes = () => {}, init_errors$39 = () => {}, init_js_yaml = () => {};",
  region("_base/text/frontmatter.ts"),
  region("workspace/workspaceAgentProfileLoader/internal/agentFile.ts"),
  region("_base/utils/render-prompt.ts"),
  region("agent/toolPolicy/evaluate.ts").replace(/^\s*import_picomatch = .*$/m, "").replace("init_toolContract();", ""),
  "init_frontmatter$1(); init_agentFile(); init_render_prompt();",
  "return { parseAgentFileText, renderPrompt };",
].join("\n");
const { parseAgentFileText, renderPrompt } = new Function("load", source)(load);
const [folder] = process.argv.slice(2);

function read(file) {
  const path = join(folder, file);
  try {
    const agent = parseAgentFileText({ text: readFileSync(path, "utf8"), path, source: "project" });
    return { ...agent, path: undefined, prompt: renderPrompt(agent.prompt, { cwd: "FOLDER", base_prompt: "BASE" }) };
  } catch (error) {
    return { error: error.message };
  }
}

const answer = Object.fromEntries(readdirSync(folder).map((file) => [file, read(file)]));
process.stdout.write(JSON.stringify(answer), () => process.exit());
