// Notices in the output that the kernel has come to its end, and whether the machine has to be stopped for it.

/** Lines of kernel/boot/fatal.ts and kernel/partition/summary.ts. A partition's lines begin with its name. */
const FATAL = /^\[bulkhead\] fatal /;
const SUMMARY = /^\[bulkhead\] summary: no partition runs any more/;
const HALTED = /^\[bulkhead\] the machine can be switched off/;
/** For what the kernel still prints after such a line. */
const DELAY_MS = 2000;

export class EndWatch {
  readonly #stop: () => void;
  #line = "";
  /** First line of a fatal error, if there was one. */
  fatal: string | null = null;
  /** True once the kernel has begun its summary. */
  summarised = false;
  #stopping = false;

  constructor(stop: () => void) {
    this.#stop = stop;
  }

  watch(bytes: Buffer): void {
    const lines = (this.#line + bytes.toString("latin1")).split(/\r?\n/);
    this.#line = lines.pop() ?? "";
    for (const line of lines) this.#look(line);
  }

  #look(line: string): void {
    if (SUMMARY.test(line)) this.summarised = true;
    if (FATAL.test(line)) this.fatal ??= line;
    if (this.#stopping || !(FATAL.test(line) || HALTED.test(line))) return;
    this.#stopping = true;
    setTimeout(this.#stop, DELAY_MS);
  }
}
