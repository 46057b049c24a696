// The instruction forms that the decoder's tests run, in AT&T syntax.

import { Random } from "./random.ts";
import type { Addressing, Target } from "./target.ts";

export type Size = 1 | 2 | 4 | 8;

/** Flags that an instruction leaves undefined. */
const NONE = 0n;
const AUXILIARY = 0x10n;
const ALL_BUT_CARRY = 0x8d4n & ~0x40n; // BT and its kin keep ZF
const CARRY = 0x1n;
const OVERFLOW = 0x800n;
const MULTIPLICATION = 0xd4n; // CF and OF are defined
const ALL_FLAGS = 0x8d5n;
const BIT_SCAN = 0x895n; // ZF is defined
const CONDITIONS: readonly string[] = ["o", "no", "b", "ae", "e", "ne", "be", "a", "s", "ns", "p", "np", "l", "ge", "le", "g"];

export interface Form {
  text: string;
  /** Bytes of the memory operand. */
  size: Size | 16;
  /** The operand must be aligned. */
  isAligned?: boolean;
  addressing: Addressing;
  undefinedFlags: bigint;
  writes: boolean;
  /** Number of the register that holds a bit number, which moves the operand. */
  bitRegister?: number;
  /** EDX:EAX or the accumulator decides: let it often be what memory holds. */
  comparesAccumulator?: boolean;
  /** RDX:RAX is divided: let the quotient fit. */
  divides?: boolean;
}

export type Make = (addressing: Addressing) => Omit<Form, "writes">;

/** An instruction that writes its operand cannot have one in the code segment. */
export interface Pattern {
  writes: boolean;
  /** The address must take neither RAX nor RDX. */
  needsAccumulator?: boolean;
  /** Of those addressings that can be aligned to 16. */
  isAligned?: boolean;
  make: Make;
}

const REGISTERS: Record<Size, readonly string[]> = {
  1: ["al", "cl", "dl", "bl", "spl", "bpl", "sil", "dil", "r8b", "r9b", "r10b", "r11b", "r12b", "r13b", "r14b", "r15b"],
  2: ["ax", "cx", "dx", "bx", "sp", "bp", "si", "di", "r8w", "r9w", "r10w", "r11w", "r12w", "r13w", "r14w", "r15w"],
  4: ["eax", "ecx", "edx", "ebx", "esp", "ebp", "esi", "edi", "r8d", "r9d", "r10d", "r11d", "r12d", "r13d", "r14d", "r15d"],
  8: ["rax", "rcx", "rdx", "rbx", "rsp", "rbp", "rsi", "rdi", "r8", "r9", "r10", "r11", "r12", "r13", "r14", "r15"],
};
const HIGH_BYTES: readonly string[] = ["ah", "ch", "dh", "bh"];
const SUFFIX: Record<Size, string> = { 1: "b", 2: "w", 4: "l", 8: "q" };
const LOGIC: readonly string[] = ["or", "and", "xor"];

/** MOVs of MMX and SSE registers: names, bytes of memory, register, ways. */
const VECTOR_MOVES: readonly (readonly [string, Form["size"], "mm" | "xmm", "load store" | "load" | "store"])[] = [
  ["movups movupd movaps movapd movdqa movdqu", 16, "xmm", "load store"],
  ["movss", 4, "xmm", "load store"],
  ["movsd movlps movlpd movhps movhpd movq", 8, "xmm", "load store"],
  ["movd", 4, "xmm", "load store"],
  ["movntps movntpd movntdq", 16, "xmm", "store"],
  ["lddqu movntdqa", 16, "xmm", "load"],
  ["movd", 4, "mm", "load store"],
  ["movq", 8, "mm", "load store"],
  ["movntq", 8, "mm", "store"],
];
const ALIGNED_MOVES: readonly string[] = ["movaps", "movapd", "movdqa", "movntps", "movntpd", "movntdq", "movntdqa"];

/** Every operation in every size, each with `repetitions` addressings and registers. */
export function ordinaryForms(random: Random, target: Target, repetitions: number): Form[] {
  const builder = new FormBuilder(random, target);
  const forms: Form[] = [];
  for (let repetition = 0; repetition < repetitions; repetition++) {
    for (const size of target.sizes) forms.push(...builder.ofSize(size));
    forms.push(...builder.extensions(), ...builder.exchangePairs(), ...builder.vectors());
  }
  return [...forms, ...builder.accumulators()];
}

class FormBuilder {
  constructor(
    private readonly random: Random,
    private readonly target: Target,
  ) {}

  ofSize(size: Size): Form[] {
    const patterns = [...this.moves(size), ...this.arithmetic(size), ...this.tests(size), ...this.single(size), ...this.exchanges(size)];
    patterns.push(...this.shifts(size), ...this.multiplications(size));
    if (size === 1) patterns.push(...CONDITIONS.map((condition): Pattern => ({ writes: true, make: (a) => form(`set${condition} ${a.text}`, size, a) })));
    else patterns.push(...this.bits(size), ...this.loads(size));
    return patterns.map((pattern) => this.choose(pattern));
  }

  extensions(): Form[] {
    const variants: readonly [string, Size, Size][] = [
      ["movzbw", 1, 2], ["movzbl", 1, 4], ["movzbq", 1, 8], ["movzwl", 2, 4], ["movzwq", 2, 8],
      ["movsbw", 1, 2], ["movsbl", 1, 4], ["movsbq", 1, 8], ["movswl", 2, 4], ["movswq", 2, 8], ["movslq", 4, 8],
    ];
    return variants
      .filter(([, , to]) => this.target.sizes.includes(to))
      .map(([name, from, to]) => this.choose({ writes: false, make: (a) => form(`${name} ${a.text}, %${this.wideRegister(to).name}`, from, a) }));
  }

  exchangePairs(): Form[] {
    const narrow: Make = (a) => ({ ...form(`lock cmpxchg8b ${a.text}`, 8, a), comparesAccumulator: true });
    const wide: Make = (a) => ({ ...form(`lock cmpxchg16b ${a.text}`, 16, a), comparesAccumulator: true, isAligned: true });
    const forms = [this.choose({ writes: true, make: narrow })];
    return this.target.code === 64 ? [...forms, this.choose({ writes: true, isAligned: true, make: wide })] : forms;
  }

  vectors(): Form[] {
    return VECTOR_MOVES.flatMap(([names, size, kind, ways]) => names.split(" ").flatMap((name) => {
      const isAligned = ALIGNED_MOVES.includes(name);
      const besides = isAligned ? { isAligned } : {};
      const make = (writes: boolean): Pattern => ({ writes, ...besides, make: (a) => {
        const register = `%${kind}${this.random.below(kind === "mm" ? 8 : this.target.registers)}`;
        return { ...form(writes ? `${name} ${register}, ${a.text}` : `${name} ${a.text}, ${register}`, size, a), ...besides };
      } });
      return [...(ways.includes("load") ? [make(false)] : []), ...(ways.includes("store") ? [make(true)] : [])];
    })).map((pattern) => this.choose(pattern));
  }

  /** MOV between the accumulator and an address in the instruction. */
  accumulators(): Form[] {
    const { absolute, sizes, moveAbsolute } = this.target;
    return absolute.flatMap((addressing) => sizes.flatMap((size) => {
      const name = moveAbsolute + SUFFIX[size];
      const accumulator = `%${REGISTERS[size][0]}`;
      return [
        { ...form(`${name} ${addressing.text}, ${accumulator}`, size, addressing), writes: false },
        { ...form(`${name} ${accumulator}, ${addressing.text}`, size, addressing), writes: true },
      ];
    }));
  }

  private choose({ writes, needsAccumulator = false, isAligned = false, make }: Pattern): Form {
    const takesAccumulator = ({ base, index }: Addressing): boolean => [base, index].some((register) => register === 0 || register === 2);
    const fits = (addressing: Addressing): boolean => (!writes || addressing.isReadOnly !== true) && !(needsAccumulator && takesAccumulator(addressing)) && !(isAligned && addressing.base === undefined);
    return { ...make(this.random.pick(this.target.addressings.filter(fits))), writes };
  }

  private moves(size: Size): Pattern[] {
    const name = `mov${SUFFIX[size]}`;
    const patterns: Pattern[] = [
      { writes: true, make: (a) => form(`${name} ${this.register(size, a)}, ${a.text}`, size, a) },
      { writes: false, make: (a) => form(`${name} ${a.text}, ${this.register(size, a)}`, size, a) },
      { writes: true, make: (a) => form(`${name} ${this.immediate(size)}, ${a.text}`, size, a) },
    ];
    if (size >= 4) patterns.push({ writes: true, make: (a) => form(`movnti ${this.register(size, a)}, ${a.text}`, size, a) });
    return patterns;
  }

  private arithmetic(size: Size): Pattern[] {
    return ["add", "adc", "or", "and", "sub", "sbb", "xor", "cmp"].flatMap((operation): Pattern[] => {
      const name = operation + SUFFIX[size];
      const flags = LOGIC.includes(operation) ? AUXILIARY : NONE;
      const writes = operation !== "cmp";
      const lock = writes && this.random.below(2) === 0 ? "lock " : "";
      return [
        { writes, make: (a) => form(`${lock}${name} ${this.register(size, a)}, ${a.text}`, size, a, flags) },
        { writes: false, make: (a) => form(`${name} ${a.text}, ${this.register(size, a)}`, size, a, flags) },
        { writes, make: (a) => form(`${name} ${this.immediate(size)}, ${a.text}`, size, a, flags) },
        { writes, make: (a) => form(`${name} $${this.random.below(256) - 128}, ${a.text}`, size, a, flags) },
      ];
    });
  }

  private tests(size: Size): Pattern[] {
    const name = `test${SUFFIX[size]}`;
    return [
      { writes: false, make: (a) => form(`${name} ${this.register(size, a)}, ${a.text}`, size, a, AUXILIARY) },
      { writes: false, make: (a) => form(`${name} ${this.immediate(size)}, ${a.text}`, size, a, AUXILIARY) },
    ];
  }

  private single(size: Size): Pattern[] {
    return ["not", "neg", "inc", "dec", "lock not", "lock inc"].map((name) => ({ writes: true, make: (a) => form(`${name}${SUFFIX[size]} ${a.text}`, size, a) }));
  }

  private exchanges(size: Size): Pattern[] {
    const suffix = SUFFIX[size];
    return [
      { writes: true, make: (a) => form(`xchg${suffix} ${this.register(size, a)}, ${a.text}`, size, a) },
      { writes: true, make: (a) => form(`lock xadd${suffix} ${this.register(size, a)}, ${a.text}`, size, a) },
      { writes: true, make: (a) => ({ ...form(`cmpxchg${suffix} ${this.register(size, a)}, ${a.text}`, size, a), comparesAccumulator: true }) },
      { writes: true, make: (a) => ({ ...form(`lock cmpxchg${suffix} ${this.register(size, a)}, ${a.text}`, size, a), comparesAccumulator: true }) },
    ];
  }

  private bits(size: Size): Pattern[] {
    return ["bt", "bts", "btr", "btc"].flatMap((operation): Pattern[] => {
      const writes = operation !== "bt";
      const name = (writes && this.random.below(2) === 0 ? "lock " : "") + operation + SUFFIX[size];
      return [
        { writes, make: (a) => form(`${name} $${this.random.below(256)}, ${a.text}`, size, a, ALL_BUT_CARRY) },
        { writes, make: (a) => this.bitRegister(name, size, a) },
      ];
    });
  }

  /** The bit number's register must not take part in the address too. */
  private bitRegister(name: string, size: Size, addressing: Addressing): ReturnType<Make> {
    let register = this.wideRegister(size);
    while (register.number === addressing.base || register.number === addressing.index) register = this.wideRegister(size);
    return { ...form(`${name} %${register.name}, ${addressing.text}`, size, addressing, ALL_BUT_CARRY), bitRegister: register.number };
  }

  private shifts(size: Size): Pattern[] {
    const patterns = ["rol", "ror", "rcl", "rcr", "shl", "shr", "sar"].flatMap((operation): Pattern[] => {
      const name = operation + SUFFIX[size];
      const isRotation = operation.startsWith("r");
      const byOne = isRotation ? NONE : AUXILIARY;
      const beyond = size < 4 && !isRotation ? CARRY : NONE;
      return [
        { writes: true, make: (a) => form(`${name} $1, ${a.text}`, size, a, byOne) },
        { writes: true, make: (a) => form(`${name} $${this.distance(size)}, ${a.text}`, size, a, byOne | OVERFLOW) },
        { writes: true, make: (a) => form(`${name} %cl, ${a.text}`, size, a, byOne | OVERFLOW | beyond) },
      ];
    });
    return size === 1 ? patterns : [...patterns, ...this.doubleShifts(size)];
  }

  /** A distance beyond 16 leaves the result of 16 bits undefined. */
  private doubleShifts(size: Size): Pattern[] {
    return ["shld", "shrd"].flatMap((operation): Pattern[] => {
      const name = operation + SUFFIX[size];
      const make = (count: string): Make => (a) => form(`${name} ${count}, ${this.register(size, a)}, ${a.text}`, size, a, AUXILIARY | OVERFLOW);
      return [{ writes: true, make: make(`$${this.distance(size)}`) }, ...(size === 2 ? [] : [{ writes: true, make: make("%cl") }])];
    });
  }

  private distance(size: Size): number {
    return 2 + this.random.below(size * 8 - 2);
  }

  private multiplications(size: Size): Pattern[] {
    const suffix = SUFFIX[size];
    const patterns: Pattern[] = ["mul", "imul"].map((name) => ({ writes: false, make: (a) => form(`${name}${suffix} ${a.text}`, size, a, MULTIPLICATION) }));
    for (const name of ["div", "idiv"]) patterns.push({ writes: false, needsAccumulator: true, make: (a) => ({ ...form(`${name}${suffix} ${a.text}`, size, a, ALL_FLAGS), divides: true }) });
    if (size === 1) return patterns;
    return [
      ...patterns,
      { writes: false, make: (a) => form(`imul${suffix} ${a.text}, ${this.register(size, a)}`, size, a, MULTIPLICATION) },
      { writes: false, make: (a) => form(`imul${suffix} ${this.immediate(size)}, ${a.text}, ${this.register(size, a)}`, size, a, MULTIPLICATION) },
      { writes: false, make: (a) => form(`imul${suffix} $${this.random.below(256) - 128}, ${a.text}, ${this.register(size, a)}`, size, a, MULTIPLICATION) },
    ];
  }

  /** Not of one byte. */
  private loads(size: Size): Pattern[] {
    const suffix = SUFFIX[size];
    return [
      ...CONDITIONS.map((condition): Pattern => ({ writes: false, make: (a) => form(`cmov${condition}${suffix} ${a.text}, ${this.register(size, a)}`, size, a) })),
      ...["bsf", "bsr"].map((name): Pattern => ({ writes: false, make: (a) => form(`${name}${suffix} ${a.text}, ${this.register(size, a)}`, size, a, BIT_SCAN) })),
      { writes: false, make: (a) => form(`movbe${suffix} ${a.text}, ${this.register(size, a)}`, size, a) },
      { writes: true, make: (a) => form(`movbe${suffix} ${this.register(size, a)}, ${a.text}`, size, a) },
    ];
  }

  private register(size: Size, addressing: Addressing): string {
    const hasRex = this.target.registers > 8;
    if (size === 1 && addressing.needsRex !== true && this.random.below(3) === 0) return `%${this.random.pick(HIGH_BYTES)}`;
    if (size === 1 && !hasRex) return `%${this.random.pick(REGISTERS[1].slice(0, 4))}`;
    return `%${this.wideRegister(size).name}`;
  }

  private wideRegister(size: Size): { name: string; number: number } {
    const number = this.random.below(this.target.registers);
    return { name: REGISTERS[size][number]!, number };
  }

  private immediate(size: Size): string {
    const bits = size === 8 ? 32 : size * 8;
    return `$${BigInt.asIntN(bits, this.random.operand())}`;
  }
}

function form(text: string, size: Form["size"], addressing: Addressing, undefinedFlags = NONE): ReturnType<Make> {
  return { text, size, addressing, undefinedFlags };
}
