// Instructions of the processor that are neither VMX nor port I/O.

/** CPUID: writes EAX, EBX, ECX, EDX as four u32 to linear memory at `out`. */
@external("cpu", "cpuid") export declare function cpuid(leaf: u32, subleaf: u32, out: usize): void;
@external("cpu", "rdtsc") export declare function rdtsc(): u64;
@external("cpu", "rdmsr") export declare function rdmsr(index: u32): u64;
@external("cpu", "wrmsr") export declare function wrmsr(index: u32, value: u64): void;
/** RDMSR that survives #GP: 1 and the value stored as u64 at `out`, or 0. */
@external("cpu", "tryRdmsr") export declare function tryRdmsr(index: u32, out: usize): u32;
@external("cpu", "readCr0") export declare function readCr0(): u64;
@external("cpu", "writeCr0") export declare function writeCr0(value: u64): void;
@external("cpu", "readCr3") export declare function readCr3(): u64;
@external("cpu", "readCr4") export declare function readCr4(): u64;
@external("cpu", "writeCr4") export declare function writeCr4(value: u64): void;
@external("cpu", "xgetbv") export declare function xgetbv(register: u32): u64;
@external("cpu", "xsetbv") export declare function xsetbv(register: u32, value: u64): void;
@external("cpu", "pause") export declare function pause(): void;
@external("cpu", "wbinvd") export declare function wbinvd(): void;
@external("cpu", "mfence") export declare function mfence(): void;
@external("cpu", "readDr6") export declare function readDr6(): u64;
/** Debug register access: number 0-3, 6 or 7. */
@external("cpu", "writeDebug") export declare function writeDebug(register: u32, value: u64): void;
/** CR2 belongs to the guest while the core runs it; the kernel writes it when a vCPU is reset. */
@external("cpu", "writeCr2") export declare function writeCr2(value: u64): void;
