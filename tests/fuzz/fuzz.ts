// Random exits in rounds: each round boots a system whose policy the seed chooses, and a neighbour on another core that must not notice.

import { compileEntry } from "../unit/machine/compile.ts";
import { Stopped } from "../unit/machine/machine.ts";
import { compileKernel, KernelMachine, type KernelModules } from "../unit/kernel/kernel-machine.ts";
import type { PartitionOptions } from "../unit/kernel/kernel-options.ts";
import { joinCore } from "../unit/kernel/device-cores.ts";
import { act } from "./actions.ts";
import { FuzzMachine, Violation } from "./machine.ts";
import { Random } from "./random.ts";

/** Actions of a round at most; it ends sooner if the guest powers off. */
const ROUND = 100_000;
const CHECK_INTERVAL = 5_000;
const NEIGHBOUR_MEMORY = 0x40_0000;
/** NextEntry after a restart. */
const LAUNCH = 1;
const RESTART_LIMIT = 1_000_000;
/** Why a partition may stop for good, as intent.ts says it. */
const RIGHTFUL_ENDS = /partition guest0 stopped: (powered off|halted with interrupts off|stopped after a violation|restarted too often)/;

/** That the keyboard goes to guest1 may be said: the guest's input is typed at random. */
const NEIGHBOUR_TOUCHED = /fatal \d|audit: guest1|partition guest1(: | stopped| restarts)/;

export interface FuzzResult {
  actions: number;
  rounds: number;
  /** How often the guest started anew. */
  starts: number;
}

export interface FuzzOptions {
  seed: number;
  count: number;
  /** In place of the real ones. */
  modules?: KernelModules;
  /** Called every CHECK_INTERVAL actions. */
  onProgress?: (done: number) => void;
}

/** Throws a Violation that names seed and action. */
export async function fuzz({ seed, count, modules: weakened, onProgress = () => {} }: FuzzOptions): Promise<FuzzResult> {
  const modules = weakened ?? (await compileKernel());
  const monitor = await compileEntry("monitor/main.ts", "monitor");
  const result: FuzzResult = { actions: 0, rounds: 0, starts: 0 };
  while (result.actions < count) {
    const roundSeed = (seed + result.rounds++) >>> 0;
    const limit = Math.min(ROUND, count - result.actions);
    const before = result.actions;
    const round = new Round(modules, monitor, roundSeed);
    const done = round.run(limit, (actions) => onProgress(before + actions));
    result.actions += done;
    result.starts += round.machine.starts;
  }
  return result;
}

class Round {
  readonly machine: FuzzMachine;
  private readonly neighbour: KernelMachine;
  private readonly neighbourBase: number;
  private readonly random: Random;
  private readonly secret: Buffer;

  constructor(modules: KernelModules, monitor: WebAssembly.Module, private readonly seed: number) {
    this.random = new Random(seed);
    const options = { partitions: [fuzzedPartition(this.random), { memory: "4 MiB" }], commandLine: this.random.once(2) ? "mitigations=all" : "" };
    this.machine = FuzzMachine.start(modules, monitor, this.random, options);
    this.neighbour = joinCore(this.machine, modules, options, this.machine.guarded.unguarded());
    this.neighbourBase = Number(this.machine.memoryBase(1));
    this.secret = Buffer.alloc(NEIGHBOUR_MEMORY, `neighbour ${seed} `);
    this.machine.memory.writeBytes(this.neighbourBase, this.secret);
    this.machine.takeOutput();
  }

  /** Returns how many actions it took. */
  run(limit: number, onProgress: (actions: number) => void): number {
    for (let action = 1; action <= limit; action++) {
      if (!this.step(action)) return action;
      if (action % CHECK_INTERVAL !== 0 && action !== limit) continue;
      this.explain(action, () => this.checkNeighbour());
      onProgress(action);
    }
    return limit;
  }

  /** False once the guest has ended by itself. */
  private step(action: number): boolean {
    return this.explain(action, () => {
      try {
        act(this.machine, this.random);
        return true;
      } catch (error) {
        if (!(error instanceof Stopped)) throw error;
        const text = this.machine.takeOutput();
        if (error.message !== "idle" || !RIGHTFUL_ENDS.test(text)) throw new Violation(`the core ended with "${error.message}":\n${text.slice(-2000)}`);
        this.checkNeighbour();
        return false;
      }
    });
  }

  private checkNeighbour(): void {
    const text = this.machine.takeOutput();
    if (NEIGHBOUR_TOUCHED.test(text)) throw new Violation(`the kernel printed:\n${text.slice(-2000)}`);
    if (!this.machine.memory.readBytes(this.neighbourBase, NEIGHBOUR_MEMORY).equals(this.secret)) throw new Violation("the neighbour's memory changed");
    if (this.neighbour.exit("CPUID") === LAUNCH) throw new Violation("the neighbour does not go on");
  }

  /** Says to an error when it happened. */
  private explain<Result>(action: number, work: () => Result): Result {
    try {
      return work();
    } catch (error) {
      const what = error instanceof Error ? (error instanceof Violation ? error.message : (error.stack ?? error.message)) : String(error);
      throw new Violation(`seed ${this.seed}, action ${action}, ${this.machine.last}: ${what}`);
    }
  }
}

function fuzzedPartition(random: Random): PartitionOptions {
  const violation = (): "ignore" | "inject-fault" => (random.once(2) ? "ignore" : "inject-fault");
  const devices = ["local-apic", "io-apic", "pic", "pit", "uart", "rtc", "power-management", "pci"] as const;
  return {
    memory: "8 MiB",
    devices: random.once(4) ? devices.filter(() => !random.once(3)) : [...devices],
    hypercalls: ["version", "console-write", "power-off", "reset", "tsc-frequency", "console-read"],
    keyboard: true,
    pci: [{ device: "00:04.0" }],
    disk: { file: "disk.img", readOnly: random.once(4) },
    health: { memory: violation(), port: violation(), msr: random.once(16) ? "restart" : violation(), fault: "restart", device: "ignore", restartLimit: RESTART_LIMIT },
  };
}
