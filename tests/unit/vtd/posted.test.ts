import { beforeAll, describe, expect, test } from "vitest";
import { PhysicalMemory } from "../machine/physical-memory.ts";
import { compileInterrupts, InterruptMachine } from "./interrupt-machine.ts";

const DESCRIPTOR = 0x40_0040;
const CONTROL = DESCRIPTOR + 32;
const REGISTERS = 0x7000_0000;
const CAP_PI = 1n << 59n;

let module: WebAssembly.Module;
beforeAll(async () => {
  module = await compileInterrupts();
}, 120_000);

/** Posts as a unit does: the request, then ON; true if it notifies. */
function post(memory: PhysicalMemory, vector: number): boolean {
  const word = DESCRIPTOR + 4 * (vector >> 5);
  memory.write(word, 4, memory.read(word, 4) | (1n << BigInt(vector & 31)));
  const control = memory.read(CONTROL, 4);
  memory.write(CONTROL, 4, control | 1n);
  return (control & 1n) === 0n;
}

/** Memory in which a unit posts one of `during` just before each exchange of the kernel. */
class PostingMemory extends PhysicalMemory {
  readonly during: number[] = [];
  notifications = 0;

  override imports(): ReturnType<PhysicalMemory["imports"]> {
    const imports = super.imports();
    const exchange = imports["compareExchange32"] as (address: bigint, expected: number, value: number) => number;
    return {
      ...imports,
      compareExchange32: (address: bigint, expected: number, value: number) => {
        const vector = this.during.shift();
        if (vector !== undefined && post(this, vector)) this.notifications++;
        return exchange(address, expected, value);
      },
    };
  }
}

function take(machine: InterruptMachine): number[] {
  const out = machine.kernel.scratch();
  const any = machine.kernel.takePosted(BigInt(DESCRIPTOR), out);
  const vectors: number[] = [];
  for (let vector = 0; vector < 256; vector++) {
    if (machine.view.getUint32(out + 4 * (vector >> 5), true) & (1 << (vector & 31))) vectors.push(vector);
  }
  expect(any).toBe(vectors.length > 0 ? 1 : 0);
  return vectors;
}

describe("posted-interrupt descriptor", () => {
  test.each([
    [0, 5, 5n << 8n],
    [1, 5, 5n],
    [1, 0x1_0203, 0x1_0203n],
  ])("is made empty, with NV and NDST; x2APIC form %i", (extended, apicId, destination) => {
    const machine = new InterruptMachine(module);
    machine.memory.writeBytes(DESCRIPTOR, Buffer.alloc(64, 0xff));
    machine.kernel.prepareDescriptor(BigInt(DESCRIPTOR), 0xf2, apicId, extended);
    expect(machine.memory.read(CONTROL, 8)).toBe((destination << 32n) | 0xf2_0000n);
    expect(machine.memory.readBytes(DESCRIPTOR, 32)).toEqual(Buffer.alloc(32));
    expect(machine.memory.readBytes(DESCRIPTOR + 40, 24)).toEqual(Buffer.alloc(24));
  });

  test("what was posted is taken once, and the next post notifies again", () => {
    const machine = new InterruptMachine(module);
    machine.kernel.prepareDescriptor(BigInt(DESCRIPTOR), 0xf2, 1, 0);
    expect(take(machine)).toEqual([]);
    const posted = [0, 31, 32, 64, 127, 200, 255];
    expect(posted.map((vector) => post(machine.memory, vector))).toEqual([true, false, false, false, false, false, false]);
    expect(take(machine)).toEqual(posted);
    expect(take(machine)).toEqual([]);
    expect(machine.memory.read(CONTROL, 8)).toBe((1n << 40n) | 0xf2_0000n);
    expect(post(machine.memory, 77)).toBe(true);
    expect(take(machine)).toEqual([77]);
  });

  test("nothing is lost that hardware posts while the kernel takes", () => {
    const memory = new PostingMemory();
    const machine = new InterruptMachine(module, [], { memory });
    machine.kernel.prepareDescriptor(BigInt(DESCRIPTOR), 0xf2, 1, 0);
    for (const vector of [10, 40, 250]) post(memory, vector);
    memory.during.push(11, 12, 41, 9, 251, 130);
    const first = take(machine);
    const second = take(machine);
    expect(memory.during).toEqual([]);
    expect([...first, ...second].sort((a, b) => a - b)).toEqual([9, 10, 11, 12, 40, 41, 130, 250, 251]);
    expect(second.length).toBeGreaterThan(0);
    expect(memory.notifications).toBeGreaterThan(0);
    expect(take(machine)).toEqual([]);
  });

  test.each([
    [CAP_PI, 1],
    [0n, 0],
  ])("posting needs a unit that can: CAP 0x%s", (capability, can) => {
    const machine = new InterruptMachine(module);
    machine.memory.write(REGISTERS + 8, 8, capability);
    const unit = machine.kernel.addUnit(BigInt(REGISTERS), 0);
    expect(machine.kernel.canPost(unit)).toBe(can);
  });
});
