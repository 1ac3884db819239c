// The search, the theme button, sortable tables, and the drawing of the handoffs. Texts are only ever set as text.
"use strict";

const root = document.body.dataset.root;

function create(name, text = "", className = "") {
  const element = document.createElement(name);
  element.textContent = text;
  if (className) element.className = className;
  return element;
}

// --- Theme ---

function setUpTheme() {
  const button = document.getElementById("theme");
  const themes = { auto: "Auto", light: "Light", dark: "Dark" };
  const names = Object.keys(themes);
  const show = (theme) => {
    document.documentElement.dataset.theme = theme;
    button.textContent = themes[theme];
    button.setAttribute("aria-label", `Theme: ${themes[theme]}`);
  };
  const current = savedTheme.get();
  show(names.includes(current) ? current : "auto");
  button.addEventListener("click", () => {
    const next = names[(names.indexOf(document.documentElement.dataset.theme) + 1) % names.length];
    savedTheme.set(next);
    show(next);
  });
  button.hidden = false;
}

// --- Search ---

const MAX_RESULTS = 12;

function score(row, words) {
  const [, name, detail, , more] = row.map((text) => text.toLowerCase());
  let sum = 0;
  for (const word of words) {
    if (name === word) sum += 100;
    else if (name.startsWith(word)) sum += 50;
    else if (name.includes(word)) sum += 30;
    else if (detail.includes(word)) sum += 10;
    else if (more.includes(word)) sum += 3;
    else return 0;
  }
  return sum;
}

function found(query) {
  const words = query.toLowerCase().split(/\s+/).filter(Boolean);
  if (!words.length) return [];
  return globalThis.CATALOG.map((row, index) => ({ row, index, score: score(row, words) }))
    .filter((each) => each.score)
    .sort((a, b) => b.score - a.score || a.index - b.index)
    .map((each) => each.row);
}

function setUpSearch() {
  const field = document.getElementById("search");
  const list = document.getElementById("results");
  const status = document.getElementById("found");
  let chosen = -1;

  const choose = (index) => {
    const options = [...list.querySelectorAll("[role=option]")];
    chosen = options.length ? (index + options.length) % options.length : -1;
    options.forEach((option, at) => option.setAttribute("aria-selected", String(at === chosen)));
    if (chosen < 0) return field.removeAttribute("aria-activedescendant");
    field.setAttribute("aria-activedescendant", options[chosen].id);
    options[chosen].scrollIntoView({ block: "nearest" });
  };
  const close = () => {
    list.hidden = true;
    field.setAttribute("aria-expanded", "false");
    field.removeAttribute("aria-activedescendant");
  };
  const open = (path) => {
    location.href = root + path;
  };
  const show = () => {
    const rows = found(field.value);
    const options = rows.slice(0, MAX_RESULTS).map(([kind, name, detail, path], index) => {
      const option = create("li");
      option.id = `result-${index}`;
      option.setAttribute("role", "option");
      option.dataset.path = path;
      option.append(create("b", name), create("span", kind, `chip ${kind}`), create("span", detail, "detail"));
      return option;
    });
    list.replaceChildren(...options);
    const has = Boolean(field.value.trim());
    const more = rows.length - options.length;
    status.textContent = has ? `${rows.length} found${more > 0 ? `, ${options.length} shown` : ""}` : "";
    if (has && !rows.length) {
      const none = create("li", "Nothing found", "none");
      none.setAttribute("role", "option");
      none.setAttribute("aria-disabled", "true");
      list.replaceChildren(none);
    }
    list.hidden = !has;
    field.setAttribute("aria-expanded", String(has));
    choose(0);
  };

  field.addEventListener("input", show);
  field.addEventListener("focus", () => field.value && show());
  field.addEventListener("blur", () => setTimeout(close, 150));
  field.addEventListener("keydown", (event) => {
    if (event.key === "ArrowDown" || event.key === "ArrowUp") {
      event.preventDefault();
      if (list.hidden) show();
      else choose(chosen + (event.key === "ArrowDown" ? 1 : -1));
    } else if (event.key === "Enter") {
      const option = list.hidden ? null : list.querySelectorAll("[data-path]")[chosen];
      if (option) open(option.dataset.path);
    } else if (event.key === "Escape") {
      close();
    }
  });
  list.addEventListener("pointerdown", (event) => event.preventDefault());
  list.addEventListener("click", (event) => {
    const option = event.target.closest("[data-path]");
    if (option) open(option.dataset.path);
  });
  document.addEventListener("keydown", (event) => {
    const isTyping = event.target.closest("input, textarea, [contenteditable]");
    if (event.key === "/" && !isTyping && !event.ctrlKey && !event.metaKey && !event.altKey) {
      event.preventDefault();
      field.focus();
    }
  });
  document.getElementById("finder").hidden = false;
}

// --- Sortable tables ---

function setUpTable(table) {
  const headings = [...table.tHead.rows[0].cells];
  const body = table.tBodies[0];
  headings.forEach((heading, column) => {
    if (!heading.textContent) return;
    const button = create("button", heading.textContent);
    button.type = "button";
    heading.replaceChildren(button);
    button.addEventListener("click", () => {
      const isNumber = heading.classList.contains("number");
      const before = heading.getAttribute("aria-sort");
      const descends = before ? before === "ascending" : isNumber;
      const value = (row) => {
        const text = (row.cells[column].querySelector("code") ?? row.cells[column]).textContent;
        return isNumber ? Number(text.replaceAll(",", "")) || (text === "all" ? Infinity : 0) : text;
      };
      const order = (a, b) => (isNumber ? a - b || 0 : a < b ? -1 : Number(a > b));
      const rows = [...body.rows].sort((a, b) => order(value(a), value(b)) * (descends ? -1 : 1));
      headings.forEach((other) => other.removeAttribute("aria-sort"));
      heading.setAttribute("aria-sort", descends ? "descending" : "ascending");
      body.replaceChildren(...rows);
    });
  });
}

// --- The drawing ---

function setUpDrawing(drawing) {
  const edges = [...drawing.querySelectorAll("[data-from]")];
  const nodes = new Map([...drawing.querySelectorAll("[data-node]")].map((node) => [node.dataset.node, node]));
  const light = (number) => {
    drawing.classList.toggle("lit", number !== undefined);
    nodes.forEach((node, own) => node.classList.toggle("near", own === number));
    for (const edge of edges) {
      const { from, to } = edge.dataset;
      const isNear = number !== undefined && (from === number || to === number);
      edge.classList.toggle("near", isNear);
      if (isNear) for (const end of [from, to]) nodes.get(end).classList.add("near");
    }
  };
  nodes.forEach((node, number) => {
    for (const type of ["pointerenter", "focus"]) node.addEventListener(type, () => light(number));
    for (const type of ["pointerleave", "blur"]) node.addEventListener(type, () => light(undefined));
  });
}

function setUpZoom(canvas, tools) {
  const drawing = canvas.querySelector("svg");
  const [, , width, height] = drawing.getAttribute("viewBox").split(" ").map(Number);
  const smallest = Math.min(1, canvas.clientWidth / width);
  let scale = 1;

  const zoom = (to, x = canvas.clientWidth / 2, y = canvas.clientHeight / 2) => {
    const next = Math.min(3, Math.max(smallest / 2, to));
    const left = ((canvas.scrollLeft + x) * next) / scale - x;
    const top = ((canvas.scrollTop + y) * next) / scale - y;
    scale = next;
    drawing.setAttribute("width", width * scale);
    drawing.setAttribute("height", height * scale);
    canvas.scrollTo(left, top);
  };
  const fit = () => zoom(Math.min(1, canvas.clientWidth / width, canvas.clientHeight / height));
  const actions = { in: () => zoom(scale * 1.25), out: () => zoom(scale / 1.25), fit, full: () => zoom(1) };
  tools.addEventListener("click", (event) => actions[event.target.dataset.zoom]?.());
  tools.hidden = false;

  canvas.addEventListener(
    "wheel",
    (event) => {
      if (!event.ctrlKey && !event.metaKey) return;
      event.preventDefault();
      const box = canvas.getBoundingClientRect();
      zoom(scale * Math.exp(-event.deltaY / 300), event.clientX - box.left, event.clientY - box.top);
    },
    { passive: false },
  );

  let start = null;
  canvas.addEventListener("pointerdown", (event) => {
    if (event.pointerType !== "mouse" || event.button !== 0 || event.target.closest("a")) return;
    start = { x: event.clientX + canvas.scrollLeft, y: event.clientY + canvas.scrollTop };
    canvas.setPointerCapture(event.pointerId);
    canvas.classList.add("dragged");
  });
  canvas.addEventListener("pointermove", (event) => {
    if (start) canvas.scrollTo(start.x - event.clientX, start.y - event.clientY);
  });
  for (const type of ["pointerup", "pointercancel"]) {
    canvas.addEventListener(type, () => {
      start = null;
      canvas.classList.remove("dragged");
    });
  }
  if (smallest >= 0.5) zoom(smallest);
}

setUpTheme();
setUpSearch();
document.querySelectorAll(".sortable table").forEach(setUpTable);
document.querySelectorAll("svg.drawing").forEach(setUpDrawing);
const canvas = document.querySelector(".canvas");
if (canvas) setUpZoom(canvas, document.querySelector(".zoom"));
