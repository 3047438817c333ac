// Dashboard: where the project stands; asked for again while it is looked at.

import { api } from "./api";
import { curveChart, shownMetrics } from "./charts";
import { h, heading, refill, sentence } from "./dom";
import { exchange } from "./exchange";
import type { Compared, Dashboard } from "./records";
import type { Screen } from "./screen";
import { atLeast, type Session } from "./session";

const EVERY = 5_000; // milliseconds between two looks
const KAPPA = "Kappa: how far readers agree on classes beyond chance; 0 is chance, 1 is always. Dice: how far their regions overlap; 1 is wholly.";

export function dashboardScreen(session: Session): Screen {
  const lead = atLeast(session, "lead");
  const figures = h("div", { class: "dashboard", "aria-busy": "true" });
  const notice = h("p", { class: "notice", role: "status", test: "dashboard-message" });
  const element = h("main", { class: "page", test: "screen-dashboard" }, heading("Dashboard"), notice, figures, lead && exchange());
  let timer = 0;
  let shown = "";
  const look = async (): Promise<void> => {
    try {
      const told = await api.dashboard();
      notice.textContent = "";
      if (JSON.stringify(told) !== shown) refill(figures, ...cards(told, lead, train));
      shown = JSON.stringify(told);
      figures.removeAttribute("aria-busy");
    } catch (error) {
      notice.textContent = (error as Error).message;
    }
  };
  const train = async (): Promise<void> => {
    await api.train().catch((error: Error) => (notice.textContent = error.message));
    await look();
  };
  return {
    element,
    open: () => {
      void look();
      timer = window.setInterval(() => document.hidden || void look(), EVERY);
    },
    close: () => window.clearInterval(timer),
  };
}

function cards(told: Dashboard, lead: boolean, train: () => Promise<void>): HTMLElement[] {
  return [
    numbers(told), curveCard(told), adviceCard(told), workerCard(told, lead, train), balanceCard(told), readersCard(told),
    ...(told.agreement ? [agreementCard(told.agreement)] : []),
  ];
}

function card(title: string, test: string, ...children: (Node | string | false)[]): HTMLElement {
  return h("section", { class: "card", test, "aria-label": title }, h("h2", {}, title), ...children);
}

function figure(value: string, words: string, test: string): HTMLElement {
  return h("div", { class: "figure" }, h("strong", { test }, value), h("span", {}, words));
}

function numbers(told: Dashboard): HTMLElement {
  return h("section", { class: "card numbers", "aria-label": "Numbers" },
    figure(`${told.labels} / ${told.candidates}`, "cases read for training", "labels"), figure(told.minutes.toFixed(0), "minutes of reading", "minutes"),
    figure(`${told.test_labels} / ${told.test_target}`, "cases read for testing", "test-labels"), figure(String(told.queue_left), "waiting to be read", "queue-left"),
    figure(String(told.disputes), "to settle", "disputed"), figure(String(told.quarantined), "left out", "left-out"));
}

function curveCard(told: Dashboard): HTMLElement {
  const chart = curveChart(told.curve);
  const legend = shownMetrics(told.curve).map(({ words, meaning, style }) => h("li", {}, h("span", { class: `key ${style}` }, words), `: ${meaning}`));
  const last = told.curve[told.curve.length - 1];
  const made = card("Learning curve", "card-curve",
    chart ?? h("p", { class: "faint" }, "The curve begins with the first training, once test cases have been read."),
    chart !== null && h("ul", { class: "legend" }, ...legend,
      h("li", { class: "faint" }, `Shaded: where the value lies with 95 % certainty, judged by ${last?.tested_on ?? 0} test cases`)));
  made.classList.add("tall");
  return made;
}

function adviceCard(told: Dashboard): HTMLElement {
  return card("What to expect", "card-advice", ...told.advice.map((words) => h("p", { test: "advice" }, sentence(words))), h("p", { class: "faint", test: "expected-gain" }, told.expected_gain),
    h("p", { class: "faint" }, "A label is an answer that counts; the pool is all images that can be asked for."));
}

function workerCard(told: Dashboard, lead: boolean, train: () => Promise<void>): HTMLElement {
  const { worker } = told;
  const state = { working: "At work", idle: "Ready", away: "Not running" }[worker.state];
  const { what, done, of } = worker.progress;
  const progress = what ? `${what}${of ? `, ${done} of ${of}` : ""}` : "";
  const since = told.since_training === 1 ? "1 new answer" : `${told.since_training} new answers`;
  const words = worker.waiting ? "A training is about to begin." : `${since} since the last training; one begins after every ${told.train_every}.`;
  const button = h("button", { type: "button", test: "train-now", disabled: worker.waiting, onclick: () => void train() }, "Train now");
  return card("Model", "card-worker", h("p", { class: `state ${worker.state}`, test: "worker-state" }, state), progress !== "" && h("p", { class: "faint", test: "worker-progress" }, progress),
    h("p", {}, words), worker.error !== "" && h("p", { class: "notice", test: "worker-error" }, worker.error), lead && h("div", { class: "row" }, button));
}

function balanceCard(told: Dashboard): HTMLElement {
  const most = Math.max(...Object.values(told.balance), 1);
  return card("Classes", "card-balance", h("ul", { class: "bars" }, ...Object.entries(told.balance).map(([name, count]) => {
    const bar = h("span", { class: "bar", "aria-hidden": "true" });
    bar.style.setProperty("--share", String(count / most));
    return h("li", {}, h("span", {}, name), bar, h("span", { class: "count" }, String(count)));
  })));
}

function table(heads: readonly string[], rows: readonly (readonly string[])[], test: string): HTMLElement {
  return h("table", { test }, h("thead", {}, h("tr", {}, ...heads.map((head) => h("th", { scope: "col" }, head)))),
    h("tbody", {}, ...rows.map((row) => h("tr", {}, ...row.map((cell, i) => (i === 0 ? h("th", { scope: "row" }, cell) : h("td", {}, cell)))))));
}

function readersCard(told: Dashboard): HTMLElement {
  const rows = told.readers.map((one) => [one.name, String(one.cases), one.minutes.toFixed(0), one.seconds_per_case?.toFixed(0) ?? "", String(one.unsure), String(one.skipped), String(one.bad)]);
  const made = card("Readers", "card-readers", table(["Reader", "Cases", "Minutes", "Seconds a case", "Unsure", "Skipped", "Bad image"], rows, "readers"));
  made.classList.add("broad");
  return made;
}

function agreementCard(told: NonNullable<Dashboard["agreement"]>): HTMLElement {
  const cells = (one: Compared): string[] => [String(one.cases), one.same_class === null ? "" : `${Math.round(100 * one.same_class)} %`, one.kappa?.toFixed(2) ?? "", one.dice?.toFixed(2) ?? ""];
  const rows = [...told.pairs.map((one) => [one.readers.join(" and "), ...cells(one)]), ...told.self.map((one) => [`${one.reader}, shown again`, ...cells(one)])];
  const shown = rows.length > 0
    ? [table(["Readers", "Cases", "Same class", "Kappa", "Dice"], rows, "agreement"), h("p", { class: "faint" }, KAPPA)]
    : [h("p", { class: "faint" }, "No case has been read by two readers, or twice by one, yet.")];
  const made = card("Agreement", "card-agreement", ...shown);
  made.classList.add("broad");
  return made;
}
