// Renders /openapi.json. Text goes in as text nodes only, never as markup.

const METHODS = ["get", "post", "put", "patch", "delete"];

function element(name, attributes = {}, ...children) {
  const node = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) {
    if (key.startsWith("on")) node.addEventListener(key.slice(2), value);
    else node.setAttribute(key, value);
  }
  node.append(...children.filter((child) => child !== null));
  return node;
}

function schemaName(schema) {
  if (!schema) return "";
  if (schema.$ref) return schema.$ref.split("/").pop();
  if (schema.anyOf) return schema.anyOf.map(schemaName).join(" | ");
  if (schema.type === "array") return `${schemaName(schema.items) || "any"}[]`;
  if (schema.enum) return schema.enum.map((value) => JSON.stringify(value)).join(" | ");
  return schema.format ? `${schema.type} (${schema.format})` : (schema.type ?? "any");
}

function table(headings, rows) {
  return element(
    "table",
    {},
    element("thead", {}, element("tr", {}, ...headings.map((heading) => element("th", {}, heading)))),
    element("tbody", {}, ...rows.map((row) => element("tr", {}, ...row.map((cell) => element("td", {}, cell))))),
  );
}

const code = (text) => element("code", {}, text);

function answers(operation) {
  return table(
    ["status", "body", "meaning"],
    Object.entries(operation.responses).map(([status, answer]) => [
      code(status),
      Object.entries(answer.content ?? {})
        .map(([type, media]) => `${schemaName(media.schema) || type}`)
        .join(", "),
      answer.description,
    ]),
  );
}

function tryOut(path, method, operation) {
  const inputs = new Map();
  const form = element("form");
  for (const parameter of operation.parameters ?? []) {
    const input = element("input", { name: parameter.name, autocomplete: "off" });
    inputs.set(parameter, input);
    form.append(element("label", {}, `${parameter.name} `, input));
  }
  const types = Object.keys(operation.requestBody?.content ?? {});
  const takesFile = types.includes("multipart/form-data");
  const takesJson = types.includes("application/json");
  const file = takesFile ? element("input", { type: "file", accept: "image/*" }) : null;
  const json = takesJson ? element("textarea", { spellcheck: "false" }) : null;
  if (json) {
    json.value = '{\n  "image": {"id": ""},\n  "prompts": [{"point_coords": [[100, 100]], "point_labels": [1]}]\n}';
    form.append(element("label", {}, "JSON ", json));
  }
  if (file) form.append(element("label", {}, takesJson ? "or a file, with the JSON less its image " : "file ", file));
  const output = element("pre", { hidden: "" });
  form.append(element("button", {}, "Send"), output);
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    const url = new URL(path.slice(1), document.baseURI);
    for (const [parameter, input] of inputs) {
      if (parameter.in === "path") {
        url.pathname = decodeURI(url.pathname).replace(`{${parameter.name}}`, encodeURIComponent(input.value));
      } else if (input.value) url.searchParams.set(parameter.name, input.value);
    }
    output.hidden = false;
    output.textContent = "…";
    try {
      output.textContent = await send(url, method, file, json);
    } catch (error) {
      output.textContent = String(error);
    }
  });
  return form;
}

async function send(url, method, file, json) {
  const init = { method: method.toUpperCase() };
  if (file?.files.length) {
    init.body = new FormData();
    init.body.append("file", file.files[0]);
    if (json) {
      const { image: _, ...request } = JSON.parse(json.value);
      init.body.append("request", JSON.stringify(request));
    }
  } else if (json) {
    init.body = json.value;
    init.headers = { "Content-Type": "application/json" };
  }
  const response = await fetch(url, init);
  const headers = ["content-type", "x-request-id", "server-timing", "etag", "cache-control"]
    .filter((name) => response.headers.has(name))
    .map((name) => `${name}: ${response.headers.get(name)}`);
  const type = response.headers.get("content-type") ?? "";
  let body;
  if (type.includes("json")) body = JSON.stringify(await response.json(), null, 2);
  else if (type.startsWith("text/")) body = await response.text();
  else body = `${(await response.arrayBuffer()).byteLength} bytes`;
  return [`${response.status} ${response.statusText}`, ...headers, "", body].join("\n");
}

function operationNode(path, method, operation) {
  const parameters = (operation.parameters ?? []).map((parameter) => [
    code(parameter.name),
    parameter.in + (parameter.required ? ", required" : ""),
    schemaName(parameter.schema),
    parameter.description ?? "",
  ]);
  const bodies = Object.entries(operation.requestBody?.content ?? {}).map(([type, media]) => [
    code(type),
    schemaName(media.schema.properties ? { type: `form: ${Object.keys(media.schema.properties).join(", ")}` } : media.schema),
  ]);
  return element(
    "details",
    { id: operation.operationId },
    element(
      "summary",
      {},
      element("span", { class: "method" }, method.toUpperCase()),
      code(path),
      element("span", { class: "muted" }, ` ${operation.summary ?? ""}`),
    ),
    element(
      "div",
      {},
      parameters.length ? table(["parameter", "in", "type", ""], parameters) : null,
      bodies.length ? table(["request body", "content"], bodies) : null,
      answers(operation),
      tryOut(path, method, operation),
    ),
  );
}

function schemaNode(name, schema) {
  const required = new Set(schema.required ?? []);
  const rows = Object.entries(schema.properties ?? {}).map(([field, value]) => [
    code(field + (required.has(field) ? "" : "?")),
    schemaName(value),
    value.description ?? "",
  ]);
  return element(
    "details",
    { id: `schema-${name}` },
    element("summary", {}, code(name)),
    element("div", {}, schema.description ?? "", table(["field", "type", ""], rows)),
  );
}

async function main() {
  const schema = await (await fetch(new URL("openapi.json", document.baseURI))).json();
  document.querySelector("h1").textContent = `${schema.info.title} ${schema.info.version}`;
  document.querySelector("#description").textContent = schema.info.description ?? "";
  const groups = new Map();
  for (const [path, operations] of Object.entries(schema.paths)) {
    for (const method of METHODS.filter((name) => operations[name])) {
      const tag = operations[method].tags?.[0] ?? "other";
      if (!groups.has(tag)) groups.set(tag, [element("h2", {}, tag)]);
      groups.get(tag).push(operationNode(path, method, operations[method]));
    }
  }
  document.querySelector("#operations").replaceChildren(...[...groups.values()].flat());
  const schemas = Object.entries(schema.components?.schemas ?? {}).map(([name, value]) => schemaNode(name, value));
  document.querySelector("#schemas").replaceChildren(element("h2", {}, "types"), ...schemas);
}

main().catch((error) => {
  document.querySelector("#operations").textContent = `The schema could not be loaded: ${error}`;
});
