// kernel/policy/ compiled to WebAssembly, over a physical memory that holds one policy.

import asc from "assemblyscript/asc";
import path from "node:path";
import { projectDirectory } from "../../../scripts/policy/project.ts";

/** Exports of reader.ts; u64 is a bigint, u32 a number, bool 0 or 1. */
export interface Reader {
  validatePolicy(address: bigint, size: bigint, modules: number, cores: number): number;
  failedPartition(): number;
  partitionCount(): number;
  moduleCount(): number;
  powersOffWhenDone(): number;
  usesScalableRemapping(): number;
  partitionName(partition: number): bigint;
  partitionCore(partition: number, vcpu: number): number;
  partitionVcpuCount(partition: number): number;
  partitionMemory(partition: number): bigint;
  partitionImageKind(partition: number): number;
  partitionKernelModule(partition: number): number;
  partitionHasRamDisk(partition: number): number;
  partitionRamDiskModule(partition: number): number;
  partitionHasDisk(partition: number): number;
  partitionDiskModule(partition: number): number;
  partitionDiskFlags(partition: number): number;
  partitionMayWriteModule(partition: number, module: number): number;
  partitionCommandLine(partition: number): bigint;
  partitionCommandLineLength(partition: number): number;
  partitionDevices(partition: number): number;
  partitionHasKeyboard(partition: number): number;
  partitionHypercalls(partition: number): number;
  onMemoryViolation(partition: number): number;
  onPortViolation(partition: number): number;
  onMsrViolation(partition: number): number;
  onFault(partition: number): number;
  onDeviceViolation(partition: number): number;
  restartLimit(partition: number): number;
  deviceCount(): number;
  devicePartition(index: number): number;
  deviceMatch(index: number): number;
  deviceSegment(index: number): number;
  deviceSourceId(index: number): number;
  deviceIdentity(index: number): number;
  deviceFlags(index: number): number;
  memory: WebAssembly.Memory;
}

/** Above 4 GiB, so that an address cut to 32 bits is noticed. */
export const POLICY_ADDRESS = 0x1_2345_6000n;

/** Compiles the reader once; the result is instantiated for each policy. */
export async function compileReader(): Promise<WebAssembly.Module> {
  let binary: Uint8Array | undefined;
  const errors: string[] = [];
  const result = await asc.main(
    [path.join(projectDirectory, "tests/fixtures/policy/entry.ts"), "--baseDir", "/", "--outFile", "reader.wasm", "--runtime", "stub", "--noAssert", "--use", "abort="],
    {
      stderr: { write: (chunk: string | Uint8Array) => void errors.push(String(chunk)) },
      writeFile: (_name: string, contents: string | Uint8Array) => {
        if (typeof contents !== "string") binary = contents;
      },
    },
  );
  if (result.error !== null || binary === undefined) throw new Error(`asc: ${errors.join("")}`);
  return new WebAssembly.Module(Buffer.from(binary));
}

/** The reader over `policy` at POLICY_ADDRESS; a load outside the policy throws. */
export function instantiateReader(module: WebAssembly.Module, policy: Buffer): Reader {
  const at = (address: bigint, size: number): number => {
    const offset = Number(BigInt.asUintN(64, address) - POLICY_ADDRESS);
    if (offset < 0 || offset + size > policy.length) throw new RangeError(`load outside the policy at offset ${offset}`);
    return offset;
  };
  const phys = {
    load8: (address: bigint) => policy.readUInt8(at(address, 1)),
    load32: (address: bigint) => policy.readUInt32LE(at(address, 4)),
    load64: (address: bigint) => policy.readBigUInt64LE(at(address, 8)),
  };
  return new WebAssembly.Instance(module, { phys }).exports as unknown as Reader;
}

/** Validates as the kernel does, with the policy's true size. */
export function validate(reader: Reader, policy: Buffer, modules: number, cores = 4): number {
  return reader.validatePolicy(POLICY_ADDRESS, BigInt(policy.length), modules, cores);
}
