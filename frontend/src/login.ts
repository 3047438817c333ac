// Login: name and password, or the link that an admin gave.

import { api } from "./api";
import { h } from "./dom";
import type { Me } from "./records";
import type { Screen } from "./screen";

export function loginScreen(message: string, entered: (me: Me) => void): Screen {
  const name = h("input", { id: "login-name", name: "username", autocomplete: "username", autocapitalize: "none", required: true, test: "login-name" });
  const password = h("input", { id: "login-password", name: "password", type: "password", autocomplete: "current-password", required: true, test: "login-password" });
  const notice = h("p", { class: "notice", role: "alert", test: "login-message" }, message);
  const button = h("button", { type: "submit", class: "primary", test: "login-submit" }, "Log in");
  const submit = async (event: Event): Promise<void> => {
    event.preventDefault();
    button.disabled = true;
    try {
      entered(await api.login(name.value.trim(), password.value));
    } catch (error) {
      notice.textContent = (error as Error).message;
      password.value = "";
      password.focus();
    } finally {
      button.disabled = false;
    }
  };
  const form = h("form", { class: "card login", onsubmit: submit, test: "screen-login" },
    h("h1", {}, "Foveal"), h("p", { class: "faint" }, "Log in to read."),
    h("label", { for: "login-name" }, "Name"), name, h("label", { for: "login-password" }, "Password"), password, button, notice);
  return { element: h("main", { class: "center" }, form), open: () => name.focus(), close: () => undefined };
}
