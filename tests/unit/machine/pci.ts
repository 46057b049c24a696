// The PCI hierarchy of a simulated machine: functions in an ECAM region and behind ports 0xcf8 and 0xcfc.
//
//   const pci = new SimulatedPci(machine, [{ segment: 0, base: 0xb000_0000, firstBus: 0, lastBus: 255 }]);
//   express(pci.add("00:04.0", { vendor: 0x1234 }), EXPRESS_TYPE.endpoint, { flr: true });

import { acpiTable } from "./acpi-tables.ts";
import type { Machine } from "./machine.ts";
import { type FunctionOptions, SimulatedFunction } from "./pci-function.ts";

/** Buses whose configuration space lies in memory; `base` is the address of bus 0. */
export interface EcamRange {
  segment: number;
  base: number;
  firstBus: number;
  lastBus: number;
}

export const ECAM: EcamRange = { segment: 0, base: 0xb000_0000, firstBus: 0, lastBus: 255 };

export class SimulatedPci {
  private readonly functions = new Map<number, SimulatedFunction>();
  private selected = 0;
  /** Accesses through the ports. */
  portAccesses = 0;

  constructor(private readonly machine: Machine, readonly ranges: EcamRange[] = [ECAM]) {
    for (const range of ranges) {
      const start = range.base + (range.firstBus << 20);
      const firstSource = range.firstBus << 8;
      machine.memory.addDevice(start, (range.lastBus - range.firstBus + 1) * 0x10_0000, {
        read: (offset, size) => BigInt(this.read(range.segment, firstSource + Math.floor(offset / 4096), offset % 4096, size)),
        write: (offset, size, value) => this.write(range.segment, firstSource + Math.floor(offset / 4096), offset % 4096, size, Number(value)),
      });
    }
    machine.ports.add(0xcf8, 8, {
      read: (offset, size) => this.portRead(offset, size),
      write: (offset, size, value) => this.portWrite(offset, size, value >>> 0),
    });
  }

  /** Adds a function at "bus:device.function". */
  add(address: string, options: FunctionOptions = {}): SimulatedFunction {
    const milliseconds = (): number => Number((this.machine.clock.now * 1000n) / this.machine.clock.frequency);
    const added = new SimulatedFunction(address, options, milliseconds);
    added.onBusReset = () => this.resetBehind(added);
    this.functions.set(keyOf(added.segment, added.sourceId), added);
    return added;
  }

  remove(target: SimulatedFunction): void {
    this.functions.delete(keyOf(target.segment, target.sourceId));
  }

  /** Physical address of a function's configuration space in the ECAM. */
  pageOf(target: SimulatedFunction): bigint {
    const bus = target.sourceId >> 8;
    const range = this.ranges.find((one) => one.segment === target.segment && bus >= one.firstBus && bus <= one.lastBus);
    if (range === undefined) throw new Error(`bus ${bus} of segment ${target.segment} has no ECAM`);
    return BigInt(range.base + target.sourceId * 4096);
  }

  /** The MCFG table that describes the ranges. */
  mcfg(): Buffer {
    const entries = this.ranges.map((range) => {
      const entry = Buffer.alloc(16);
      entry.writeBigUInt64LE(BigInt(range.base), 0);
      entry.writeUInt16LE(range.segment, 8);
      entry[10] = range.firstBus;
      entry[11] = range.lastBus;
      return entry;
    });
    return acpiTable("MCFG", Buffer.concat([Buffer.alloc(8), ...entries]));
  }

  private read(segment: number, sourceId: number, offset: number, size: number): number {
    const target = this.functions.get(keyOf(segment, sourceId));
    return target === undefined ? 2 ** (8 * size) - 1 : target.read(offset, size);
  }

  private write(segment: number, sourceId: number, offset: number, size: number, value: number): void {
    this.functions.get(keyOf(segment, sourceId))?.write(offset, size, value);
  }

  private portRead(offset: number, size: number): number {
    if (offset < 4) return this.selected;
    this.portAccesses++;
    const ones = 2 ** (8 * size) - 1;
    return this.selected >>> 31 === 0 ? ones : this.read(0, this.selectedSource, this.selectedOffset + offset - 4, size);
  }

  private portWrite(offset: number, size: number, value: number): void {
    if (offset === 0 && size === 4) {
      this.selected = value;
    } else if (offset >= 4 && this.selected >>> 31 !== 0) {
      this.portAccesses++;
      this.write(0, this.selectedSource, this.selectedOffset + offset - 4, size, value);
    }
  }

  private get selectedSource(): number {
    return (this.selected >>> 8) & 0xffff;
  }

  private get selectedOffset(): number {
    return this.selected & 0xfc;
  }

  private resetBehind(bridge: SimulatedFunction): void {
    for (const target of this.functions.values()) {
      const bus = target.sourceId >> 8;
      if (target.segment === bridge.segment && bus >= bridge.bytes[0x19]! && bus <= bridge.bytes[0x1a]!) target.reset("bus");
    }
  }
}

function keyOf(segment: number, sourceId: number): number {
  return segment * 0x1_0000 + sourceId;
}
