// Reads the agent files in a folder as Gemini CLI does; answers with what it makes of each, and with its complaints.

import { readdirSync } from "node:fs";

const bundle = new URL("node_modules/@google/gemini-cli/bundle/", import.meta.url);
const core = readdirSync(bundle).find((name) => /^core-\w+\.js$/.test(name));
const { LocalAgentExecutor, loadAgentsFromDirectory } = await import(new URL(core, bundle));

// Filling in the body is the first step of making the prompt; the next ones would take a whole session.
async function failure(definition) {
  const filledIn = new Error();
  const session = { definition, get toolRegistry() { throw filledIn; } };
  const reason = await LocalAgentExecutor.prototype.buildSystemPrompt.call(session, {}).catch((error) => error);
  return reason === filledIn ? "" : reason.message;
}

async function described(agent) {
  const { name, description, toolConfig, promptConfig } = agent;
  return { name, description, tools: toolConfig?.tools ?? null, body: promptConfig.systemPrompt, failure: await failure(agent) };
}

const { agents, errors } = await loadAgentsFromDirectory(process.argv[2]);
const answer = { agents: await Promise.all(agents.map(described)), errors: errors.map((error) => error.message) };
process.stdout.write(JSON.stringify(answer), () => process.exit());
