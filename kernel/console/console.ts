// Calls of the console, which runs on core 0 in a memory of its own (boot/monitor-call.S). Once it has faulted every call returns 0.

import { ConsoleGrant } from "./interface";

/** Memory of the console from now on: bytes from a physical address. */
@external("console", "grant") export declare function grant(grant: ConsoleGrant, base: u64, size: u64): void;
/** 1 once the console has faulted: it ends with that, and the floor has said so. */
@external("console", "faulted") export declare function faulted(): u32;

// Exports of console/main.ts.
@external("console", "open") export declare function open(wanted: u32): u32;
@external("console", "placeScreen") export declare function placeScreen(pitch: u32, width: u32, height: u32, bits: u32, type: u32): void;
@external("console", "closeScreen") export declare function closeScreen(): void;
@external("console", "put") export declare function put(bytes: u64): void;
@external("console", "flush") export declare function flush(): void;
@external("console", "beginFatal") export declare function beginFatal(): void;
@external("console", "attach") export declare function attach(cores: u32): void;
@external("console", "register") export declare function register(partition: u32, name0: u64, name1: u64, name2: u64, name3: u64): void;
@external("console", "giveKeyboard") export declare function giveKeyboard(partition: u32): void;
@external("console", "startInput") export declare function startInput(): void;
@external("console", "putPartition") export declare function putPartition(partition: u32, byte: u8): void;
@external("console", "interrupt") export declare function interrupt(): u32;
@external("console", "drain") export declare function drain(): u32;
@external("console", "drainCompletely") export declare function drainCompletely(): void;
@external("console", "withdraw") export declare function withdraw(partition: u32): void;
