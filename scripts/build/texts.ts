// kernel/texts.json: what the kernel prints for numbers. Texts are data: they lie in the image's table of names (symbols.ts), not in its code.

import { readFileSync } from "node:fs";
import path from "node:path";
import { z } from "zod";
import { projectDirectory } from "../policy/project.ts";
import { readEnum } from "./source-numbers.ts";

/** Relative to the project's folder. */
export const TEXTS = "kernel/texts.json";
/** Where `const enum Text` numbers the lists of texts by name. */
const TEXT_LISTS = "kernel/boot/symbols.ts";

/** `enum`: the file with the const enum of the list's name; without one the texts stand by their numbers. A member without a text is printed by its name. */
const listSchema = z.strictObject({ enum: z.string().optional(), texts: z.record(z.string(), z.string().regex(/^[\x20-\x7e]+$/)).default({}) });
const fileSchema = z.record(z.string(), listSchema);

/** Texts by number, for each list in TEXTS. */
export function readTexts(): Map<string, Map<number, string>> {
  const lists = fileSchema.parse(JSON.parse(readFileSync(path.join(projectDirectory, TEXTS), "utf8")));
  return new Map(Object.entries(lists).map(([name, list]) => [name, list.enum === undefined ? numbered(name, list.texts) : named(name, list.enum, list.texts)]));
}

/** Files that the texts depend on. */
export function textSources(): string[] {
  const lists = fileSchema.parse(JSON.parse(readFileSync(path.join(projectDirectory, TEXTS), "utf8")));
  return [...new Set([TEXTS, TEXT_LISTS, ...Object.values(lists).flatMap((list) => list.enum ?? [])])].map((file) => path.join(projectDirectory, file));
}

/** Texts by key, as kernel/boot/symbols.ts looks for them: the list's number in the upper half, the text's in the lower. */
export function textsByKey(): Map<bigint, string> {
  const numbers = readEnum(TEXT_LISTS, "Text");
  const texts = readTexts();
  for (const name of numbers.keys()) if (!texts.has(name)) throw new Error(`${TEXTS}: the list ${name} of ${TEXT_LISTS} is missing`);
  const entries = [...texts].flatMap(([name, list]) => {
    const number = numbers.get(name);
    if (number === undefined) throw new Error(`${TEXTS}: ${name} is no member of Text in ${TEXT_LISTS}`);
    return [...list].map(([value, text]) => [BigInt(number * 0x1_0000 + value), text] as const);
  });
  return new Map(entries.sort(([left], [right]) => Number(left - right)));
}

function numbered(name: string, texts: Readonly<Record<string, string>>): Map<number, string> {
  return new Map(Object.entries(texts).map(([number, text]) => {
    if (!/^\d+$/.test(number)) throw new Error(`${TEXTS}: ${name}.${number} is no number; name the file of its enum`);
    return [Number(number), text];
  }));
}

function named(name: string, file: string, texts: Readonly<Record<string, string>>): Map<number, string> {
  const members = readEnum(file, name);
  for (const member of Object.keys(texts)) if (!members.has(member)) throw new Error(`${TEXTS}: ${file} has no ${name}.${member}`);
  return new Map([...members].map(([member, number]) => [number, texts[member] ?? member]));
}
