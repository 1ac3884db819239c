// Reads the agent files of a project as pi-subagents does; answers with what it makes of each, and with its complaints.

import { fileURLToPath } from "node:url";
import { createJiti } from "jiti";

const agents = new URL("node_modules/pi-subagents/src/agents/agents.ts", import.meta.url);
const { discoverAgentsAll } = await createJiti(import.meta.url).import(fileURLToPath(agents));
const { project, agentDiagnostics } = discoverAgentsAll(process.argv[2]);
const answer = { agents: project, errors: (agentDiagnostics ?? []).map(({ error }) => error) };
process.stdout.write(JSON.stringify(answer), () => process.exit());
