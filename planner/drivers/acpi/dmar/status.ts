// Why a DMAR table was refused, and where.

let failure: string = "";
let failureOffset: u32 = 0;

/** Why the table was refused; empty if it was not. */
export function dmarFailure(): string { return failure; }
/** Offset in the table of the structure, scope or field that is wrong; 0 if nothing is or the table is missing. */
export function dmarFailureOffset(): u32 { return failureOffset; }

export function clearFailure(): void {
  failure = "";
  failureOffset = 0;
}

/** Remembers what is wrong with the table and where; false. */
export function refuse(offset: u32, reason: string): bool {
  failure = reason;
  failureOffset = offset;
  return false;
}
