// Server: stands in for Foveal while the page is worked on; keeps everything in memory.
// `npm run mock` and `npm run dev`, then log in as reader, lead or admin with the password `foveal`.

import { randomUUID } from "node:crypto";
import { readFile } from "node:fs/promises";
import { createServer } from "node:http";
import { extname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { dashboard } from "./figures.js";
import { facts, lesion, pixels } from "./phantom.js";
import { gray } from "./png.js";

const PORT = Number(process.env.PORT ?? 8766);
const STATIC = fileURLToPath(new URL("../../src/foveal/annotate/static/", import.meta.url));
const TYPES = { ".html": "text/html", ".js": "text/javascript", ".css": "text/css", ".svg": "image/svg+xml" };
const POLICY = "default-src 'self'; script-src 'self'; worker-src 'self' blob:; img-src 'self' blob: data:; " +
  "style-src 'self' 'unsafe-inline'; object-src 'none'; frame-ancestors 'none'; base-uri 'none'; form-action 'self'";
const CASES = Number(process.env.CASES ?? 60);
const READING = process.env.READING ?? "blinded";

const accounts = ["reader", "lead", "admin"].map((role) => ({ name: role, role, enabled: true, has_password: true }));
const passwords = new Map(accounts.map(({ name }) => [name, "foveal"]));
const sessions = new Map();
const answers = new Map();
const WHY = "readers name different classes";
const keys = new Map();
const open = new Map();
let quarantine = [
  { sample: "s0999", reason: "the image could not be read", by: [], at: "", restorable: true },
  { sample: "s0998", reason: "called a bad image", by: ["ada"], at: "2026-01-05T09:30:00+00:00", restorable: false },
];
let disputes = [4, 5].map((number) => ({ number, answers: disputed(number) }));

class Refused extends Error {
  constructor(status, code, message) {
    super(message);
    Object.assign(this, { status, code });
  }
}

const sampleOf = (number) => `s${String(number).padStart(4, "0")}`;
const numberOf = (sample) => Number(sample.slice(1));

function disputed(number) {
  const { width, height } = facts(number);
  const { x, y, r } = lesion(number);
  const shapes = (d) => ({ version: 1, width, height, shapes: [{ type: "box", x0: x - r + d, y0: y - r, x1: x + r + d, y1: y + r }] });
  return [
    { reader: "ada", verdict: "labeled", class: "benign", shapes: shapes(0) },
    { reader: "bo", verdict: "labeled", class: "malignant", shapes: shapes(5) },
  ];
}

/** What was drawn on the slice before, in volumes. */
function neighborOf(number) {
  const { kind, key_slice } = facts(number);
  return kind === "volume" ? { slice: key_slice - 1, shapes: disputed(number)[0].shapes } : null;
}

function caseOf(lease, previous = null) {
  const { kind, ...known } = facts(lease.number);
  return {
    case: lease.id, sample: sampleOf(lease.number), round: 2, strategy: "variance_reduction", rank: lease.number + 1, of: CASES,
    why: kind === "pair" ? "changed a lot since the prior, and nothing like it has been read" : "the model is unsure here: malignant 0.54, benign 0.46",
    ...known, answered: lease.answered, map: READING === "assisted", expires_in: 900, labels_today: answers.size, seconds_today: 14 * answers.size,
    previous, neighbor: neighborOf(lease.number),
  };
}

function mine(me, id) {
  const lease = open.get(me.name);
  if (!lease || lease.id !== id) throw new Refused(409, "not_yours", "This case is no longer open for you; the next one is ready.");
  return lease;
}

/** The first case that a reader has not answered, from a number on. */
const unread = (me, from = 0) => Array.from({ length: CASES - from }, (_, i) => from + i).find((i) => !answers.has(`${me.name}/${i}`));

function ahead(me, id, { query }) {
  const number = unread(me, mine(me, id).number + 1);
  if (number === undefined) return null;
  const found = picture(number, new URLSearchParams({ slice: facts(number).key_slice, which: query.get("which") ?? "current" }));
  return { ...found, headers: { ...found.headers, "X-Foveal-Sample": sampleOf(number) } };
}

function next(me) {
  let lease = open.get(me.name);
  if (!lease || lease.answered) {
    const number = unread(me);
    if (number === undefined) return { done: true, message: "Every case has been read. Thank you." };
    open.set(me.name, (lease = { id: randomUUID().replaceAll("-", ""), number, answered: false }));
  }
  return caseOf(lease);
}

function answer(me, id, key, body) {
  if (keys.has(key)) return { saved: true, seq: keys.get(key), duplicate: true };
  const lease = mine(me, id);
  answers.set(`${me.name}/${lease.number}`, { ...body, sample: sampleOf(lease.number), at: new Date().toISOString() });
  lease.answered = true;
  keys.set(key, keys.size + 1);
  return { saved: true, seq: keys.size, duplicate: false };
}

const map = (number) => {
  const [{ width, height }, { x, y, r }] = [facts(number), lesion(number)];
  return gray(width, height, (u, v) => Math.round(255 * Math.exp(-((u - x) ** 2 + (v - y) ** 2) / (2 * r * r))));
};

const history = (me) => [...answers].filter(([key]) => key.startsWith(`${me.name}/`)).map(([, told]) => told).reverse();

/** Routes: method, address with one blank for an id, and what it answers. */
const ROUTES = [
  ["GET", /^me$/, (me) => me.told],
  ["POST", /^logout$/, (me) => (sessions.delete(me.token), { done: true })],
  ["POST", /^me\/password$/, (me, _, { body }) => (passwords.set(me.name, body.new), { done: true })],
  ["GET", /^project$/, () => ({
    id: "00ff", name: "Chest phantom", classes: ["normal", "benign", "malignant"], tools: ["box", "polygon", "brush"], outlines: false, reading: READING,
    idle_seconds: 120, lease_seconds: 900, version: "mock", counts: { unlabeled: CASES },
    exports: ["csv", "coco", "label-studio", "cvat", "masks", "nifti", "dicom", "model", "model-card", "model-onnx", "archive"],
    imports: ["csv", "coco", "label-studio", "cvat"],
    presets: [{ name: "Soft tissue", center: 1000, width: 900 }, { name: "Wide", center: 1100, width: 2400 }],
  })],
  ["POST", /^next$/, next],
  ["POST", /^reopen$/, (me, _, { body }) => {
    const told = answers.get(`${me.name}/${numberOf(body.sample)}`);
    if (!told) throw new Refused(404, "unknown", "You have not answered such a case.");
    const lease = { id: randomUUID().replaceAll("-", ""), number: numberOf(body.sample), answered: false };
    open.set(me.name, lease);
    return caseOf(lease, told);
  }],
  ["GET", /^history$/, (me, _, { query }) => history(me).slice(0, Number(query.get("limit") ?? 20))],
  ["GET", /^cases\/(\w+)$/, (me, id) => caseOf(mine(me, id))],
  ["GET", /^cases\/(\w+)\/ahead$/, ahead],
  ["GET", /^cases\/(\w+)\/pixels$/, (me, id, { query }) => picture(mine(me, id).number, query)],
  ["GET", /^cases\/(\w+)\/map$/, (me, id) => {
    const lease = mine(me, id);
    if (READING === "blinded" && !lease.answered) throw new Refused(403, "answer_first", "Answer first; then the model's map is shown.");
    return { type: "image/png", data: map(lease.number) };
  }],
  ["GET", /^cases\/(\w+)\/model$/, (me, id) => {
    const lease = mine(me, id);
    if (READING === "blinded" && !lease.answered) throw new Refused(403, "answer_first", "Answer first; then what the model says is shown.");
    return { class: "benign", confidence: 0.71, maps: ["cam"] };
  }],
  ["POST", /^cases\/(\w+)\/answer$/, (me, id, { key, body }) => answer(me, id, key, body)],
  ["POST", /^cases\/(\w+)\/renew$/, (me, id) => ({ kept: open.get(me.name)?.id === id })],
  ["POST", /^cases\/(\w+)\/release$/, (me) => (open.delete(me.name), { done: true })],
  ["GET", /^dashboard$/, (me) => dashboard(me, answers.size, CASES, disputes.length, quarantine.length)],
  ["POST", /^worker\/train$/, () => ({ job: 1 })],
  ["GET", /^disputes$/, () => disputes.map((one) => ({ sample: sampleOf(one.number), why: WHY, answers: one.answers }))],
  ["GET", /^disputes\/(\w+)$/, (_, sample) => ({
    sample, why: WHY, ...facts(numberOf(sample)), answers: disputed(numberOf(sample)), consensus: disputed(numberOf(sample))[0].shapes,
  })],
  ["GET", /^disputes\/(\w+)\/pixels$/, (_, sample, { query }) => picture(numberOf(sample), query)],
  ["POST", /^disputes\/(\w+)\/settle$/, (me, sample, { body }) => {
    if (body.bad) quarantine.push({ sample, reason: "called a bad image", by: [me.name], at: new Date().toISOString(), restorable: false });
    disputes = disputes.filter((one) => sampleOf(one.number) !== sample);
    return { saved: true, seq: 1, duplicate: false };
  }],
  ["GET", /^quarantine$/, () => quarantine],
  ["POST", /^quarantine\/(\w+)\/restore$/, (_, sample) => {
    quarantine = quarantine.filter((one) => one.sample !== sample);
    return { done: true };
  }],
  ["GET", /^accounts$/, () => accounts],
  ["POST", /^accounts$/, (_, __, { body }) => {
    if (accounts.some((one) => one.name === body.name)) throw new Refused(422, "refused", `there is an account \`${body.name}\` already`);
    if (body.password) passwords.set(body.name, body.password);
    accounts.push({ name: body.name, role: body.role, enabled: true, has_password: Boolean(body.password) });
    return { ...accounts.at(-1), link: `http://127.0.0.1:${PORT}/#token=once` };
  }],
  ["POST", /^accounts\/(\w+)\/invitation$/, () => ({ link: `http://127.0.0.1:${PORT}/#token=once` })],
  ["PATCH", /^accounts\/(\w+)$/, (_, name, { body }) => (Object.assign(accounts.find((one) => one.name === name), body), { done: true })],
  ["GET", /^export\/([\w-]+)$/, (_, name) => ({ type: "text/plain", data: Buffer.from(`${name}\n${JSON.stringify([...answers.values()])}`) })],
  ["POST", /^import\/([\w-]+)$/, () => ({ read: 3, kept: 2, problems: ["c.png: the project has no class 'cyst'"] })],
];

function picture(number, query) {
  const { width, height } = facts(number);
  const data = pixels(number, Number(query.get("slice") ?? 0), query.get("which") ?? "current");
  return { type: "application/octet-stream", data, headers: { "X-Foveal-Shape": `${height},${width},1`, "X-Foveal-Type": "int16" } };
}

function login(body, response) {
  const account = accounts.find((one) => (body.token ? one.role === "admin" : one.name === body.name && body.password === passwords.get(one.name)));
  if (!account) throw new Refused(401, "wrong", "Name or password are wrong, or too many tries were made; wait a minute.");
  const token = randomUUID();
  const told = { reader: { name: account.name, role: account.role, has_password: true }, csrf: `csrf-${token}` };
  sessions.set(token, { name: account.name, role: account.role, token, told });
  response.setHeader("Set-Cookie", `foveal_session=${token}; HttpOnly; SameSite=Strict; Path=/`);
  return told;
}

async function api(request, response, url) {
  const chunks = [];
  for await (const chunk of request) chunks.push(chunk);
  const text = Buffer.concat(chunks).toString();
  const body = request.headers["content-type"] === "application/json" && text ? JSON.parse(text) : {};
  const path = url.pathname.slice("/api/v1/".length);
  if (path === "login") return login(body, response);
  const me = sessions.get(/foveal_session=([\w-]+)/.exec(request.headers.cookie ?? "")?.[1]);
  if (!me) throw new Refused(401, "login", "Log in first; your session may have ended.");
  if (request.method !== "GET" && request.headers["x-foveal-csrf"] !== me.told.csrf) throw new Refused(403, "csrf", "The page's word is missing.");
  for (const [method, pattern, work] of ROUTES) {
    const found = method === request.method && pattern.exec(path);
    if (found) return work(me, decodeURIComponent(found[1] ?? ""), { body, query: url.searchParams, key: request.headers["idempotency-key"] });
  }
  throw new Refused(404, "unknown", "There is nothing here.");
}

async function page(response, url) {
  const name = url.pathname === "/" ? "index.html" : url.pathname.slice(1);
  if (!/^[\w./-]+$/.test(name) || name.includes("..")) throw new Refused(404, "unknown", "There is nothing here.");
  response.setHeader("Content-Type", TYPES[extname(name)] ?? "application/octet-stream");
  response.setHeader("Content-Security-Policy", POLICY);
  response.end(await readFile(join(STATIC, name)));
}

createServer(async (request, response) => {
  const url = new URL(request.url, `http://127.0.0.1:${PORT}`);
  try {
    if (!url.pathname.startsWith("/api/v1/")) return await page(response, url);
    const told = await api(request, response, url);
    if (told === null) return response.writeHead(204).end();
    const raw = Buffer.isBuffer(told?.data);
    for (const [name, value] of Object.entries(told.headers ?? {})) response.setHeader(name, value);
    response.setHeader("Content-Type", raw ? told.type : "application/json");
    response.end(raw ? told.data : JSON.stringify(told));
  } catch (error) {
    response.writeHead(error.status ?? (error.code === "ENOENT" ? 404 : 500), { "Content-Type": "application/json" });
    response.end(JSON.stringify({ error: { code: error.code ?? "unforeseen", message: error.message } }));
  }
}).listen(PORT, "127.0.0.1", () => console.log(`http://127.0.0.1:${PORT}`));
