// Hooks for `module.register`: a stand-in for each package that Cline's core imports but does not need to read agents.
//
// `package.json` installs a small package in the place of these. The stand-in exports the names that core asks for, and
// each export accepts any use.

import { readFileSync } from "node:fs";

const NEEDED = /^(?:node:|yaml$|zod$|@cline\/shared|[./])/;
const ANYTHING = `
  const anything = new Proxy(function () {}, {
    get: (_, key) => (typeof key === "symbol" ? undefined : key === "prototype" ? {} : anything),
    apply: () => anything,
    construct: () => ({}),
  });
  export default anything;
`;

export function resolve(specifier, context, next) {
  if (!context.parentURL?.includes("/@cline/core/") || NEEDED.test(specifier)) return next(specifier, context);
  const names = namesFrom(specifier, readFileSync(new URL(context.parentURL), "utf8"));
  const exports = names.map((name) => `export const ${name} = anything;\n`);
  return { url: `data:text/javascript,${encodeURIComponent(ANYTHING + exports.join(""))}`, shortCircuit: true };
}

/** The names that a minified module imports from a package, one by one or as properties of a namespace. */
function namesFrom(specifier, source) {
  const from = `\\s*from\\s*"${specifier}"`;
  const lists = source.matchAll(new RegExp(`\\{([^{}]*)\\}${from}`, "g"));
  const named = [...lists].flatMap(([, list]) => list.split(",").map((each) => each.trim().split(" as ")[0]));
  const namespaces = source.matchAll(new RegExp(`\\*\\s*as ([\\w$]+)${from}`, "g"));
  const used = [...namespaces].flatMap(([, alias]) => {
    const property = new RegExp(`(?<![\\w$.])${alias.replaceAll("$", "\\$")}\\.(\\w+)`, "g");
    return [...source.matchAll(property)].map(([, name]) => name);
  });
  return [...new Set([...named, ...used])].filter((name) => name && name !== "default");
}
