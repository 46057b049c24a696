// Instructions that a hypervisor carries out, refuses or lets through. Each returns the vector of the exception that it met, or 0.

@external("machine", "tryUndefined") export declare function tryUndefined(): u32;
@external("machine", "tryMonitor") export declare function tryMonitor(): u32;
@external("machine", "tryMwait") export declare function tryMwait(): u32;
@external("machine", "tryRdpmc") export declare function tryRdpmc(): u32;
@external("machine", "tryXsaves") export declare function tryXsaves(): u32;
@external("machine", "tryXrstors") export declare function tryXrstors(): u32;
@external("machine", "tryVmfunc") export declare function tryVmfunc(): u32;
@external("machine", "tryRsm") export declare function tryRsm(): u32;
@external("machine", "tryGetsec") export declare function tryGetsec(): u32;
@external("machine", "tryVmread") export declare function tryVmread(): u32;
@external("machine", "tryRdrand") export declare function tryRdrand(): u32;
@external("machine", "tryRdseed") export declare function tryRdseed(): u32;
@external("machine", "tryWbinvd") export declare function tryWbinvd(): u32;
@external("machine", "tryInvlpg") export declare function tryInvlpg(): u32;
/** All contexts, global translations included. */
@external("machine", "tryInvpcid") export declare function tryInvpcid(): u32;
/** A type that does not exist. */
@external("machine", "tryInvpcidReserved") export declare function tryInvpcidReserved(): u32;
@external("machine", "tryPause") export declare function tryPause(): u32;
/** SGDT, SIDT, SLDT, STR, then LGDT and LIDT of what was stored. */
@external("machine", "tryDescriptorTables") export declare function tryDescriptorTables(): u32;
/** A load from a non-canonical address. */
@external("machine", "tryNonCanonical") export declare function tryNonCanonical(): u32;
@external("machine", "tryXgetbv") export declare function tryXgetbv(): u32;
@external("machine", "writeXcr") export declare function writeXcr(index: u32, value: u64): u32;
@external("machine", "writeControl0") export declare function writeCr0(value: u64): u32;
@external("machine", "writeControl3") export declare function writeCr3(value: u64): u32;
@external("machine", "writeControl8") export declare function writeCr8(value: u64): u32;

@external("machine", "readXcr0") export declare function readXcr0(): u64;
@external("machine", "readControl0") export declare function readCr0(): u64;
@external("machine", "readControl2") export declare function readCr2(): u64;
@external("machine", "readControl3") export declare function readCr3(): u64;
@external("machine", "readControl8") export declare function readCr8(): u64;
/** IA32_TSC_AUX as RDTSCP gives it. */
@external("machine", "rdtscpAux") export declare function rdtscpAux(): u32;
