// Further processors of the partition. One that is started runs `export function processor(identifier: u32): void` of the partition's
// main.ts, in the same linear memory; loops that wait for another one call pause(), so that each round loads anew.

/** Starts a processor, whose APIC identifier is its vCPU's number, by INIT and SIPI. enableLocalApic() goes before. */
@external("machine", "startProcessor") export declare function startProcessor(identifier: u32): void;
@external("machine", "pause") export declare function pause(): void;
/** Runs on with interrupts open, for good. */
@external("machine", "takeIpis") export declare function takeIpis(): void;
/** Halts with interrupts off. */
@external("machine", "haltForGood") export declare function haltForGood(): void;
/** TSC ticks of `rounds` interrupts to a processor in takeIpis(); native/processors.h says what counts. */
@external("machine", "measureIpi") export declare function measureIpi(identifier: u32, rounds: u32): u64;
