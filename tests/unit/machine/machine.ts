// A simulated machine for kernel.wasm and for parts of it: physical memory, ports, a processor and what the boot floor offers.
//
//   const machine = new Machine();
//   const floor = machine.instantiate<FloorExports>(await compileEntry("tests/fixtures/floor/entry.ts"));

import { textsByKey } from "../../../scripts/build/texts.ts";
import { Clock } from "./clock.ts";
import { ConsoleHost } from "./console-host.ts";
import { DebugConsole, IoApic, LocalApic, Uart } from "./devices.ts";
import { MonitorHost } from "./monitor-host.ts";
import { PhysicalMemory, type DeviceRegion } from "./physical-memory.ts";
import { boundStores, checkStore } from "./planner-stores.ts";
import { PortSpace } from "./port-space.ts";
import { Processor } from "./processor.ts";
import { enumReader } from "./source-enums.ts";

export const LOCAL_APIC = 0xfee0_0000;
export const IO_APIC = 0xfec0_0000;

/** Thrown where the boot floor would not come back: halt, entry to the guest. */
export class Stopped extends Error {}

const imageSymbol = enumReader("kernel/boot/stub.ts", "ImageSymbol");
const trampoline = enumReader("kernel/boot/stub.ts", "Trampoline");
const TEXTS = textsByKey();
/** Where the kernel puts the trampoline: the lowest page that it may take. */
const TRAMPOLINE_PAGE = 0x8000;

/** Where the simulated image lies, by ImageSymbol. */
const IMAGE = new Map<string, number>([
  ["Start", 0x20_0000],
  ["TextStart", 0x20_1000],
  ["TextEnd", 0x24_0000],
  ["RodataStart", 0x24_0000],
  ["RodataEnd", 0x25_0000],
  ["DataStart", 0x25_0000],
  ["DataEnd", 0x26_0000],
  ["End", 0x40_0000],
  ["BootCoreBlock", 0x26_0000],
  ["BootKernelMemory", 0x28_0000],
  ["BootConsoleMemory", 0x3c_0000],
  ["Trampoline", 0x24_1000],
  ["TrampolineEnd", 0x24_1080],
  ["Symbols", 0x24_2000],
  ["Idt", 0x25_0000],
  ["ExitEntry", 0x20_1000],
  ["GuardedExitEntry", 0x20_1200],
]);
const IMAGE_ADDRESSES = new Map([...IMAGE].map(([name, address]) => [imageSymbol(name), address]));

/** Physical address of a part of the simulated image. */
export function imageAddress(symbol: string): number {
  const address = IMAGE.get(symbol);
  if (address === undefined) throw new Error(`the simulated image has no ${symbol}`);
  return address;
}

const PLANNER_INSTRUCTIONS = ["cpuid", "rdtsc", "rdmsr", "tryRdmsr", "pause"];

/** What the machine may be made of; the rest is as on a PC with two cores. */
export interface MachineOptions {
  clock?: Clock;
  memory?: PhysicalMemory;
  coreId?: number;
  apicId?: number;
  x2Apic?: boolean;
  withDebugConsole?: boolean;
  withUart?: boolean;
  monitor?: WebAssembly.Module;
  /** In place of console.wasm as it is. */
  console?: WebAssembly.Module;
  /** In place of a monitor of its own: that of another core of the partition. */
  monitorHost?: MonitorHost;
}

export class Machine {
  readonly clock: Clock;
  /** Shared between the machines of several cores when given. */
  readonly memory: PhysicalMemory;
  readonly ports: PortSpace;
  readonly processor: Processor;
  readonly debugConsole = new DebugConsole();
  readonly uart = new Uart();
  readonly localApic: LocalApic;
  readonly ioApic = new IoApic();
  readonly monitor: MonitorHost;
  readonly console: ConsoleHost;
  /** Calls of the boot floor in order, e.g. "loadPageTables 0x1000". */
  readonly bootCalls: string[] = [];
  /** Whether a core has started, at each look in the trampoline page; the last one for good. */
  coreStarts: boolean[] = [true];
  /** Runs in boot.enterGuest, boot.idle and boot.admitInterrupts. */
  onEnterGuest: () => void = () => {
    throw new Stopped("enterGuest");
  };
  onIdle: () => void = () => {};
  private linear: WebAssembly.Memory | undefined;

  constructor(private readonly options: MachineOptions = {}) {
    this.clock = options.clock ?? new Clock();
    this.memory = options.memory ?? new PhysicalMemory();
    this.ports = new PortSpace(() => this.clock.advance());
    this.processor = new Processor(this.clock);
    this.localApic = new LocalApic(options.apicId ?? 0);
    this.monitor = options.monitorHost ?? new MonitorHost(this.memory, () => this.clock.now, options.monitor);
    if (options.withDebugConsole ?? true) this.ports.add(0xe9, 1, this.debugConsole);
    if (options.withUart ?? true) this.ports.add(0x3f8, 8, this.uart);
    this.console = new ConsoleHost(this.memory, this.ports, (text) => this.putMessage(Buffer.from(text)), options.console);
    this.memory.addDevice(LOCAL_APIC, 0x1000, this.localApic);
    this.memory.addDevice(IO_APIC, 0x1000, this.ioApic);
    this.writeSymbols();
    this.memory.addDevice(TRAMPOLINE_PAGE + trampoline("Pml4"), 16, this.trampolineFields());
    this.addApicMsrs(options.x2Apic ?? false);
  }

  /** What the kernel writes to and reads from the trampoline page: a start is recorded as "startCore PML4". */
  private trampolineFields(): DeviceRegion {
    return {
      read: () => ((this.coreStarts.length > 1 ? this.coreStarts.shift() : this.coreStarts[0]) ? 1n : 0n),
      write: (offset, _, value) => {
        if (offset === 0) this.bootCalls.push(`startCore 0x${value.toString(16)}`);
      },
    };
  }

  /** The table at ImageSymbol.Symbols (kernel/boot/symbols.ts): the texts, and names of functions by address. */
  writeSymbols(functions: ReadonlyMap<bigint, string> = new Map()): void {
    const symbols = new Map([...TEXTS, ...functions]);
    const names: Buffer[] = [];
    let namesLength = 0;
    const table = Buffer.alloc(8 + symbols.size * 8);
    table.writeUInt32LE(symbols.size, 0);
    table.writeUInt32LE(table.length, 4);
    [...symbols].forEach(([address, name], i) => {
      table.writeUInt32LE(Number(address & 0xffff_ffffn), 8 + 8 * i);
      table.writeUInt32LE(namesLength, 12 + 8 * i);
      namesLength += names[names.push(Buffer.from(`${name}\0`, "latin1")) - 1]!.length;
    });
    this.memory.writeBytes(imageAddress("Symbols"), Buffer.concat([table, ...names]));
  }

  /** Linear memory of the instance made last. */
  get view(): DataView {
    if (this.linear === undefined) throw new Error("no module was instantiated on this machine");
    return new DataView(this.linear.buffer);
  }

  instantiate<Exports>(module: WebAssembly.Module): Exports {
    const imports = {
      phys: this.memory.imports(),
      port: this.ports.imports(),
      cpu: this.processor.cpuImports(() => this.view),
      vmx: this.processor.vmxImports(),
      boot: this.bootImports(),
      monitor: this.monitor.imports(),
      console: this.console.imports(),
      env: { abort: () => { throw new Error("abort"); } },
    };
    const instance = new WebAssembly.Instance(module, imports as unknown as WebAssembly.Imports);
    this.linear = instance.exports["memory"] as WebAssembly.Memory;
    return instance.exports as Exports;
  }

  /** planner.wasm, with a linear memory that `view` does not show, and with the imports that the audit lets it have. */
  instantiatePlanner<Exports>(module: WebAssembly.Module): Exports {
    const linear: { memory?: WebAssembly.Memory } = {};
    const cpu = this.processor.cpuImports(() => new DataView(linear.memory!.buffer));
    const { imageAddress: address, coreId, emergencyPut, halt } = this.bootImports();
    const [start, end] = [imageAddress("Start"), imageAddress("End")];
    const imports = {
      phys: boundStores(this.memory.imports(), start, end),
      port: this.ports.imports(),
      cpu: Object.fromEntries(PLANNER_INSTRUCTIONS.map((name) => [name, cpu[name]])),
      boot: { imageAddress: address, coreId, emergencyPut, halt },
      console: this.console.imports((base, size) => checkStore(base, size, start, end)),
      env: { abort: () => { throw new Error("abort"); } },
    };
    const instance = new WebAssembly.Instance(module, imports as unknown as WebAssembly.Imports);
    linear.memory = instance.exports["memory"] as WebAssembly.Memory;
    return instance.exports as Exports;
  }

  /** boot/messages.c. */
  private putMessage(bytes: Buffer): void {
    for (const byte of bytes) {
      if (this.ports.read(0xe9, 1) === 0xe9) this.ports.write(0xe9, 1, byte);
      if (this.ports.read(0x3fd, 1) & 0x20) this.ports.write(0x3f8, 1, byte);
    }
  }

  private addApicMsrs(x2Apic: boolean): void {
    this.processor.msrs.set(0x1b, BigInt(LOCAL_APIC) | 0x900n);
    if (!x2Apic) return;
    this.processor.setCpuid(1, 0, { ecx: 1 << 21 });
    for (let index = 0x800; index < 0x840; index++) {
      const offset = (index - 0x800) << 4;
      this.processor.msrReaders.set(index, () => (offset === 0x20 ? BigInt(this.localApic.id) : this.localApic.read(offset)));
      this.processor.msrWriters.set(index, (value) => {
        if (offset === 0x300) this.localApic.commands.push({ apicId: Number(value >> 32n), command: Number(value & 0xffff_ffffn) });
        else this.localApic.write(offset, 4, value);
      });
    }
  }

  private bootImports(): Record<string, (...parameters: never[]) => unknown> {
    const record = (name: string, value?: bigint): void => {
      this.bootCalls.push(value === undefined ? name : `${name} 0x${BigInt.asUintN(64, value).toString(16)}`);
    };
    return {
      imageAddress: (symbol: number) => BigInt(IMAGE_ADDRESSES.get(symbol) ?? 0),
      coreId: () => this.options.coreId ?? 0,
      loadPageTables: (pml4: bigint) => {
        record("loadPageTables", pml4);
        this.processor.cr3 = pml4;
      },
      deliverNmi: () => record("deliverNmi"),
      enterGuest: () => {
        record("enterGuest");
        this.onEnterGuest();
      },
      emergencyPut: (byte: number) => this.putMessage(Buffer.of(byte)),
      idle: () => {
        record("idle");
        this.onIdle();
      },
      admitInterrupts: () => {
        record("admitInterrupts");
        this.onIdle();
      },
      halt: () => {
        record("halt");
        throw new Stopped("halt");
      },
    };
  }
}
