// Reads one file per line, each a JSON string; answers each with what every parser makes of its front matter.

import { createInterface } from "node:readline";
import matter from "gray-matter";
import { load as load4 } from "js-yaml-4";
import yaml3 from "js-yaml-3";
import { parse } from "yaml";

// A date must not look like the text that it was made from.
delete Date.prototype.toJSON;

const parsers = {
  "yaml": (text) => ({ data: parse(frontMatterOf(text)) }),
  "yaml as 1.1": (text) => ({ data: parse(frontMatterOf(text), { version: "1.1" }) }),
  "js-yaml 3": (text) => ({ data: yaml3.safeLoad(frontMatterOf(text)) }),
  "js-yaml 4": (text) => ({ data: load4(frontMatterOf(text)) }),
  "gray-matter": (text) => split(text),
};

function frontMatterOf(text) {
  return text.slice("---\n".length, text.indexOf("\n---\n") + 1);
}

function split(text) {
  const withoutCache = {};
  const file = matter(text, withoutCache);
  return { data: file.data, body: file.content };
}

function attempt(parser, text) {
  try {
    return parser(text);
  } catch (error) {
    return { error: String(error) };
  }
}

for await (const line of createInterface({ input: process.stdin })) {
  const text = JSON.parse(line);
  const answers = Object.entries(parsers).map(([name, parser]) => [name, attempt(parser, text)]);
  console.log(JSON.stringify(Object.fromEntries(answers)));
}
