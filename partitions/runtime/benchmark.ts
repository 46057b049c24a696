// Loops that cause one VM exit a round; each returns the TSC ticks of all rounds.

@external("machine", "measureCpuid") export declare function measureCpuid(rounds: u32): u64;
@external("machine", "measureVmcall") export declare function measureVmcall(rounds: u32): u64;
/** RDMSR of IA32_APIC_BASE. */
@external("machine", "measureRdmsr") export declare function measureRdmsr(rounds: u32): u64;
/** A 32-bit MOV to the I/O APIC's IOWIN. */
@external("machine", "measureMmio") export declare function measureMmio(rounds: u32): u64;
/** OUT of a byte to COM1's scratch register. */
@external("machine", "measureOut") export declare function measureOut(rounds: u32): u64;
