// Reads one text per line, each a JSON string; answers each with its number of tokens in o200k_base.

import { createInterface } from "node:readline";
import { Tiktoken } from "js-tiktoken/lite";
import o200k from "js-tiktoken/ranks/o200k_base";

const encoding = new Tiktoken(o200k);

for await (const line of createInterface({ input: process.stdin })) {
  console.log(encoding.encode(JSON.parse(line), [], []).length);
}
