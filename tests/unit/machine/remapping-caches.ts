// What a simulated remapping unit remembers of its tables. Only an invalidation takes it away, so that a forgotten one shows.
// Caches of the intermediate entries of second-level tables are not modelled.

export interface CachedContext {
  /** Domain that it is remembered under; 0 where there was no entry (CAP.CM). */
  domain: number;
  low: bigint;
  high: bigint;
}

export interface CachedTranslation {
  domain: number;
  from: bigint;
  /** Bytes of the page. */
  size: bigint;
  to: bigint;
  read: boolean;
  write: boolean;
}

export interface CachedInterrupt {
  low: bigint;
  high: bigint;
}

export class RemappingCaches {
  /** By source id. */
  readonly contexts = new Map<number, CachedContext>();
  /** PASID-table entries by "source id:PASID". */
  readonly pasids = new Map<string, CachedContext>();
  translations: CachedTranslation[] = [];
  /** By index. */
  readonly interrupts = new Map<number, CachedInterrupt>();
  /** What devices with ATS remember, by source id. */
  readonly deviceTlbs = new Map<number, CachedTranslation[]>();
  /** Every invalidation in order, e.g. "context 0x18 of domain 1". */
  readonly log: string[] = [];
  /** Runs after each invalidation. */
  onInvalidation: () => void = () => {};

  private done(what: string): void {
    this.log.push(what);
    this.onInvalidation();
  }

  allContexts(): void {
    this.contexts.clear();
    this.done("contexts");
  }

  contextsOfDomain(domain: number): void {
    for (const [source, entry] of this.contexts) if (entry.domain === domain) this.contexts.delete(source);
    this.done(`contexts of domain ${domain}`);
  }

  /** Legacy mode compares the domain as well. */
  context(domain: number, sourceId: number, isScalable: boolean): void {
    const entry = this.contexts.get(sourceId);
    if (entry !== undefined && (isScalable || entry.domain === domain)) this.contexts.delete(sourceId);
    this.done(`context 0x${sourceId.toString(16)} of domain ${domain}`);
  }

  allPasids(): void {
    this.pasids.clear();
    this.done("pasids");
  }

  pasidsOfDomain(domain: number): void {
    for (const [key, entry] of this.pasids) if (entry.domain === domain) this.pasids.delete(key);
    this.done(`pasids of domain ${domain}`);
  }

  allTranslations(): void {
    this.translations = [];
    this.done("tlb");
  }

  translationsOfDomain(domain: number): void {
    this.translations = this.translations.filter((one) => one.domain !== domain);
    this.done(`tlb of domain ${domain}`);
  }

  /** 2^`mask` pages of 4 KiB at `address`. */
  pages(domain: number, address: bigint, mask: number): void {
    const size = 0x1000n << BigInt(mask);
    const from = address & ~(size - 1n);
    this.translations = this.translations.filter(
      (one) => one.domain !== domain || one.from >= from + size || one.from + one.size <= from,
    );
    this.done(`tlb pages 0x${from.toString(16)} mask ${mask} of domain ${domain}`);
  }

  deviceTlb(sourceId: number): void {
    this.deviceTlbs.delete(sourceId);
    this.done(`device tlb 0x${sourceId.toString(16)}`);
  }

  allInterrupts(): void {
    this.interrupts.clear();
    this.done("interrupts");
  }

  interruptEntries(index: number, mask: number): void {
    for (const cached of [...this.interrupts.keys()]) if (cached >> mask === index >> mask) this.interrupts.delete(cached);
    this.done(`interrupts ${index} mask ${mask}`);
  }

  /** Remembered translation of an address, undefined if there is none. */
  translationOf(domain: number, address: bigint): CachedTranslation | undefined {
    return this.translations.find((one) => one.domain === domain && address >= one.from && address < one.from + one.size);
  }
}
