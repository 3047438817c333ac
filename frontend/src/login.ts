// Login: name and password, or the link that an admin gave.

import { api, apiErrorOf } from "./api";
import { h, heading } from "./dom";
import type { Me } from "./records";
import type { Screen } from "./screen";

/** What went wrong, and what to do where trying again helps. */
export function loginTrouble(error: unknown): string {
  const known = apiErrorOf(error);
  const again = known?.status === 0 ? " Check the network, then try again." : "";
  return `${(error as Error).message}${again}`;
}

/** `entered` resolves when whoever came in sees a screen. */
export function loginScreen(message: string, entered: (me: Me) => Promise<void>): Screen {
  const name = h("input", { id: "login-name", name: "username", autocomplete: "username", autocapitalize: "none", required: true, test: "login-name" });
  const password = h("input", { id: "login-password", name: "password", type: "password", autocomplete: "current-password", required: true, test: "login-password" });
  const notice = h("p", { class: "notice", role: "alert", test: "login-message" }, message);
  const button = h("button", { type: "submit", class: "primary", test: "login-submit" }, "Log in");
  const submit = async (event: Event): Promise<void> => {
    event.preventDefault();
    if (button.getAttribute("aria-disabled") === "true") return;
    button.setAttribute("aria-disabled", "true"); // a disabled one would lose the focus
    notice.textContent = "";
    try {
      await entered(await api.login(name.value.trim(), password.value));
    } catch (error) {
      notice.textContent = loginTrouble(error);
      if (!apiErrorOf(error)?.passing) password.value = "";
      password.focus();
    } finally {
      button.removeAttribute("aria-disabled");
    }
  };
  const form = h("form", { class: "card login", onsubmit: submit, test: "screen-login" },
    heading("Foveal"), h("p", { class: "faint" }, "Log in to read."),
    h("label", { for: "login-name" }, "Name"), name, h("label", { for: "login-password" }, "Password"), password, notice, button);
  return { element: h("main", { class: "center" }, form), open: () => name.focus(), close: () => undefined };
}
