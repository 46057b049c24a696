// What the documents point at is there: links, files and folders of this project, and every example has its line in the README.

import { readdirSync, readFileSync } from "node:fs";
import path from "node:path";
import { describe, expect, test } from "vitest";
import { exampleNames } from "../../../scripts/policy/load.ts";
import { projectDirectory } from "../../../scripts/policy/project.ts";

const SKIPPED = new Set(["node_modules", "build", ".git"]);
/** What a document tells the reader to make. */
const TO_MAKE = ["examples/gateway/system.ts"];
/** Every file and folder of the project, from its root. */
const ENTRIES = readdirSync(projectDirectory)
  .filter((name) => !SKIPPED.has(name))
  .flatMap((name) => [name, ...listBelow(name)]);
const DOCUMENTS = ENTRIES.filter((name) => name.endsWith(".md"));
const LINK = /\]\((?!https?:)([^)#]+)(?:#[^)]*)?\)/g;
/** A file or folder in code quotes, perhaps with `*` in its name. */
const NAMED = /`((?:boot|docs|drivers|examples|kernel|monitor|partitions|scripts|tests)\/[\w./*-]*)`/g;

function listBelow(folder: string): string[] {
  try {
    return readdirSync(path.join(projectDirectory, folder), { recursive: true, encoding: "utf8" }).map((name) => path.join(folder, name));
  } catch {
    return []; // a file
  }
}

function exists(name: string): boolean {
  const escaped = path.normalize(name).replace(/\/$/, "").replaceAll(".", "\\.").replaceAll("*", "[^/]*");
  return ENTRIES.some((entry) => new RegExp(`^${escaped}$`).test(entry));
}

const read = (document: string): string => readFileSync(path.join(projectDirectory, document), "utf8");
const all = (pattern: RegExp, text: string): string[] => [...text.matchAll(pattern)].map(([, found]) => found ?? "");

test("there are documents, and what is not there is noticed", () => {
  expect(DOCUMENTS).toEqual(expect.arrayContaining(["README.md", "docs/systems.md"]));
  expect([exists("kernel/vtd/fault*.ts"), exists("kernel/"), exists("kernel/nosuch.ts"), exists("kernel/vtd/nosuch*.ts")]).toEqual([true, true, false, false]);
});

describe.each(DOCUMENTS)("%s", (document) => {
  test("links to what is there", () => {
    expect(all(LINK, read(document)).filter((target) => !exists(path.join(path.dirname(document), target)))).toEqual([]);
  });

  test("names files and folders that are there", () => {
    expect(all(NAMED, read(document)).filter((name) => !TO_MAKE.includes(name) && !exists(name))).toEqual([]);
  });
});

test("the README has a line for each example", () => {
  const table = read("README.md").split("| `examples/` | |\n")[1]?.split("\n\n")[0] ?? "";
  const names = table.split("\n").flatMap((row) => all(/`([\w-]+)`/g, row.split("|")[1] ?? ""));
  expect(names.sort()).toEqual(exampleNames());
});
