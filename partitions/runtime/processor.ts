// Instructions of the processor. Interrupts are closed except while waitForInterrupt() waits.

/** CPUID: writes EAX, EBX, ECX, EDX as four u32 to linear memory at `out`. */
@external("machine", "cpuid") export declare function cpuid(leaf: u32, subleaf: u32, out: usize): void;
@external("machine", "rdtsc") export declare function rdtsc(): u64;
/** STI, HLT, CLI. */
@external("machine", "waitForInterrupt") export declare function waitForInterrupt(): void;
/** Interrupts seen on this vector since the last call. */
@external("machine", "takeInterrupts") export declare function takeInterrupts(vector: u32): u32;
/** Loops for ever with interrupts off. */
@external("machine", "spin") export declare function spin(): void;
/** Loops for ever over STI and CLI: the shadow of STI covers CLI, so that interrupts stay off (SDM 2B, STI). */
@external("machine", "spinInShadow") export declare function spinInShadow(): void;
/** Breakpoint with an empty IDT; does not return. */
@external("machine", "tripleFault") export declare function tripleFault(): void;

export const enum CpuidRegister { Eax = 0, Ebx = 4, Ecx = 8, Edx = 12 }

const registers: usize = memory.data(16, 8);

/** One register of a CPUID leaf. */
export function cpuidRegister(leaf: u32, register: CpuidRegister): u32 {
  cpuid(leaf, 0, registers);
  return load<u32>(registers + <usize>register);
}
