// Saves: the outbox of this page, and the words in its head that say how answers are.

import { api, ApiError } from "./api";
import { drafts, shelf } from "./db";
import { dialog, h } from "./dom";
import { Outbox, type Entry } from "./outbox";

export function makeOutbox(changed: () => void): Outbox {
  const made = new Outbox({ shelf, send, wait: (ms) => new Promise((resolve) => setTimeout(resolve, ms)), changed });
  window.addEventListener("online", () => made.hurry());
  document.addEventListener("visibilitychange", () => document.hidden || made.hurry());
  return made;
}

async function send(entry: Entry): Promise<void> {
  try {
    const told = await api.answer(entry.case, entry.key, entry.body);
    if (!told.saved) throw new ApiError(503, "unsaved", "The server did not save the answer.");
  } catch (error) {
    // After a login elsewhere the page's word is an old one; a new one comes with `me`.
    if (error instanceof ApiError && error.code === "csrf") await api.renewed(entry.owner.split("/").pop() ?? "");
    throw error;
  }
  await drafts.remove(`${entry.owner}/${entry.sample}`).catch(() => undefined); // it is answered
}

/** The words in the head of the page; they are also spoken. */
export class SaveState {
  readonly element = h("button", { type: "button", class: "save-state", test: "save-state", "aria-live": "polite", onclick: () => explain(this.outbox()) });

  constructor(private readonly outbox: () => Outbox) {
    this.update();
  }

  update(): void {
    const { state, waiting, refused } = this.outbox();
    const words = {
      saved: "Saved", saving: "Saving", waiting: `Waiting for network (${waiting})`, refused: `Not saved (${refused.length})`,
    }[state];
    if (this.element.textContent === words) return;
    this.element.textContent = words;
    this.element.dataset["state"] = state;
  }
}

/** What the server did not take, told beside the buttons of an answer too, where readers look. */
export class Refusals {
  private readonly words = h("span");
  private readonly more: HTMLButtonElement;
  readonly element: HTMLElement;

  constructor(private readonly outbox: Outbox) {
    this.more = h("button", { type: "button", class: "small", test: "refusal-more", onclick: () => explain(outbox) }, "What now?");
    this.element = h("p", { class: "notice refusal", role: "alert", test: "refusal" }, this.words, this.more);
    this.update();
  }

  /** Show what is now. */
  update(): void {
    const { refused } = this.outbox;
    const last = refused[refused.length - 1];
    this.more.hidden = !last;
    const which = refused.length === 1 ? "An answer of yours was" : `${refused.length} answers of yours were`;
    const words = last ? `${which} not saved. ${last.refused}` : "";
    if (this.words.textContent !== words) this.words.textContent = words;
  }
}

function explain(outbox: Outbox): void {
  const words = {
    saved: "Every answer you gave is on the server's disk.",
    saving: "The last answer is on its way.",
    waiting: "The server cannot be reached. Your answers are kept in this browser, survive closing it, and are sent as soon as it answers.",
    refused: "The server did not take these answers. What you drew is kept and shown again if the case comes back to you.",
  }[outbox.state];
  const list = outbox.refused.map((entry) => h("li", {}, `${new Date(entry.at).toLocaleTimeString()}: ${entry.refused}`));
  const forget = h("button", { type: "button", test: "forget-refused", onclick: () => void forgetAll() }, "Remove from this list");
  const now = h("button", { type: "button", test: "send-now", onclick: () => outbox.hurry() }, "Try now");
  const shown = dialog("Your answers", "saves", h("p", {}, words), list.length > 0 && h("ul", { class: "plain" }, ...list),
    h("div", { class: "row" }, outbox.waiting > 0 && now, list.length > 0 && forget));
  const forgetAll = async (): Promise<void> => {
    for (const entry of outbox.refused) await outbox.drop(entry.key);
    shown.close();
  };
}
