// A remapping unit of the simulated machine, VT-d 4.1: its registers, and what devices do through it.
//
//   const unit = new RemappingUnit(machine.memory, { capability: capability({ faultRecords: 8 }) });
//   machine.memory.addDevice(0xfed9_0000, REGISTERS_SIZE, unit);
//   unit.deviceWrite(0x18, 0x1000n, Buffer.from("data"))  // DMA of device 00:03.0
//
// protocolErrors lists what software did against the manual; a test expects it to be empty.

import { capability, extendedCapability } from "./remapping-capability.ts";
import { REQUEST } from "./remapping-faults.ts";
import {
  type BlockedInterrupt, compatibilityInterrupt, type DeliveredInterrupt, remapInterrupt,
} from "./remapping-interrupts.ts";
import { Blocked, type DmaRequest, RemappingWalk } from "./remapping-walk.ts";
import { GLOBAL, RemappingRegisters } from "./remapping-registers.ts";
import type { PhysicalMemory } from "./physical-memory.ts";

export { capability, extendedCapability } from "./remapping-capability.ts";
export { DESCRIPTOR } from "./remapping-queue.ts";
export { GLOBAL, REGISTERS_SIZE } from "./remapping-registers.ts";

export interface RemappingOptions {
  capability?: bigint;
  extended?: bigint;
  version?: number;
  /** Bits of the largest memory address. */
  hostWidth?: number;
  /** Reads of registers that a command takes. */
  latency?: number;
}

/** A piece of a DMA that lies in one page. */
export interface DmaPiece {
  to: bigint;
  length: number;
}

export interface DmaResult {
  /** Reason, or undefined if the DMA went through. */
  blocked?: number;
  /** Where what went through went. */
  pieces: DmaPiece[];
}

export class RemappingUnit extends RemappingRegisters {
  private readonly walk = new RemappingWalk(this);

  constructor(memory: PhysicalMemory, options: RemappingOptions = {}) {
    super(memory, {
      capability: options.capability ?? capability(),
      extended: options.extended ?? extendedCapability(),
      version: options.version ?? 0x10,
      hostWidth: options.hostWidth ?? 46,
      latency: options.latency ?? 2,
    });
  }

  /** A DMA without its data: translated page by page, and the first page that is blocked ends it. */
  dma(sourceId: number, address: bigint, size: number, isWrite: boolean, pasid?: number): DmaResult {
    const pieces: DmaPiece[] = [];
    for (let done = 0; done < size; ) {
      const at = address + BigInt(done);
      const length = Math.min(size - done, 0x1000 - Number(at & 0xfffn));
      try {
        pieces.push({ to: this.translate({ sourceId, address: at, isWrite, ...(pasid === undefined ? {} : { pasid }) }), length });
      } catch (error) {
        if (!(error instanceof Blocked)) throw error;
        if (!error.suppressed) this.recordDma(error.reason, { sourceId, address: at, isWrite, ...(pasid === undefined ? {} : { pasid }) });
        return { blocked: error.reason, pieces };
      }
      done += length;
    }
    return { pieces };
  }

  /** Writes what gets through; true if all did. */
  deviceWrite(sourceId: number, address: bigint, bytes: Uint8Array): boolean {
    const result = this.dma(sourceId, address, bytes.length, true);
    this.move(result, (piece, done) => this.memory.writeBytes(Number(piece.to), bytes.subarray(done, done + piece.length)));
    return result.blocked === undefined;
  }

  /** Reads; what is blocked reads as zeros. */
  deviceRead(sourceId: number, address: bigint, length: number): Buffer {
    const bytes = Buffer.alloc(length);
    this.move(this.dma(sourceId, address, length, false), (piece, done) => bytes.set(this.memory.readBytes(Number(piece.to), piece.length), done));
    return bytes;
  }

  private move(result: DmaResult, transfer: (piece: DmaPiece, done: number) => void): void {
    let done = 0;
    for (const piece of result.pieces) {
      transfer(piece, done);
      done += piece.length;
    }
  }

  /** A DMA of a device with ATS, which asks for the translation once and keeps it until it is told to forget. */
  deviceTlbDma(sourceId: number, address: bigint, isWrite: boolean): DmaResult {
    const known = this.caches.deviceTlbs.get(sourceId) ?? [];
    const found = known.find((one) => address >= one.from && address < one.from + one.size);
    if (found !== undefined && (isWrite ? found.write : found.read)) {
      if (!this.walk.allowsDeviceTlb(sourceId)) return { blocked: 0xd, pieces: [] };
      return { pieces: [{ to: found.to + (address - found.from), length: 1 }] };
    }
    const result = this.dma(sourceId, address, 1, isWrite);
    if (result.blocked === undefined) this.caches.deviceTlbs.set(sourceId, [...known, this.walk.translate({ sourceId, address, isWrite })]);
    return result;
  }

  /** A message signalled interrupt: four bytes written to 0xFEExxxxx. */
  message(sourceId: number, address: number, data: number): DeliveredInterrupt | BlockedInterrupt {
    if ((this.globalStatus & GLOBAL.IRE) === 0) return compatibilityInterrupt(address, data);
    const result = remapInterrupt(this, sourceId, address, data);
    if ("blocked" in result && !result.suppressed) this.faults.record({ sourceId, reason: result.blocked, index: result.index });
    return result;
  }

  /** Physical address that a device's address stands for; throws Blocked. */
  private translate(request: DmaRequest): bigint {
    if ((this.globalStatus & GLOBAL.TE) === 0) return request.address;
    if (request.address >> 20n === 0xfeen) throw new Blocked(this.root.isScalable ? 0x87 : 0xe);
    const found = this.walk.translate(request);
    return found.to + (request.address - found.from);
  }

  private recordDma(reason: number, request: DmaRequest): void {
    this.faults.record({
      sourceId: request.sourceId,
      reason,
      address: request.address,
      type: request.isWrite ? REQUEST.Write : REQUEST.Read,
      ...(request.pasid === undefined ? {} : { pasid: request.pasid }),
    });
  }
}
