// Own account: another password, and the way out.

import { api, apiErrorOf } from "./api";
import { dialog, h } from "./dom";
import type { Me } from "./records";

/** `changed` is told who is logged in with the new password; `leave` fails if the server did not hear it. */
export function showAccount(me: Me, changed: (me: Me) => void, leave: () => Promise<void>): void {
  const { name, role, has_password: known } = me.reader;
  const words = known ? "" : "You came by a link that works once. With a password you can come again.";
  const said = h("p", { class: "faint", role: "status", test: "password-message" }, words);
  const old = h("input", { id: "old-password", type: "password", autocomplete: "current-password", required: true, test: "old-password" });
  const fresh = h("input", { id: "own-password", type: "password", autocomplete: "new-password", required: true, test: "own-password" });
  const change = async (event: Event): Promise<void> => {
    event.preventDefault();
    try {
      changed(await api.password(name, fresh.value, known ? old.value : ""));
      old.value = fresh.value = "";
      Object.assign(said, { className: "faint", textContent: "The new password holds from now on; everywhere else you are logged out." });
    } catch (error) {
      Object.assign(said, { className: "notice", textContent: (error as Error).message });
    }
  };
  const stayed = h("p", { class: "notice", role: "alert", test: "logout-message" });
  const out = async (): Promise<void> => {
    stayed.textContent = "";
    try {
      await leave();
    } catch (error) {
      const again = apiErrorOf(error)?.status === 0 ? "Log out again as soon as the network is back." : "Try again.";
      stayed.textContent = `You are still logged in. ${(error as Error).message} ${again}`;
    }
  };
  const field = (id: string, text: string, input: HTMLElement): HTMLElement => h("div", { class: "field" }, h("label", { for: id }, text), input);
  const form = h("form", { class: "own", onsubmit: change }, known === true && field("old-password", "Password", old),
    field("own-password", "New password", fresh), h("button", { type: "submit", test: "set-password" }, "Set password"));
  dialog(`Your account: ${name}, ${role}`, "account", form, said, stayed,
    h("div", { class: "row end" }, h("button", { type: "button", test: "logout", onclick: () => void out() }, "Log out")));
}
