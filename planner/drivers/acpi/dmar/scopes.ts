// Device scopes, VT-d 4.1 8.3.1.

import { load8 } from "../../../../kernel/memory/physical";
import { Scope } from "./layout";
import { addScope, RecordKind, ScopeKind } from "./records";
import { refuse } from "./status";

const STEP_SIZE: u32 = 2;
const MAXIMUM_DEVICE: u8 = 31;
const MAXIMUM_FUNCTION: u8 = 7;

/** Reads the scopes in bytes `start` to `end` of the table, which lie in it. */
export function parseScopes(table: u64, start: u32, end: u32, ownerKind: RecordKind, owner: u32): bool {
  let offset = start;
  while (offset < end) {
    if (end - offset < <u32>Scope.Path) return refuse(offset, "a structure ends within a device scope's header");
    const length: u32 = load8(table + offset + Scope.Length);
    if (length < <u32>Scope.Path + STEP_SIZE || length % STEP_SIZE != 0) return refuse(offset, "a device scope has no path or half a step");
    if (length > end - offset) return refuse(offset, "a device scope leaves its structure");
    if (!parseScope(table, offset, (length - Scope.Path) / STEP_SIZE, ownerKind, owner)) return false;
    offset += length;
  }
  return true;
}

function parseScope(table: u64, offset: u32, steps: u32, ownerKind: RecordKind, owner: u32): bool {
  const scope = table + offset;
  const kind = load8(scope);
  // A kind that a later specification adds names no function that this kernel can find, so nothing is lost.
  if (kind < <u8>ScopeKind.Endpoint || kind > <u8>ScopeKind.AcpiDevice) return true;
  const path = scope + Scope.Path;
  if (!isPath(path, steps)) return refuse(offset, "a device scope's path has a device above 31 or a function above 7");
  const enumerationId = load8(scope + Scope.EnumerationId);
  const bus = load8(scope + Scope.Bus);
  return addScope(offset, ownerKind, owner, <ScopeKind>kind, enumerationId, bus, path, steps);
}

function isPath(path: u64, steps: u32): bool {
  for (let i: u32 = 0; i < steps; i++) {
    const step = path + STEP_SIZE * i;
    if (load8(step) > MAXIMUM_DEVICE || load8(step + 1) > MAXIMUM_FUNCTION) return false;
  }
  return true;
}
