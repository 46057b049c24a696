// Devices of the simulated machine that the kernel drives.

import type { Clock } from "./clock.ts";
import type { DeviceRegion } from "./physical-memory.ts";
import type { PortDevice } from "./port-space.ts";

/** Port 0xE9 of Bochs. */
export class DebugConsole implements PortDevice {
  output = "";

  read(): number {
    return 0xe9;
  }

  write(_offset: number, _size: number, value: number): void {
    this.output += String.fromCharCode(value);
  }
}

/** 16550 with FIFOs. `stuck` keeps THRE clear; with `slow` what was sent stays in the FIFO until transmit(). */
export class Uart implements PortDevice {
  output = "";
  readonly input: number[] = [];
  stuck = false;
  slow = false;
  readonly registers = new Uint8Array(8);
  divisor = 0;
  /** Bytes written without a look at THRE, at most. */
  longestBurst = 0;
  private sinceThre = 0;
  private inFifo = 0;
  /** The transmitter became empty, or its interrupt was enabled while it was, and nobody read IIR since. */
  private thrEvent = false;

  private get divisorLatch(): boolean {
    return (this.registers[3]! & 0x80) !== 0;
  }

  private get isEmpty(): boolean {
    return !this.stuck && this.inFifo === 0;
  }

  /** The bytes in the FIFO leave. */
  transmit(): void {
    this.inFifo = 0;
    this.thrEvent = true;
  }

  /** Level of the interrupt line. */
  get interrupts(): boolean {
    return (this.identity() & 1) === 0;
  }

  read(offset: number): number {
    if (offset === 0) return this.divisorLatch ? this.divisor & 0xff : (this.input.shift() ?? 0);
    if (offset === 2) return this.readIdentity();
    if (offset === 5) return this.lineStatus();
    if (offset === 6) return this.modemStatus();
    return this.registers[offset]!;
  }

  write(offset: number, _size: number, value: number): void {
    if (offset === 0 && this.divisorLatch) {
      this.divisor = (this.divisor & 0xff00) | value;
    } else if (offset === 1 && this.divisorLatch) {
      this.divisor = (this.divisor & 0xff) | (value << 8);
    } else if (offset === 0) {
      this.output += String.fromCharCode(value);
      this.longestBurst = Math.max(this.longestBurst, ++this.sinceThre);
      if (this.slow) this.inFifo++;
      this.thrEvent = !this.slow;
    } else {
      if (offset === 1 && (value & 2) !== 0 && (this.registers[1]! & 2) === 0) this.thrEvent = this.isEmpty;
      this.registers[offset] = value;
    }
  }

  private identity(): number {
    const enabled = this.registers[1]!;
    if ((enabled & 1) !== 0 && this.input.length > 0) return 4;
    return (enabled & 2) !== 0 && this.thrEvent ? 2 : 1;
  }

  private readIdentity(): number {
    const identity = this.identity();
    if (identity === 2) this.thrEvent = false;
    return identity | (this.registers[2]! & 1 ? 0xc0 : 0);
  }

  private lineStatus(): number {
    if (this.isEmpty) this.sinceThre = 0;
    return (this.input.length > 0 ? 1 : 0) | (this.isEmpty ? 0x60 : 0);
  }

  /** Loopback: RTS to CTS, DTR to DSR, OUT1 to RI, OUT2 to DCD. */
  private modemStatus(): number {
    const control = this.registers[4]!;
    if (!(control & 0x10)) return 0xb0;
    return ((control & 2) << 3) | ((control & 1) << 5) | ((control & 4) << 4) | ((control & 8) << 4);
  }
}

/** ACPI PM timer. */
export class PmTimer implements PortDevice {
  stopped = false;

  constructor(
    private readonly clock: Clock,
    readonly bits: 24 | 32,
    /** Count at power-on, to reach a wrap soon. */
    private readonly offset: bigint = 0n,
  ) {}

  read(): number {
    const count = this.stopped ? 0n : this.clock.counts(3_579_545n) + this.offset;
    return Number(BigInt.asUintN(this.bits, count));
  }

  write(): void {}
}

/** HPET registers. */
export class Hpet implements DeviceRegion {
  configuration = 0n;

  constructor(
    private readonly clock: Clock,
    /** Femtoseconds of a count. */
    readonly period: bigint = 10_000_000n,
    private readonly offset: bigint = 0n,
  ) {}

  read(offset: number): bigint {
    this.clock.advance();
    switch (offset) {
      case 0x00: return 0x8086_a201n;
      case 0x04: return this.period;
      case 0x10: return this.configuration;
      case 0xf0: return this.configuration & 1n ? BigInt.asUintN(32, this.clock.counts(10n ** 15n / this.period) + this.offset) : 0n;
      default: return 0n;
    }
  }

  write(offset: number, _size: number, value: bigint): void {
    if (offset === 0x10) this.configuration = value;
  }
}

/** 8254: channel 2 only, counting down from 65536. Ports 0x40-0x43. */
export class Pit implements PortDevice {
  private latched: number[] = [];
  stopped = false;

  constructor(private readonly clock: Clock) {}

  read(offset: number): number {
    return offset === 2 ? (this.latched.shift() ?? 0) : 0xff;
  }

  write(offset: number, _size: number, value: number): void {
    if (offset !== 3 || value !== 0x80) return;
    const count = this.stopped ? 0 : Number((0x10000n - (this.clock.counts(1_193_182n) & 0xffffn)) & 0xffffn);
    this.latched = [count & 0xff, count >> 8];
  }
}

/** One write of the local APIC's interrupt command register. */
export interface InterruptCommand {
  apicId: number;
  command: number;
}

/** xAPIC registers, which also stand behind the x2APIC MSRs. */
export class LocalApic implements DeviceRegion {
  readonly registers = new Map<number, number>();
  readonly commands: InterruptCommand[] = [];
  endsOfInterrupt = 0;
  /** Keeps the delivery status pending. */
  stuck = false;

  constructor(public id = 0) {
    this.registers.set(0x30, 0x0005_0014);
  }

  read(offset: number): bigint {
    if (offset === 0x20) return BigInt(this.id) << 24n;
    if (offset === 0x300 && this.stuck) return 1n << 12n;
    return BigInt(this.registers.get(offset) ?? 0);
  }

  write(offset: number, _size: number, value: bigint): void {
    this.registers.set(offset, Number(BigInt.asUintN(32, value)));
    if (offset === 0xb0) this.endsOfInterrupt++;
    if (offset === 0x300) this.commands.push({ apicId: (this.registers.get(0x310) ?? 0) >>> 24, command: Number(value) });
  }
}

/** I/O APIC with 24 entries. */
export class IoApic implements DeviceRegion {
  readonly registers = new Map<number, number>([[1, 0x0017_0011]]);
  private selected = 0;

  read(offset: number): bigint {
    return offset === 0x10 ? BigInt(this.registers.get(this.selected) ?? 0) : BigInt(this.selected);
  }

  write(offset: number, _size: number, value: bigint): void {
    if (offset === 0) this.selected = Number(value & 0xffn);
    if (offset === 0x10) this.registers.set(this.selected, Number(value));
  }

  /** Low and high half of redirection entry `index`. */
  entry(index: number): { low: number; high: number } {
    return { low: this.registers.get(0x10 + 2 * index) ?? 0, high: this.registers.get(0x11 + 2 * index) ?? 0 };
  }
}
