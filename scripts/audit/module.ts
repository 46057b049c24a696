// What the rules need to know of a WebAssembly module, gathered in one pass.

import binaryen from "binaryen";
import { walk, type Expression } from "./expressions.ts";

export interface FunctionFacts {
  /** Name as AssemblyScript gives it: file path and function, such as kernel/cpu/vmx/vmcs/read. */
  name: string;
  /** "module.name" if the function is imported. */
  imported: string | null;
  /** Functions it calls directly, each once. */
  calls: string[];
  /** Kinds of indirect call and function reference in it. */
  indirect: string[];
  /** It uses memory.grow. */
  growsMemory: boolean;
  /** It has a value of type f32, f64 or v128. */
  usesFloats: boolean;
  /** Global variables that it reads and writes, each once. */
  reads: string[];
  writes: string[];
}

export interface ModuleFacts {
  functions: Map<string, FunctionFacts>;
  /** Exported functions: name outside to name inside. */
  exports: Map<string, string>;
  /** Globals of floating-point or vector type. */
  floatGlobals: string[];
  /** Globals that can change. */
  variables: string[];
}

const INDIRECT_KINDS = new Set(["CallIndirect", "RefFunc"]);

export function readModule(bytes: Uint8Array): ModuleFacts {
  const module = binaryen.readBinary(bytes);
  try {
    return { functions: readFunctions(module), exports: readExports(module), floatGlobals: readGlobals(module, ({ type }) => isFloat(type)), variables: readGlobals(module, ({ mutable }) => mutable) };
  } finally {
    module.dispose();
  }
}

function readFunctions(module: binaryen.Module): Map<string, FunctionFacts> {
  const functions = new Map<string, FunctionFacts>();
  for (let index = 0; index < module.getNumFunctions(); index++) {
    const information = binaryen.getFunctionInfo(module.getFunctionByIndex(index));
    functions.set(information.name, readFunction(information));
  }
  return functions;
}

function readFunction(information: binaryen.FunctionInfo): FunctionFacts {
  const calls = new Set<string>();
  const indirect = new Set<string>();
  const reads = new Set<string>();
  const writes = new Set<string>();
  const imported = information.module ? `${information.module}.${information.base ?? ""}` : null;
  const facts: FunctionFacts = { name: information.name, imported, calls: [], indirect: [], growsMemory: false, usesFloats: false, reads: [], writes: [] };
  const types = [...binaryen.expandType(information.params), ...binaryen.expandType(information.results), ...information.vars];
  facts.usesFloats = types.some(isFloat);
  const visit = ({ kind, type, fields }: Expression): void => {
    if (kind === "Call") calls.add(String(fields["target"]));
    if (INDIRECT_KINDS.has(kind)) indirect.add(kind);
    if (kind === "GlobalGet") reads.add(String(fields["name"]));
    if (kind === "GlobalSet") writes.add(String(fields["name"]));
    if (kind === "MemoryGrow") facts.growsMemory = true;
    if (isFloat(type)) facts.usesFloats = true;
  };
  if (imported === null) walk(information.body, visit);
  facts.calls = [...calls];
  facts.indirect = [...indirect];
  facts.reads = [...reads];
  facts.writes = [...writes];
  return facts;
}

function readExports(module: binaryen.Module): Map<string, string> {
  const exports = new Map<string, string>();
  for (let index = 0; index < module.getNumExports(); index++) {
    const information = binaryen.getExportInfo(module.getExportByIndex(index));
    if (information.kind === binaryen.ExternalFunction) exports.set(information.name, information.value);
  }
  return exports;
}

function readGlobals(module: binaryen.Module, counts: (information: binaryen.GlobalInfo) => boolean): string[] {
  const names: string[] = [];
  for (let index = 0; index < module.getNumGlobals(); index++) {
    const information = binaryen.getGlobalInfo(module.getGlobalByIndex(index));
    if (counts(information)) names.push(information.name);
  }
  return names;
}

function isFloat(type: binaryen.Type): boolean {
  return type === binaryen.f32 || type === binaryen.f64 || type === binaryen.v128;
}
