// The instruction forms that the decoder's tests run, in AT&T syntax.

import { CODE, OPERAND } from "./native.ts";
import { Random } from "./random.ts";

export type Size = 1 | 2 | 4 | 8;
const SIZES: readonly Size[] = [1, 2, 4, 8];

/** How an instruction addresses its memory operand; the address is base + index * scale + displacement. */
export interface Addressing {
  text: string;
  base?: number;
  index?: number;
  scale?: number;
  displacement?: bigint;
  /** Fixed address of the operand. */
  fixed?: bigint;
  /** A REX prefix is needed, so AH to BH cannot be named. */
  needsRex?: boolean;
  /** Only the low 32 bits of registers count. */
  isNarrow?: boolean;
}

export interface Form {
  text: string;
  /** Bytes of the memory operand. */
  size: Size;
  addressing: Addressing;
  /** AF is undefined after AND, OR, XOR and TEST. */
  leavesAuxiliary: boolean;
}

const REGISTERS: Record<Size, readonly string[]> = {
  1: ["al", "cl", "dl", "bl", "spl", "bpl", "sil", "dil", "r8b", "r9b", "r10b", "r11b", "r12b", "r13b", "r14b", "r15b"],
  2: ["ax", "cx", "dx", "bx", "sp", "bp", "si", "di", "r8w", "r9w", "r10w", "r11w", "r12w", "r13w", "r14w", "r15w"],
  4: ["eax", "ecx", "edx", "ebx", "esp", "ebp", "esi", "edi", "r8d", "r9d", "r10d", "r11d", "r12d", "r13d", "r14d", "r15d"],
  8: ["rax", "rcx", "rdx", "rbx", "rsp", "rbp", "rsi", "rdi", "r8", "r9", "r10", "r11", "r12", "r13", "r14", "r15"],
};
const HIGH_BYTES: readonly string[] = ["ah", "ch", "dh", "bh"];
const SUFFIX: Record<Size, string> = { 1: "b", 2: "w", 4: "l", 8: "q" };

const ADDRESSINGS: readonly Addressing[] = [
  { text: "(%rbx)", base: 3 },
  { text: "(%rdi)", base: 7 },
  { text: "0x7f(%rsi)", base: 6, displacement: 0x7fn },
  { text: "-0x30(%rbp)", base: 5, displacement: -0x30n },
  { text: "(%rbp)", base: 5 },
  { text: "(%rsp)", base: 4 },
  { text: "(%r12)", base: 12, needsRex: true },
  { text: "0x123456(%r13)", base: 13, displacement: 0x123456n, needsRex: true },
  { text: "(%r13)", base: 13, needsRex: true },
  { text: "8(%rax,%rcx,4)", base: 0, index: 1, scale: 4, displacement: 8n },
  { text: "(%r9,%r15,8)", base: 9, index: 15, scale: 8, needsRex: true },
  { text: "-0x2000(%rbp,%r12,2)", base: 5, index: 12, scale: 2, displacement: -0x2000n, needsRex: true },
  { text: "0x100(,%rdx,2)", index: 2, scale: 2, displacement: 0x100n },
  { text: "(%ebx)", base: 3, isNarrow: true },
  { text: "0x40(%edx,%esi,4)", base: 2, index: 6, scale: 4, displacement: 0x40n, isNarrow: true },
  { text: `0x${(OPERAND + 0x40n).toString(16)}`, fixed: OPERAND + 0x40n },
  { text: `0x${(OPERAND - CODE).toString(16)}(%rip)`, fixed: OPERAND }, // counted from the end of the instruction
];

const ADDRESSINGS_FOR_EACH = 5;

/** Every operation in every size, each with some addressings and registers. */
export function ordinaryForms(random: Random): Form[] {
  const forms: Form[] = [];
  for (let repetition = 0; repetition < ADDRESSINGS_FOR_EACH; repetition++) {
    for (const size of SIZES) forms.push(...moves(random, size), ...arithmetic(random, size), ...tests(random, size));
    forms.push(...extensions(random));
  }
  forms.push(...accumulators());
  return forms;
}

function form(text: (memory: string) => string, size: Size, addressing: Addressing, leavesAuxiliary = false): Form {
  return { text: text(addressing.text), size, addressing, leavesAuxiliary };
}

function register(random: Random, size: Size, addressing: Addressing): string {
  if (size === 1 && addressing.needsRex !== true && random.below(3) === 0) return `%${random.pick(HIGH_BYTES)}`;
  return `%${random.pick(REGISTERS[size])}`;
}

function immediate(random: Random, size: Size): string {
  const bits = size === 8 ? 32 : size * 8;
  return `$${BigInt.asIntN(bits, random.operand())}`;
}

function moves(random: Random, size: Size): Form[] {
  const suffix = SUFFIX[size];
  return [
    (a: Addressing) => form((m) => `mov${suffix} ${register(random, size, a)}, ${m}`, size, a),
    (a: Addressing) => form((m) => `mov${suffix} ${m}, ${register(random, size, a)}`, size, a),
    (a: Addressing) => form((m) => `mov${suffix} ${immediate(random, size)}, ${m}`, size, a),
    (a: Addressing) => form((m) => `xchg${suffix} ${register(random, size, a)}, ${m}`, size, a),
  ].map((make) => make(random.pick(ADDRESSINGS)));
}

function arithmetic(random: Random, size: Size): Form[] {
  return ["add", "or", "and", "sub", "xor", "cmp"].flatMap((operation) => {
    const name = operation + SUFFIX[size];
    const isLogic = operation === "or" || operation === "and" || operation === "xor";
    const lock = operation !== "cmp" && random.below(2) === 0 ? "lock " : "";
    return [
      (a: Addressing) => form((m) => `${lock}${name} ${register(random, size, a)}, ${m}`, size, a, isLogic),
      (a: Addressing) => form((m) => `${name} ${m}, ${register(random, size, a)}`, size, a, isLogic),
      (a: Addressing) => form((m) => `${name} ${immediate(random, size)}, ${m}`, size, a, isLogic),
      (a: Addressing) => form((m) => `${name} $${random.below(256) - 128}, ${m}`, size, a, isLogic),
    ].map((make) => make(random.pick(ADDRESSINGS)));
  });
}

function tests(random: Random, size: Size): Form[] {
  return [
    (a: Addressing) => form((m) => `test${SUFFIX[size]} ${register(random, size, a)}, ${m}`, size, a, true),
    (a: Addressing) => form((m) => `test${SUFFIX[size]} ${immediate(random, size)}, ${m}`, size, a, true),
  ].map((make) => make(random.pick(ADDRESSINGS)));
}

function extensions(random: Random): Form[] {
  const variants: readonly [string, Size, Size][] = [
    ["movzbw", 1, 2], ["movzbl", 1, 4], ["movzbq", 1, 8], ["movzwl", 2, 4], ["movzwq", 2, 8],
    ["movsbw", 1, 2], ["movsbl", 1, 4], ["movsbq", 1, 8], ["movswl", 2, 4], ["movswq", 2, 8], ["movslq", 4, 8],
  ];
  return variants.map(([name, from, to]) => form((m) => `${name} ${m}, %${random.pick(REGISTERS[to])}`, from, random.pick(ADDRESSINGS)));
}

/** MOV between the accumulator and an address in the instruction. */
function accumulators(): Form[] {
  const addressing: Addressing = { text: `0x${(OPERAND + 0x88n).toString(16)}`, fixed: OPERAND + 0x88n };
  return SIZES.flatMap((size) => {
    const accumulator = REGISTERS[size][0];
    return [
      form((m) => `movabs${SUFFIX[size]} ${m}, %${accumulator}`, size, addressing),
      form((m) => `movabs${SUFFIX[size]} %${accumulator}, ${m}`, size, addressing),
    ];
  });
}
