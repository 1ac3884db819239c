// Reads the agent files of a project as Cline does; answers with what it makes of each, and with its complaints.

import { register } from "node:module";

register("./stand_ins.mjs", import.meta.url);

const { loadConfiguredAgentConfigs } = await import("@cline/core");
const { configs, errors } = loadConfiguredAgentConfigs({ workspaceRoot: process.argv[2] });
const answer = { agents: configs, errors: errors.map(({ error }) => error.message) };
process.stdout.write(JSON.stringify(answer), () => process.exit());
