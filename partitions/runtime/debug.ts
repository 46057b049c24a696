// Debug traps, interrupt shadows and NMIs. Each function returns 0, or bits that say what differs from the manual: 1 how often,
// 2 where, 4 DR6 or how deep, 8 DR7.

/** A single step over one instruction. */
@external("machine", "stepNop") export declare function stepNop(): u32;
@external("machine", "stepCpuid") export declare function stepCpuid(): u32;
@external("machine", "stepRdmsr") export declare function stepRdmsr(): u32;
@external("machine", "stepWrmsr") export declare function stepWrmsr(): u32;
@external("machine", "stepVmcall") export declare function stepVmcall(): u32;
@external("machine", "stepWbinvd") export declare function stepWbinvd(): u32;
@external("machine", "stepHalt") export declare function stepHalt(): u32;
/** MOV to SS, which puts the trap off, and CPUID. */
@external("machine", "stepMovSs") export declare function stepMovSs(): u32;
/** CPUID with DR7.GD set, which the trap clears. */
@external("machine", "stepGuarded") export declare function stepGuarded(): u32;
/** DR7.GD is still set behind CPUID. */
@external("machine", "guardBehindCpuid") export declare function guardBehindCpuid(): u32;
/** An interrupt waits while STI covers one instruction. */
@external("machine", "shadowNop") export declare function shadowNop(): u32;
@external("machine", "shadowCpuid") export declare function shadowCpuid(): u32;
/** An NMI during an NMI; `command`: value of the x2APIC's ICR. */
@external("machine", "nestedNmi") export declare function nestedNmi(command: u64): u32;
