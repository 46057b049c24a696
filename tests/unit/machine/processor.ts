// CPUID, MSRs and control registers of the simulated core, and its VMX instructions over a VMCS that is a map.

import type { Clock } from "./clock.ts";

export interface CpuidResult {
  eax: number;
  ebx: number;
  ecx: number;
  edx: number;
}

type Imports = Record<string, (...parameters: never[]) => unknown>;

export class Processor {
  private readonly leaves = new Map<string, CpuidResult>();
  /** MSRs; what is not here raises #GP. */
  readonly msrs = new Map<number, bigint>();
  readonly msrWrites: { index: number; value: bigint }[] = [];
  readonly msrReaders = new Map<number, () => bigint>();
  readonly msrWriters = new Map<number, (value: bigint) => void>();
  cr0 = 0x8001_0033n;
  cr3 = 0n;
  cr4 = 0x20n;
  xcr0 = 1n;
  readonly vmcs = new Map<number, bigint>();
  /** Status that the next VMX instructions return, by name; 0 otherwise. */
  readonly vmxStatus = new Map<string, number>();
  readonly vmxCalls: { name: string; operands: bigint[] }[] = [];
  /** Runs before each VMWRITE. */
  onVmwrite: (field: number, value: bigint) => void = () => {};
  cr2 = 0n;
  /** Runs in each PAUSE: what other cores do meanwhile. */
  onPause: () => void = () => {};
  /** WBINVD instructions. */
  cacheFlushes = 0;
  readonly debugRegisters = new Map<number, bigint>();

  constructor(private readonly clock: Clock) {}

  setCpuid(leaf: number, subleaf: number, result: Partial<CpuidResult>): void {
    this.leaves.set(`${leaf}:${subleaf}`, { eax: 0, ebx: 0, ecx: 0, edx: 0, ...result });
  }

  cpuid(leaf: number, subleaf: number): CpuidResult {
    return this.leaves.get(`${leaf}:${subleaf}`) ?? this.leaves.get(`${leaf}:0`) ?? { eax: 0, ebx: 0, ecx: 0, edx: 0 };
  }

  readMsr(index: number): bigint | undefined {
    return this.msrReaders.get(index)?.() ?? this.msrs.get(index);
  }

  writeMsr(index: number, value: bigint): boolean {
    this.msrWrites.push({ index, value });
    const writer = this.msrWriters.get(index);
    if (writer !== undefined) {
      writer(value);
      return true;
    }
    if (!this.msrs.has(index)) return false;
    this.msrs.set(index, value);
    return true;
  }

  /** The `cpu` imports of kernel.wasm. */
  cpuImports(memory: () => DataView): Imports {
    const require = (index: number): bigint => {
      const value = this.readMsr(index >>> 0);
      if (value === undefined) throw new Error(`#GP: RDMSR 0x${(index >>> 0).toString(16)}`);
      return value;
    };
    return {
      cpuid: (leaf: number, subleaf: number, out: number) => {
        const result = this.cpuid(leaf >>> 0, subleaf >>> 0);
        [result.eax, result.ebx, result.ecx, result.edx].forEach((value, i) => memory().setUint32(out + 4 * i, value >>> 0, true));
      },
      rdtsc: () => {
        this.clock.advance();
        return this.clock.now;
      },
      rdmsr: require,
      wrmsr: (index: number, value: bigint) => {
        if (!this.writeMsr(index >>> 0, BigInt.asUintN(64, value))) throw new Error(`#GP: WRMSR 0x${(index >>> 0).toString(16)}`);
      },
      tryRdmsr: (index: number, out: number) => {
        const value = this.readMsr(index >>> 0);
        if (value === undefined) return 0;
        memory().setBigUint64(out, value, true);
        return 1;
      },
      readCr0: () => this.cr0,
      writeCr0: (value: bigint) => void (this.cr0 = BigInt.asUintN(64, value)),
      readCr3: () => this.cr3,
      readCr4: () => this.cr4,
      readDr6: () => this.debugRegisters.get(6) ?? 0n,
      writeCr4: (value: bigint) => void (this.cr4 = BigInt.asUintN(64, value)),
      xgetbv: () => this.xcr0,
      xsetbv: (_register: number, value: bigint) => void (this.xcr0 = BigInt.asUintN(64, value)),
      pause: () => {
        this.clock.advance();
        this.onPause();
      },
      wbinvd: () => void (this.cacheFlushes += 1),
      mfence: () => {},
      writeDebug: (register: number, value: bigint) => void this.debugRegisters.set(register, BigInt.asUintN(64, value)),
      writeCr2: (value: bigint) => void (this.cr2 = BigInt.asUintN(64, value)),
    };
  }

  /** The `vmx` imports of kernel.wasm. */
  vmxImports(): Imports {
    const instruction = (name: string) => (...operands: bigint[]) => {
      this.vmxCalls.push({ name, operands: operands.map((operand) => BigInt.asUintN(64, operand)) });
      return this.vmxStatus.get(name) ?? 0;
    };
    return {
      vmxon: instruction("vmxon"),
      vmclear: instruction("vmclear"),
      vmptrld: instruction("vmptrld"),
      vmread: (field: bigint) => this.vmcs.get(Number(field)) ?? 0n,
      vmwrite: (field: bigint, value: bigint) => {
        const encoding = Number(field);
        const written = BigInt.asUintN(64, value);
        this.onVmwrite(encoding, written);
        this.vmcs.set(encoding, written);
        return this.vmxStatus.get("vmwrite") ?? 0;
      },
      invept: instruction("invept"),
      invvpid: instruction("invvpid"),
    };
  }
}
