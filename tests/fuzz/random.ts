// Random numbers that a seed repeats: xoshiro128** (Blackman and Vigna), seeded by splitmix32. 32-bit arithmetic, as millions are drawn.

/** Values at which carries, signs and widths change. */
const EDGES = [0n, 1n, 0x7fn, 0x80n, 0xffn, 0xfffn, 0x1000n, 0x7fffn, 0xffffn, 0x7fff_ffffn, 0x8000_0000n, 0xffff_ffffn, 0x1_0000_0000n, 1n << 47n, 1n << 63n, (1n << 64n) - 1n];

export class Random {
  private readonly state = new Uint32Array(4);

  constructor(seed: number) {
    let value = seed | 0;
    for (let index = 0; index < 4; index++) {
      value = (value + 0x9e3779b9) | 0;
      let mixed = Math.imul(value ^ (value >>> 16), 0x21f0aaad);
      mixed = Math.imul(mixed ^ (mixed >>> 15), 0x735a2d97);
      this.state[index] = mixed ^ (mixed >>> 15);
    }
  }

  /** 32 bits, not negative. */
  word(): number {
    const state = this.state;
    const [zero, one, two, three] = [state[0]!, state[1]!, state[2]!, state[3]!];
    const scaled = Math.imul(one, 5);
    const result = Math.imul((scaled << 7) | (scaled >>> 25), 9) >>> 0;
    const second = two ^ zero;
    const third = three ^ one;
    state[1] = one ^ second;
    state[0] = zero ^ third;
    state[2] = second ^ (one << 9);
    state[3] = (third << 11) | (third >>> 21);
    return result;
  }

  long(): bigint {
    return (BigInt(this.word()) << 32n) | BigInt(this.word());
  }

  /** 0 to `limit` - 1. */
  below(limit: number): number {
    return this.word() % limit;
  }

  /** True once in `times`. */
  once(times: number): boolean {
    return this.word() % times === 0;
  }

  pick<Item>(list: readonly Item[]): Item {
    return list[this.word() % list.length]!;
  }

  /** 64 bits, often few of them, or an edge. */
  operand(): bigint {
    switch (this.word() & 3) {
      case 0: return this.pick(EDGES);
      case 1: return BigInt(this.word() & 0xff);
      case 2: return 1n << BigInt(this.word() & 63);
      default: return this.long();
    }
  }
}
