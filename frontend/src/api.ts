// Api: every request of the page, and the plain records that the server answers with.

import type { Shapes } from "./shapes";
import type { Account, Case, Dashboard, Dispute, DisputedCase, Earlier, LeftOut, Me, Opinion, Project, Verdict } from "./records";

const BASE = "api/v1/";
const PATIENCE = 20_000; // milliseconds until a request counts as lost
const LONG = 15 * PATIENCE; // of large pictures on slow lines

/** An answer of the server that is no success; `status` 0: there was none. */
export class ApiError extends Error {
  constructor(readonly status: number, readonly code: string, message: string) {
    super(message);
  }

  /** Whether trying again later may help. */
  get passing(): boolean {
    return this.status === 0 || this.status === 408 || this.status === 429 || this.status >= 500;
  }
}

/** What the server said, also where Cornerstone has wrapped it. */
export function apiErrorOf(error: unknown): ApiError | null {
  if (error instanceof ApiError) return error;
  const inner = (error as { error?: unknown } | null)?.error;
  return inner instanceof ApiError ? inner : null;
}

let csrf = "";
let whenLoggedOut: () => void = () => undefined;

/** Called when the server says that the session has ended. */
export function onLoggedOut(react: () => void): void {
  whenLoggedOut = react;
}

async function request(method: string, path: string, body?: unknown, headers: Record<string, string> = {}, patience = body instanceof Blob ? 10 * PATIENCE : PATIENCE): Promise<Response> {
  const sent: Record<string, string> = { ...headers };
  if (method !== "GET") sent["X-Foveal-CSRF"] = csrf;
  if (body !== undefined && !(body instanceof Blob)) sent["Content-Type"] = "application/json";
  const content = body === undefined ? null : body instanceof Blob ? body : JSON.stringify(body);
  let response: Response;
  try {
    response = await fetch(BASE + path, {
      method, headers: sent, body: content, credentials: "same-origin", signal: AbortSignal.timeout(patience),
    });
  } catch {
    throw new ApiError(0, "network", "The server cannot be reached.");
  }
  if (!response.ok) await refuse(response, path);
  return response;
}

async function refuse(response: Response, path: string): Promise<never> {
  let code = "unforeseen";
  let message = `The server answered with status ${response.status}.`;
  try {
    const told = (await response.json()) as { error?: { code?: string; message?: string } };
    code = told.error?.code ?? code;
    message = told.error?.message ?? message;
  } catch {
    // An answer that is no JSON comes from something between the server and the page.
  }
  if (response.status === 401 && path !== "login") whenLoggedOut();
  throw new ApiError(response.status, code, message);
}

/** The body of an answer; one that breaks off counts as lost on the way. */
async function whole<T>(body: Promise<T>): Promise<T> {
  return body.catch(() => {
    throw new ApiError(0, "network", "The server's answer did not arrive whole.");
  });
}

async function get<T>(path: string): Promise<T> {
  return (await whole((await request("GET", path)).json())) as T;
}

async function post<T>(path: string, body: unknown = {}, headers: Record<string, string> = {}): Promise<T> {
  return (await whole((await request("POST", path, body, headers)).json())) as T;
}

const named = encodeURIComponent;

/** Pixels of one picture, row by row. */
export interface Pixels {
  readonly rows: number;
  readonly columns: number;
  readonly channels: number;
  readonly data: Uint8Array | Int16Array | Uint16Array;
}

async function pixels(path: string): Promise<Pixels> {
  return pixelsOf(await request("GET", path, undefined, {}, LONG));
}

async function pixelsOf(response: Response): Promise<Pixels> {
  const [rows = 0, columns = 0, channels = 1] = (response.headers.get("X-Foveal-Shape") ?? "").split(",").map(Number);
  const type = response.headers.get("X-Foveal-Type");
  const buffer = await whole(response.arrayBuffer());
  const data = type === "int16" ? new Int16Array(buffer) : type === "uint16" ? new Uint16Array(buffer) : new Uint8Array(buffer);
  if (data.length === 0 || data.length !== rows * columns * channels) {
    throw new ApiError(0, "network", "The picture did not arrive whole.");
  }
  return { rows, columns, channels, data };
}

export type Which = "current" | "prior" | "difference";

function kept(me: Me): Me {
  csrf = me.csrf;
  return me;
}

/** What an answer says; it goes through the outbox. */
export interface AnswerBody {
  readonly verdict: Verdict;
  readonly class: string | null;
  readonly shapes: Shapes | null;
  readonly seconds: number;
}

export const api = {
  login: async (name: string, password: string): Promise<Me> => kept(await post("login", { name, password })),
  redeem: async (token: string): Promise<Me> => kept(await post("login", { token })),
  me: async (): Promise<Me> => kept(await get("me")),
  /** A new word for the same reader; whoever else is logged in by now ends this page's session. */
  renewed: async (name: string): Promise<void> => {
    const me = await get<Me>("me");
    if (me.reader.name === name) return void kept(me);
    whenLoggedOut();
    throw new ApiError(401, "other", "Somebody else is logged in in this browser now.");
  },
  logout: (): Promise<unknown> => post("logout"),
  /** All sessions end with the old password, so a new one begins. */
  password: async (name: string, fresh: string, old: string): Promise<Me> => {
    await post("me/password", { new: fresh, old });
    return api.login(name, fresh);
  },
  project: (): Promise<Project> => get("project"),
  next: (): Promise<Case | { done: true; message: string }> => post("next"),
  reopen: (sample: string): Promise<Case> => post("reopen", { sample }),
  history: (limit: number): Promise<Earlier[]> => get(`history?limit=${limit}`),
  pixels: (id: string, slice: number, which: Which): Promise<Pixels> =>
    pixels(`cases/${named(id)}/pixels?slice=${slice}&which=${which}`),
  /** The picture that will probably be asked for next, and of which sample it is; null if none. */
  ahead: async (id: string, which: Which): Promise<{ sample: string; pixels: Pixels } | null> => {
    const response = await request("GET", `cases/${named(id)}/ahead?which=${which}`, undefined, {}, LONG);
    if (response.status === 204) return null;
    return { sample: response.headers.get("X-Foveal-Sample") ?? "", pixels: await pixelsOf(response) };
  },
  map: async (id: string): Promise<ImageBitmap> =>
    createImageBitmap(await (await request("GET", `cases/${named(id)}/map?kind=cam`)).blob()),
  opinion: (id: string): Promise<Opinion> => get(`cases/${named(id)}/model`),
  answer: (id: string, key: string, body: AnswerBody): Promise<{ saved: boolean }> =>
    post(`cases/${named(id)}/answer`, body, { "Idempotency-Key": key }),
  release: (id: string): Promise<unknown> => post(`cases/${named(id)}/release`),
  renew: (id: string): Promise<{ kept: boolean }> => post(`cases/${named(id)}/renew`),
  dashboard: (): Promise<Dashboard> => get("dashboard"),
  train: (): Promise<unknown> => post("worker/train"),
  disputes: (): Promise<Dispute[]> => get("disputes"),
  dispute: (sample: string): Promise<DisputedCase> => get(`disputes/${named(sample)}`),
  disputedPixels: (sample: string, which: Which): Promise<Pixels> => pixels(`disputes/${named(sample)}/pixels?which=${which}`),
  settle: (sample: string, body: unknown): Promise<unknown> => post(`disputes/${named(sample)}/settle`, body),
  quarantine: (): Promise<LeftOut[]> => get("quarantine"),
  restore: (sample: string): Promise<unknown> => post(`quarantine/${named(sample)}/restore`),
  accounts: (): Promise<Account[]> => get("accounts"),
  addAccount: (name: string, role: string, password: string): Promise<Account & { link: string }> =>
    post("accounts", { name, role, password }),
  invite: (name: string): Promise<{ link: string }> => post(`accounts/${named(name)}/invitation`),
  changeAccount: async (name: string, change: unknown): Promise<unknown> =>
    (await request("PATCH", `accounts/${named(name)}`, change)).json(),
  take: (format: string, file: Blob): Promise<{ read: number; kept: number; problems: string[] }> =>
    post(`import/${named(format)}`, file),
  exported: async (format: string): Promise<{ blob: Blob; file: string }> => {
    const response = await request("GET", `export/${named(format)}`, undefined, {}, 30 * PATIENCE);
    const file = /filename="([^"]+)"/.exec(response.headers.get("Content-Disposition") ?? "")?.[1] ?? format;
    return { blob: await response.blob(), file };
  },
};
