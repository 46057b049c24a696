// What each kind of code can name: operand sizes, registers and addressings.

import { CODE, OPERAND, SEGMENT_BASES, type CodeSize } from "./native.ts";
import type { Size } from "./forms.ts";
import { Random } from "./random.ts";

/** How an instruction addresses its memory operand; the offset is base + index * scale + displacement. */
export interface Addressing {
  text: string;
  base?: number;
  index?: number;
  scale?: number;
  displacement?: bigint;
  /** Fixed linear address of the operand; it counts from the end of the instruction if isRipRelative. */
  fixed?: bigint;
  isRipRelative?: boolean;
  /** A REX prefix is needed, so AH to BH cannot be named. */
  needsRex?: boolean;
  /** Bits of an address. */
  width: 16 | 32 | 64;
  /** Base of the segment. */
  segmentBase: bigint;
  isReadOnly?: boolean;
}

export interface Target {
  name: string;
  code: CodeSize;
  sizes: readonly Size[];
  registers: number;
  addressings: readonly Addressing[];
  /** MOV between accumulator and an address in the instruction. */
  absolute: readonly Addressing[];
  moveAbsolute: string;
}

const hex = (value: bigint): string => `0x${value.toString(16)}`;

/** An addressing without segment. */
type Shape = Omit<Addressing, "segmentBase">;

const SHAPES_64: readonly Shape[] = ([
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
] as const).map((shape) => ({ ...shape, width: 64 }));

const SHAPES_32: readonly Shape[] = ([
  { text: "(%ebx)", base: 3 },
  { text: "(%esp)", base: 4 },
  { text: "0x40(%edx,%esi,4)", base: 2, index: 6, scale: 4, displacement: 0x40n },
  { text: "-0x7654321(%ebp)", base: 5, displacement: -0x7654321n },
  { text: "0x12(%ebp,%eax,2)", base: 5, index: 0, scale: 2, displacement: 0x12n },
  { text: "0x100000(,%edi,8)", index: 7, scale: 8, displacement: 0x100000n },
  { text: "(%ecx,%ebp)", base: 1, index: 5, scale: 1 },
] as const).map((shape) => ({ ...shape, width: 32 }));

const SHAPES_16: readonly Shape[] = ([
  { text: "(%bx,%si)", base: 3, index: 6 },
  { text: "0x12(%bx,%di)", base: 3, index: 7, displacement: 0x12n },
  { text: "-0x70(%bp,%si)", base: 5, index: 6, displacement: -0x70n },
  { text: "0x4321(%bp,%di)", base: 5, index: 7, displacement: 0x4321n },
  { text: "(%si)", base: 6 },
  { text: "0x7f(%di)", base: 7, displacement: 0x7fn },
  { text: "(%bp)", base: 5 },
  { text: "-0x1234(%bp)", base: 5, displacement: -0x1234n },
  { text: "(%bx)", base: 3 },
] as const).map((shape) => ({ ...shape, width: 16 }));

const FS_BASE_64 = 0x7100n;
const GS_BASE_64 = 0x7fff_0000_0000n;
export const BASES_64 = { fs: FS_BASE_64, gs: GS_BASE_64 };

function inSegment(shape: Shape, name: string, segmentBase: bigint): Addressing {
  return { ...shape, text: `%${name}:${shape.text}`, segmentBase };
}

export function target64(): Target {
  const flat = (shape: Shape): Addressing => ({ ...shape, segmentBase: 0n });
  const absolute = OPERAND + 0x88n;
  const rip = OPERAND + 0x60n;
  return {
    name: "64-bit", code: 64, sizes: [1, 2, 4, 8], registers: 16, moveAbsolute: "movabs",
    addressings: [
      ...[...SHAPES_64, ...SHAPES_32].map(flat),
      ...[SHAPES_64[0]!, SHAPES_64[9]!, SHAPES_32[2]!].map((shape) => inSegment(shape, "fs", FS_BASE_64)),
      ...[SHAPES_64[4]!, SHAPES_64[10]!].map((shape) => inSegment(shape, "gs", GS_BASE_64)),
      { text: hex(OPERAND + 0x40n), fixed: OPERAND + 0x40n, width: 64, segmentBase: 0n },
      { text: `${hex(rip - CODE)}(%rip)`, fixed: rip, isRipRelative: true, width: 64, segmentBase: 0n },
      { text: `${hex(rip - CODE)}(%eip)`, fixed: rip, isRipRelative: true, width: 32, segmentBase: 0n },
    ],
    absolute: [
      { text: hex(absolute), fixed: absolute, width: 64, segmentBase: 0n },
      { text: `%fs:${hex(absolute - FS_BASE_64)}`, fixed: absolute, width: 64, segmentBase: FS_BASE_64 },
    ],
  };
}

/** 16-bit or 32-bit code, whose segments all have bases; both widths of address in each. */
export function targetCompatible(code: 16 | 32): Target {
  const shapes = [...SHAPES_16, ...SHAPES_32];
  const ofStack = (shape: Shape): boolean => shape.base === 5 || shape.base === 4;
  const plain = shapes.map((shape): Addressing => ({ ...shape, segmentBase: ofStack(shape) ? SEGMENT_BASES.ss : SEGMENT_BASES.ds }));
  const random = new Random(0x51ed27n);
  const names = ["es", "cs", "ss", "ds", "fs", "gs"] as const;
  const overridden = names.flatMap((name) => [0, 1, 2].map((): Addressing => ({ ...inSegment(random.pick(shapes), name, SEGMENT_BASES[name]), isReadOnly: name === "cs" })));
  const absolute = OPERAND + 0x88n;
  const fixed = (name: "ds" | "gs"): Addressing => ({ text: `%${name}:${hex(absolute - SEGMENT_BASES[name])}`, fixed: absolute, width: code, segmentBase: SEGMENT_BASES[name] });
  return {
    name: `${code}-bit`, code, sizes: [1, 2, 4], registers: 8, moveAbsolute: "mov",
    addressings: [...plain, ...overridden, fixed("ds"), fixed("gs")],
    absolute: [fixed("ds"), fixed("gs")],
  };
}
