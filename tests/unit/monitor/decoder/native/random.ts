// Random numbers that are the same in every run (xorshift64*).

export class Random {
  private state: bigint;

  constructor(seed: bigint) {
    this.state = seed;
  }

  word(): bigint {
    this.state ^= this.state >> 12n;
    this.state = BigInt.asUintN(64, this.state ^ (this.state << 25n));
    this.state ^= this.state >> 27n;
    return BigInt.asUintN(64, this.state * 0x2545f4914f6cdd1dn);
  }

  /** 0 to `limit` - 1. */
  below(limit: number): number {
    return Number(this.word() % BigInt(limit));
  }

  pick<T>(list: readonly T[]): T {
    const item = list[this.below(list.length)];
    if (item === undefined) throw new Error("pick from an empty list");
    return item;
  }

  /** Often a value at which carries and signs change. */
  operand(): bigint {
    const special = [0n, 1n, 0x7fn, 0x80n, 0xffn, 0x7fffn, 0x8000n, 0x7fffffffn, 0x80000000n, 0xffffffffn, 0x7fffffffffffffffn, 0xffffffffffffffffn];
    return this.below(4) === 0 ? this.pick(special) : this.word();
  }
}
