// Exchange: files out of the project and answers into it.

import { api } from "./api";
import { h } from "./dom";

/** What can be taken out, by what it is for. */
const OUT: readonly (readonly [string, readonly (readonly [string, string])[]])[] = [
  ["Answers and regions, for other programs", [["csv", "CSV table"], ["coco", "COCO"], ["label-studio", "Label Studio"], ["cvat", "CVAT"]]],
  ["Regions as images", [["masks", "PNG"], ["nifti", "NIfTI"], ["dicom", "DICOM"]]],
  ["The model", [["model", "Safetensors"], ["model-onnx", "ONNX"], ["model-card", "What it is good for"]]],
  ["Everything, to keep or to move", [["archive", "Whole project"]]],
];
const IN: readonly (readonly [string, string])[] = [["csv", "CSV"], ["coco", "COCO"], ["label-studio", "Label Studio"], ["cvat", "CVAT"]];

export function exchange(): HTMLElement {
  const said = h("p", { class: "faint", role: "status", test: "exchange-message" });
  const groups = OUT.map(([what, formats]) => h("div", { class: "out", role: "group", "aria-label": what }, h("p", { class: "faint" }, what),
    h("div", { class: "row" }, ...formats.map(([name, words]) => h("button", { type: "button", test: `export-${name}`, onclick: () => void download(name, said) }, words)))));
  const format = h("select", { id: "import-format", test: "import-format", "aria-label": "Format of the file" }, ...IN.map(([name, words]) => h("option", { value: name }, words)));
  const file = h("input", { type: "file", test: "import-file", "aria-label": "File with answers" });
  const take = h("button", { type: "button", test: "import", onclick: () => void taken(format.value, file.files?.[0], said) }, "Import");
  return h("section", { class: "card exchange", test: "card-exchange", "aria-label": "Export and import" },
    h("h2", {}, "Export"), h("div", { class: "outs" }, ...groups), h("h2", {}, "Import answers from another program"), h("div", { class: "row" }, format, file, take), said);
}

/** Ask first, so that what the server has against it is said here and not in a file. */
async function download(name: string, said: HTMLElement): Promise<void> {
  said.textContent = "Writing the file";
  try {
    const { blob, file } = await api.exported(name);
    const link = h("a", { href: URL.createObjectURL(blob), download: file });
    link.click();
    window.setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
    said.textContent = `${file} has been saved.`;
  } catch (error) {
    said.textContent = (error as Error).message;
  }
}

async function taken(format: string, file: File | undefined, said: HTMLElement): Promise<void> {
  if (!file) return void (said.textContent = "Choose a file first.");
  said.textContent = "Reading the file";
  try {
    const told = await api.take(format, new Blob([file]));
    const problems = told.problems.length > 0 ? ` ${told.problems.length} problems: ${told.problems.slice(0, 5).join("; ")}` : "";
    said.textContent = `${told.read} answers read, ${told.kept} of them new.${problems}`;
  } catch (error) {
    said.textContent = (error as Error).message;
  }
}
