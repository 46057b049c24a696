// Time of the simulated machine: it passes with what the code under test does, so that runs repeat exactly.

export class Clock {
  private tsc: bigint;

  /**
   * @param frequency TSC in Hz
   * @param step TSC counts that one look at a clock or port takes
   * @param start TSC at power-on
   */
  constructor(
    readonly frequency: bigint = 2_000_000_000n,
    readonly step: bigint = 1000n,
    start: bigint = 123_456_789n,
  ) {
    this.tsc = start;
  }

  /** Set to have every step last the given factor longer, e.g. for an interruption by SMM. */
  disturbance: (step: number) => bigint = () => 0n;
  private steps = 0;

  advance(): void {
    this.tsc += this.step + this.disturbance(this.steps++);
  }

  get now(): bigint {
    return this.tsc;
  }

  /** Counts of a clock of `hertz` since power-on. */
  counts(hertz: bigint): bigint {
    return (this.tsc * hertz) / this.frequency;
  }
}
