// Walks the expressions of a function body as binaryen gives them.

import binaryen from "binaryen";

/** Binaryen's own numbers: its type declarations list them in another order than the library does at run time. */
const Ids = (binaryen as unknown as { ExpressionIds: Record<string, number> }).ExpressionIds;

export type Kind = string;

/** Fields that hold sub-expressions, for every kind of expression that AssemblyScript emits. */
const CHILDREN: Record<Kind, readonly string[]> = {
  AtomicCmpxchg: ["ptr", "expected", "replacement"],
  AtomicFence: [],
  AtomicRMW: ["ptr", "value"],
  Binary: ["left", "right"],
  Block: ["children"],
  Break: ["condition", "value"],
  Call: ["operands"],
  CallIndirect: ["target", "operands"],
  Const: [],
  DataDrop: [],
  Drop: ["value"],
  GlobalGet: [],
  GlobalSet: ["value"],
  If: ["condition", "ifTrue", "ifFalse"],
  Load: ["ptr"],
  LocalGet: [],
  LocalSet: ["value"],
  Loop: ["body"],
  MemoryCopy: ["dest", "source", "size"],
  MemoryFill: ["dest", "value", "size"],
  MemoryGrow: ["delta"],
  MemoryInit: ["dest", "offset", "size"],
  MemorySize: [],
  Nop: [],
  RefFunc: [],
  RefNull: [],
  Return: ["value"],
  Select: ["ifTrue", "ifFalse", "condition"],
  SIMDLoad: ["ptr"],
  SIMDLoadStoreLane: ["ptr", "vec"],
  SIMDExtract: ["vec"],
  SIMDReplace: ["vec", "value"],
  SIMDShift: ["vec", "shift"],
  SIMDShuffle: ["left", "right"],
  SIMDTernary: ["a", "b", "c"],
  Store: ["ptr", "value"],
  Switch: ["condition", "value"],
  Unary: ["value"],
  Unreachable: [],
};

const KIND_OF = new Map(Object.entries(Ids).map(([kind, id]) => [id, kind]));

export interface Expression {
  kind: Kind;
  type: binaryen.Type;
  /** Fields of the expression as binaryen gives them, such as `target` of a call; none for kinds without parts. */
  fields: Record<string, unknown>;
}

/** Calls `visit` for the expression and everything in it. */
export function walk(root: binaryen.ExpressionRef, visit: (expression: Expression) => void): void {
  const pending = [root];
  for (let reference = pending.pop(); reference !== undefined; reference = pending.pop()) {
    if (reference === 0) continue; // an optional part that is absent
    const expression = read(reference);
    visit(expression);
    pending.push(...childrenOf(expression));
  }
}

/** Binaryen knows no details of most kinds without parts, and throws when asked for them. */
function read(reference: binaryen.ExpressionRef): Expression {
  const id = binaryen.getExpressionId(reference);
  const kind = KIND_OF.get(id) ?? `number ${id}`;
  const fields = CHILDREN[kind]?.length === 0 && kind !== "GlobalGet" ? {} : (binaryen.getExpressionInfo(reference) as unknown as Record<string, unknown>);
  return { kind, type: binaryen.getExpressionType(reference), fields };
}

function childrenOf({ kind, fields }: Expression): number[] {
  const names = CHILDREN[kind];
  if (names === undefined) throw new Error(`the audit does not know the expression kind ${kind}: add it to scripts/audit/expressions.ts`);
  return names.flatMap((name) => fields[name] as number | number[]);
}
