// Reads one Mermaid diagram per line, each a JSON string; answers each with its nodes and edges as Mermaid reads them.

import { createInterface } from "node:readline";
import { JSDOM } from "jsdom";

const { window } = new JSDOM("");
Object.assign(globalThis, { window, document: window.document });
const { default: mermaid } = await import("mermaid");

const decode = (text) => text.replace(/ﬂ°°(\d+)¶ß/g, (_, code) => String.fromCodePoint(code));

for await (const line of createInterface({ input: process.stdin })) {
  await mermaid.parse(JSON.parse(line));
  const { db } = await mermaid.mermaidAPI.getDiagramFromText(JSON.parse(line));
  const nodes = [...db.getVertices().values()].map((node) => [node.id, decode(node.text), node.classes]);
  const edges = db.getEdges().map((edge) => [edge.start, edge.end, decode(edge.text)]);
  console.log(JSON.stringify({ nodes, edges }));
}
