"use strict";
// Everything a server or a person wrote is shown as text: no markup is ever made of it.
const form = document.getElementById("form");
const result = document.getElementById("result");
const base = location.href.replace(/[?#].*$/, "").replace(/docs$/, "");
const NUMBER = /^-?(0|[1-9]\d*)(\.\d+)?([eE][+-]?\d+)?$/;

function element(name, text, className) {
  const made = document.createElement(name);
  if (text !== undefined) made.textContent = text;
  if (className) made.className = className;
  return made;
}

// The text of a field as JSON. A number goes as it was typed: JavaScript would round it.
function value(field) {
  if (field.tagName === "SELECT") return field.value;
  const text = field.value.trim();
  if (text === "") return "null";
  return NUMBER.test(text) ? text : JSON.stringify(text);
}

function features() {
  return [...form.querySelectorAll("[data-feature]")];
}

function body() {
  const members = features().map((field) => `${JSON.stringify(field.dataset.feature)}: ${value(field)}`);
  return `{\n ${members.join(",\n ")}\n}`;
}

function clearFaults() {
  for (const field of features()) {
    field.removeAttribute("aria-invalid");
    const said = field.parentElement.querySelector(".fault");
    if (said) said.remove();
  }
}

function markFaults(faults) {
  const fields = new Map(features().map((field) => [field.dataset.feature, field]));
  for (const fault of faults) {
    const field = fields.get(fault.feature);
    if (!field) continue;
    field.setAttribute("aria-invalid", "true");
    field.parentElement.append(element("small", `wanted ${fault.wanted}`, "fault"));
  }
}

const percent = (p) => `${(100 * p).toFixed(p > 0 && p < 0.001 ? 3 : 1)} %`;

function scale(probability, marks) {
  const bar = element("div", undefined, "scale");
  const filled = element("b");
  filled.style.width = `${100 * probability}%`;
  bar.append(filled);
  for (const [place, [at, what]] of marks.entries()) {
    const line = element("i");
    const sides = `${at > 0.5 ? "left" : ""} ${place ? "above" : ""}`;
    const label = element("em", `${what} from ${percent(at)}`, sides);
    line.style.left = label.style.left = `${100 * at}%`;
    bar.append(line, label);
  }
  return bar;
}

// refuse>=0.16, or refer>=0.12 refuse>=0.16
function bands(policy) {
  return [...policy.matchAll(/(refer|refuse)>=([^ ]+)/g)].map((found) => [Number(found[2]), found[1]]);
}

const short = (x) => String(Number(x.toPrecision(4)));

function sentence(answer) {
  const p = answer.probability;
  if (answer.policy === null) return "The bundle has no policy, so nothing is decided.";
  const found = bands(answer.policy);
  const reached = found.filter(([at]) => p >= at).pop();
  if (!reached) return `${short(p)} is below ${short(found[0][0])}, so the policy approves.`;
  const does = { refer: "refers to a person", refuse: "refuses" }[reached[1]];
  return `${short(p)} is not below ${short(reached[0])}, so the policy ${does}.`;
}

function warning(text) {
  const [kind, name] = [text.slice(0, text.indexOf(":")), text.slice(text.indexOf(":") + 1)];
  if (kind === "range") return `${name} lies outside the range that was seen in training.`;
  if (kind === "unseen") return `${name} has a category that was not in training; it was taken as missing.`;
  return text;
}

function facts(pairs) {
  const list = element("dl");
  for (const [name, text] of pairs) list.append(element("dt", name), element("dd", String(text)));
  return list;
}

function shown(answer) {
  const parts = [];
  if ("probability" in answer) {
    parts.push(element("div", percent(answer.probability), "figure"));
    parts.push(element("p", form.dataset.of, "faint"));
    if (answer.decision !== null) parts.push(element("span", answer.decision, `badge ${answer.decision}`));
    parts.push(scale(answer.probability, answer.policy === null ? [] : bands(answer.policy)));
    parts.push(element("p", sentence(answer)));
  } else if ("probabilities" in answer) {
    const of = Object.entries(answer.probabilities).sort((a, b) => b[1] - a[1]);
    parts.push(facts(of.map(([name, p]) => [name, percent(p)])));
  } else {
    parts.push(element("div", [].concat(answer.value).map(short).join(", "), "figure"));
  }
  for (const text of answer.warnings || []) parts.push(element("p", warning(text), "note"));
  parts.push(facts([
    ...("policy" in answer ? [["policy", answer.policy ?? "none"]] : []),
    ["model", `${answer.model.name} ${answer.model.version}`],
    ["request id", answer.request_id],
  ]));
  return parts;
}

function problem(status, answer) {
  const parts = [element("p", `${status}: ${answer.detail || answer.title}`, "wrong")];
  const faults = answer.errors || [];
  if (faults.length > 1) {
    const list = element("ul");
    for (const fault of faults) {
      list.append(element("li", `${fault.feature || "body"}: wanted ${fault.wanted}, got ${fault.got}`));
    }
    parts.push(list);
  }
  return parts;
}

function raw(title, text) {
  const made = element("details");
  made.append(element("summary", title), element("pre", text));
  return made;
}

function requestId() {
  return `docs-${Date.now().toString(36)}-${Math.random().toString(36).slice(2, 10)}`;
}

async function score(event) {
  event.preventDefault();
  const button = form.querySelector("[type=submit]");
  button.disabled = true;
  clearFaults();
  const sent = body();
  const headers = { "Content-Type": "application/json", "X-Request-Id": requestId() };
  const key = document.getElementById("key");
  if (key && key.value) headers["X-API-Key"] = key.value;
  try {
    const response = await fetch(base + form.dataset.path, { method: "POST", headers, body: sent });
    const text = await response.text();
    const answer = JSON.parse(text);
    const parts = response.ok ? shown(answer) : problem(response.status, answer);
    if (!response.ok) markFaults(answer.errors || []);
    result.replaceChildren(...parts, raw("What was sent", sent), raw("What came back", JSON.stringify(answer, null, 1)));
    result.dataset.status = response.status;
  } catch (error) {
    result.replaceChildren(element("p", `No answer that can be read: ${error.message}`, "wrong"));
    result.dataset.status = "none";
  }
  button.disabled = false;
  result.scrollIntoView({ block: "nearest" });
}

function copyButton(pre) {
  const button = element("button", "Copy");
  button.type = "button";
  button.addEventListener("click", () => {
    // navigator.clipboard is there on https and localhost alone.
    getSelection().selectAllChildren(pre);
    document.execCommand("copy");
    getSelection().removeAllRanges();
    button.textContent = "Copied";
    setTimeout(() => { button.textContent = "Copy"; }, 1500);
  });
  pre.parentElement.append(button);
}

form.addEventListener("submit", score);
form.addEventListener("reset", clearFaults);
for (const pre of document.querySelectorAll(".copied pre")) {
  pre.textContent = pre.textContent.replaceAll("http://127.0.0.1:8000/", base);
  copyButton(pre);
}
const filter = document.getElementById("filter");
if (filter) {
  filter.addEventListener("input", () => {
    const wanted = filter.value.toLowerCase();
    for (const field of features()) field.parentElement.hidden = !field.dataset.feature.toLowerCase().includes(wanted);
  });
}
