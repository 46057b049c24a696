// INS and OUTS, single and repeated.

import { beforeAll, describe, expect, test } from "vitest";
import { AccessStatus, VcpuFrame } from "../../../../monitor/interface.ts";
import { compileParts, Parts } from "../parts.ts";

const CODE = 0x4000n;
const BUFFER = 0x8000n;
const CODE_MODE_64 = 1n;
const CODE_MODE_32 = 2n;
const CODE_MODE_16 = 0n;
const ADDRESS_64 = 2 << 7;
const ADDRESS_32 = 1 << 7;
const ADDRESS_16 = 0;
const GENERAL_PROTECTION = 13n;
const TRAP_FLAG = 0x100n;
const ES = 0;
const DS = 3;
const GS = 5;
const DIRECTION_FLAG = 0x400n;
const RCX = 1;
const RSI = 6;
const RDI = 7;
const PORT = 0x1f0;

const INSB = "6c";
const OUTSW = "666f";
const REP_INSL = "f36d";
const REP_INSB = "f36c";
const REP_OUTSB = "f36e";

let module: WebAssembly.Module;

beforeAll(async () => {
  module = await compileParts();
}, 60_000);

function guest(code: string, codeMode = CODE_MODE_64): Parts {
  const parts = new Parts(module, 1024 * 1024);
  Buffer.from(code, "hex").copy(parts.ram, Number(CODE));
  parts.setFrame(VcpuFrame.Rip, CODE);
  parts.setFrame(VcpuFrame.CodeMode, codeMode);
  parts.setRegister(RSI, BUFFER);
  parts.setRegister(RDI, BUFFER);
  return parts;
}

/** A port that reads 1, 2, 3 …; returns what is written to it. */
function connect(parts: Parts): number[] {
  const written: number[] = [];
  let next = 0;
  parts.bus.portIn = (port) => (port === PORT ? ++next : 0xffffffff);
  parts.bus.portOut = (port, _size, value) => void (port === PORT && written.push(value));
  return written;
}

describe("executeStringPort", () => {
  test("INSB stores one byte", () => {
    const parts = guest(INSB);
    connect(parts);
    expect(parts.exports.executeStringPort(0, PORT, 1, 0, 0, ADDRESS_64)).toBe(AccessStatus.Done);
    expect(parts.ram.readUInt8(Number(BUFFER))).toBe(1);
    expect(parts.register(RDI)).toBe(BUFFER + 1n);
    expect(parts.frame(VcpuFrame.Rip)).toBe(CODE + 1n);
  });

  test("OUTSW goes down with DF", () => {
    const parts = guest(OUTSW);
    const written = connect(parts);
    parts.ram.writeUInt16LE(0x1234, Number(BUFFER));
    parts.setFrame(VcpuFrame.Rflags, DIRECTION_FLAG);
    expect(parts.exports.executeStringPort(0, PORT, 2, 1, 0, ADDRESS_64)).toBe(AccessStatus.Done);
    expect(written).toEqual([0x1234]);
    expect(parts.register(RSI)).toBe(BUFFER - 2n);
    expect(parts.frame(VcpuFrame.Rip)).toBe(CODE + 2n);
  });

  test("REP INSL counts down to zero", () => {
    const parts = guest(REP_INSL);
    connect(parts);
    parts.setRegister(RCX, 3n);
    expect(parts.exports.executeStringPort(0, PORT, 4, 0, 1, ADDRESS_64)).toBe(AccessStatus.Done);
    expect([0, 4, 8, 12].map((at) => parts.ram.readUInt32LE(Number(BUFFER) + at))).toEqual([1, 2, 3, 0]);
    expect(parts.register(RCX)).toBe(0n);
    expect(parts.frame(VcpuFrame.Rip)).toBe(CODE + 2n);
  });

  test("REP with a count of zero does nothing", () => {
    const parts = guest(REP_OUTSB);
    const written = connect(parts);
    parts.setRegister(RCX, 0n);
    expect(parts.exports.executeStringPort(0, PORT, 1, 1, 1, ADDRESS_64)).toBe(AccessStatus.Done);
    expect(written).toEqual([]);
    expect(parts.frame(VcpuFrame.Rip)).toBe(CODE + 2n);
  });

  test("a long REP takes several turns", () => {
    const parts = guest(REP_OUTSB);
    const written = connect(parts);
    for (let at = 0; at < 200; at++) parts.ram.writeUInt8(at, Number(BUFFER) + at);
    parts.setRegister(RCX, 200n);
    let turns = 0;
    while (parts.frame(VcpuFrame.Rip) === CODE && turns++ < 10) {
      expect(parts.exports.executeStringPort(0, PORT, 1, 1, 1, ADDRESS_64)).toBe(AccessStatus.Done);
    }
    expect(turns).toBe(4);
    expect(written).toEqual(Array.from({ length: 200 }, (_, at) => at));
  });

  test("OUTS takes the segment that a prefix names, INS always ES", () => {
    const parts = guest(`65${REP_OUTSB}`);
    const written = connect(parts);
    parts.setSegment(GS, { base: BUFFER });
    parts.setRegister(RSI, 0x10n);
    parts.setRegister(RCX, 2n);
    parts.ram.writeUInt16LE(0x2211, Number(BUFFER) + 0x10);
    expect(parts.exports.executeStringPort(0, PORT, 1, 1, 1, ADDRESS_64)).toBe(AccessStatus.Done);
    expect(written).toEqual([0x11, 0x22]);
    expect(parts.register(RSI)).toBe(0x12n);
    expect(parts.frame(VcpuFrame.Rip)).toBe(CODE + 3n);

    const input = guest(`65${INSB}`);
    connect(input);
    input.setSegment(GS, { base: 0x1000n });
    expect(input.exports.executeStringPort(0, PORT, 1, 0, 0, ADDRESS_64)).toBe(AccessStatus.Done);
    expect(input.ram.readUInt8(Number(BUFFER))).toBe(1);
  });

  test("16-bit code: bases of DS and ES, SI wraps, DF", () => {
    const parts = guest(REP_OUTSB, CODE_MODE_16);
    const written = connect(parts);
    parts.setSegment(DS, { base: 0x10000n, limit: 0xffff });
    parts.setRegister(RSI, 0xabcd_fffen);
    parts.setRegister(RCX, 0x7777_0003n);
    Buffer.from([0x33]).copy(parts.ram, 0x10000);
    Buffer.from([0x11, 0x22]).copy(parts.ram, 0x1fffe);
    expect(parts.exports.executeStringPort(0, PORT, 1, 1, 1, ADDRESS_16)).toBe(AccessStatus.Done);
    expect(written).toEqual([0x11, 0x22, 0x33]);
    expect([parts.register(RSI), parts.register(RCX)]).toEqual([0xabcd_0001n, 0x7777_0000n]);

    const input = guest(REP_INSB, CODE_MODE_16);
    connect(input);
    input.setSegment(ES, { base: 0x20000n, limit: 0xffff });
    input.setFrame(VcpuFrame.Rflags, DIRECTION_FLAG);
    input.setRegister(RDI, 0x101n);
    input.setRegister(RCX, 2n);
    expect(input.exports.executeStringPort(0, PORT, 1, 0, 1, ADDRESS_16)).toBe(AccessStatus.Done);
    expect([input.ram.readUInt8(0x20101), input.ram.readUInt8(0x20100)]).toEqual([1, 2]);
    expect(input.register(RDI)).toBe(0xffn);
  });

  test("beyond the segment's limit is the guest's own fault, before the port is touched", () => {
    const parts = guest(OUTSW, CODE_MODE_32);
    const written = connect(parts);
    parts.setFrame(VcpuFrame.Cr0, 1n);
    parts.setSegment(DS, { limit: Number(BUFFER) });
    expect(parts.exports.executeStringPort(0, PORT, 2, 1, 0, ADDRESS_32)).toBe(AccessStatus.GuestFault);
    expect(parts.frame(VcpuFrame.CodeMode)).toBe(GENERAL_PROTECTION << 32n);
    expect(written).toEqual([]);
    expect(parts.register(RSI)).toBe(BUFFER);
  });

  test("each element is a turn while the guest steps", () => {
    const parts = guest(REP_OUTSB);
    const written = connect(parts);
    parts.setFrame(VcpuFrame.Rflags, TRAP_FLAG);
    parts.setRegister(RCX, 3n);
    expect(parts.exports.executeStringPort(0, PORT, 1, 1, 1, ADDRESS_64)).toBe(AccessStatus.Done);
    expect(written).toHaveLength(1);
    expect([parts.register(RCX), parts.frame(VcpuFrame.Rip)]).toEqual([2n, CODE]);
  });

  test("32-bit code uses ECX and ESI", () => {
    const parts = guest(REP_OUTSB, CODE_MODE_32);
    const written = connect(parts);
    parts.setRegister(RCX, 1n);
    expect(parts.exports.executeStringPort(0, PORT, 1, 1, 1, ADDRESS_32)).toBe(AccessStatus.Done);
    expect(written).toHaveLength(1);
    expect(parts.register(RSI)).toBe(BUFFER + 1n);
  });

  test("memory that is not mapped faults before the port is touched", () => {
    const parts = guest(REP_OUTSB);
    const written = connect(parts);
    const pml4 = 0x10000;
    parts.ram.writeBigUInt64LE(0x11007n, pml4);
    parts.ram.writeBigUInt64LE(0x12007n, 0x11000);
    parts.ram.writeBigUInt64LE(0x13007n, 0x12000);
    for (let page = 0; page < 9; page++) parts.ram.writeBigUInt64LE(BigInt(page * 0x1000) | 7n, 0x13000 + page * 8);
    parts.setFrame(VcpuFrame.Cr0, 0x80000001n);
    parts.setFrame(VcpuFrame.Cr3, BigInt(pml4));
    parts.setFrame(VcpuFrame.Cr4, 0x20n);
    parts.setFrame(VcpuFrame.Efer, 0x500n);
    parts.setRegister(RSI, BUFFER + 0xffen);
    parts.setRegister(RCX, 5n);
    expect(parts.exports.executeStringPort(0, PORT, 1, 1, 1, ADDRESS_64)).toBe(AccessStatus.Done);
    expect(written).toHaveLength(2);
    expect(parts.register(RCX)).toBe(3n);

    parts.setFrame(VcpuFrame.CodeMode, CODE_MODE_64);
    expect(parts.exports.executeStringPort(0, PORT, 1, 1, 1, ADDRESS_64)).toBe(AccessStatus.GuestFault);
    expect(written).toHaveLength(2);
    expect(parts.register(RCX)).toBe(3n);
    expect(parts.frame(VcpuFrame.LinearAddress)).toBe(BUFFER + 0x1000n);
    expect(parts.frame(VcpuFrame.Rip)).toBe(CODE);
  });

  test("refuses what is not INS or OUTS", () => {
    const parts = guest("8903");
    expect(parts.exports.executeStringPort(0, PORT, 1, 1, 0, ADDRESS_64)).toBe(AccessStatus.Undecodable);
  });

  test("changes nothing when the device refuses", () => {
    const parts = guest(INSB);
    parts.bus.portIn = () => {
      parts.answer(AccessStatus.GeneralProtection);
      return 0;
    };
    const before = parts.frameBytes();
    expect(parts.exports.executeStringPort(0, PORT, 1, 0, 0, ADDRESS_64)).toBe(AccessStatus.GeneralProtection);
    expect(parts.frameBytes()).toEqual(before);
  });
});
