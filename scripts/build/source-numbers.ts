// Numbers of AssemblyScript sources that Node cannot import, because they declare wasm imports.

import { readFileSync } from "node:fs";
import path from "node:path";
import { projectDirectory } from "../policy/project.ts";

function readSource(file: string): string {
  return readFileSync(path.join(projectDirectory, file), "utf8");
}

/** Value of an integer literal or of a shift of two, as they stand in the sources. */
function evaluate(text: string, where: string): bigint {
  const [left, right] = text.split("<<").map((part) => part.trim().replace(/_/g, ""));
  if (left === undefined || !/^(0x[0-9a-f]+|\d+)$/i.test(left)) throw new Error(`${where}: cannot read the number ${text}`);
  return right === undefined ? BigInt(left) : BigInt(left) << BigInt(right);
}

/** Members of `const enum name` in `file` (a path from the project's folder), by name. */
export function readEnum(file: string, name: string): Map<string, number> {
  const body = new RegExp(`const enum ${name} \\{([^}]*)\\}`).exec(readSource(file))?.[1];
  if (body === undefined) throw new Error(`${file} has no const enum ${name}`);
  const members = new Map<string, number>();
  let next = 0;
  for (const entry of body.replace(/\/\*[\s\S]*?\*\/|\/\/.*/g, "").split(",")) {
    const [member, value] = entry.split("=").map((part) => part.trim());
    if (member === undefined || member === "") continue;
    const number = value === undefined ? next : Number(evaluate(value, `${file} ${name}.${member}`));
    members.set(member, number);
    next = number + 1;
  }
  return members;
}

/** Constants `const NAME: type = number` of `file`, or of a namespace in it. */
export function readConstants(file: string, namespace?: string): Map<string, bigint> {
  const constants = new Map<string, bigint>();
  for (const [, name, value] of declarations(file, namespace).matchAll(/^ *(?:export )?const (\w+)(?:: \w+)? = ([^;]+);/gm)) {
    if (name !== undefined && value !== undefined && /^(0x)?[\da-f_]+( << \d+)?$/i.test(value)) {
      constants.set(name, evaluate(value, `${file} ${name}`));
    }
  }
  return constants;
}

function declarations(file: string, namespace: string | undefined): string {
  const source = readSource(file);
  if (namespace === undefined) return source.replace(/namespace \w+ \{[^}]*\}/g, "");
  const body = new RegExp(`namespace ${namespace} \\{([^}]*)\\}`).exec(source)?.[1];
  if (body === undefined) throw new Error(`${file} has no namespace ${namespace}`);
  return body;
}
