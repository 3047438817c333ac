// Check: builds the page again, twice, and compares it byte by byte with what is committed.

import { execFileSync } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const ROOT = fileURLToPath(new URL("..", import.meta.url));
const COMMITTED = fileURLToPath(new URL("../../src/foveal/annotate/static/", import.meta.url));

function built() {
  const out = mkdtempSync(join(tmpdir(), "foveal-page-"));
  try {
    const env = { ...process.env, FOVEAL_STATIC: out };
    execFileSync("npx", ["vite", "build", "--logLevel", "error"], { cwd: ROOT, env, stdio: "inherit" });
    return files(out);
  } finally {
    rmSync(out, { recursive: true });
  }
}

function files(folder) {
  const names = readdirSync(folder, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
  return new Map(names.map((entry) => [join(entry.parentPath, entry.name).slice(folder.length).replace(/^\//, ""), readFileSync(join(entry.parentPath, entry.name))]));
}

function differences(one, other) {
  const names = new Set([...one.keys(), ...other.keys()]);
  return [...names].filter((name) => !one.get(name)?.equals(other.get(name) ?? Buffer.alloc(0)));
}

const page = built();
const wrong = [...differences(page, built()).map((name) => `${name}: two builds differ`),
  ...differences(page, files(COMMITTED)).map((name) => `${name}: is not what the source builds; run \`npm run build\` and commit`)];
wrong.forEach((line) => console.error(line));
console.log(wrong.length ? "The page is not up to date." : `The page is what the source builds: ${page.size} files.`);
process.exit(wrong.length ? 1 : 0);
