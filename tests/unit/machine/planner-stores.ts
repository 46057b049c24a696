// What boot/planner.c does to the planner's stores: one to the kernel's image or beyond the direct map ends the boot.

/** Of the direct map of core 0's first page tables: BOOT_DEVICES_END. */
const DIRECT_MAP_END = 512n << 30n;

type Value = bigint | number;
type Import = (...parameters: Value[]) => unknown;

/** The `phys` imports of planner.wasm, for an image at [start, end). */
export function boundStores(imports: Record<string, (...parameters: never[]) => unknown>, start: number, end: number): Record<string, Import> {
  const bound = Object.entries(imports as Record<string, Import>).map(([name, body]) => [name, withCheck(name, body, start, end)] as const);
  return Object.fromEntries(bound);
}

/** Throws unless the planner may write, or have the console write, all of these bytes. */
export function checkStore(base: bigint, size: bigint, start: number, end: number): void {
  const address = BigInt.asUintN(64, base);
  const length = BigInt.asUintN(64, size);
  if (address + length > DIRECT_MAP_END || (address + length > BigInt(start) && address < BigInt(end))) throw new RangeError(`the planner may not write ${length} bytes at 0x${address.toString(16)}`);
}

function withCheck(name: string, body: Import, start: number, end: number): Import {
  const lengthOf = lengthOfWrite(name);
  if (lengthOf === null) return body;
  return (...parameters) => {
    checkStore(BigInt(parameters[0]!), BigInt(lengthOf(parameters)), start, end);
    return body(...parameters);
  };
}

/** Bytes that an import writes; null for one that does not. */
function lengthOfWrite(name: string): ((parameters: Value[]) => Value) | null {
  const bits = /^store(\d+)$/.exec(name)?.[1];
  if (bits !== undefined) return () => Number(bits) / 8;
  if (name === "compareExchange32") return () => 4;
  if (name === "clear") return (parameters) => parameters[1]!;
  if (name === "copy") return (parameters) => parameters[2]!;
  return null;
}
