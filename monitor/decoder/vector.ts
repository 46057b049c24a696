// MOVs between memory and MMX or SSE registers, on an image of FXSAVE64 (SDM 1 10.5.1). Alignment is checked before the exit.

import { restoreVectors, saveVectors } from "../imports";
import { isRefused } from "./device-access";
import { destination, readPart, writePart } from "./guest-operand";
import { VectorPart, instruction } from "./instruction";

const enum Image { Status = 2, Tags = 4, X87 = 32, Xmm = 160 }

const REGISTER_SIZE: u32 = 16;
const X87_REGISTERS: u32 = 8;
/** Top of the x87 stack in its status word. */
const TOP_SHIFT: u32 = 11;
const ALL_VALID: u8 = 0xff;
/** Sign and exponent of an x87 register that an MMX instruction wrote (SDM 1 9.6.2). */
const MMX_EXPONENT: u16 = 0xffff;

const image: usize = memory.data(512, 16);
const rotated: usize = memory.data(128, 16);

/** The registers change only if the device refuses nothing. */
export function moveVector(vcpu: u32): void {
  saveVectors(image);
  if (instruction.part == VectorPart.Mmx) enterMmx();
  if (instruction.toMemory) storeRegister(vcpu, place());
  else loadRegister(vcpu, place());
  if (!isRefused()) restoreVectors(image);
}

function place(): usize {
  if (instruction.part == VectorPart.Mmx) return image + Image.X87 + (instruction.register & 7) * REGISTER_SIZE;
  return image + Image.Xmm + instruction.register * REGISTER_SIZE;
}

/** Any MMX instruction makes the stack's top register 0 and all of them valid (SDM 1 9.5.1). The image has them from the top on. */
function enterMmx(): void {
  const status: u32 = load<u16>(image + Image.Status);
  const top = (status >> TOP_SHIFT) & (X87_REGISTERS - 1);
  memory.copy(rotated, image + Image.X87, X87_REGISTERS * REGISTER_SIZE);
  for (let register: u32 = 0; register < X87_REGISTERS; register++) {
    memory.copy(image + Image.X87 + register * REGISTER_SIZE, rotated + ((register - top) & (X87_REGISTERS - 1)) * REGISTER_SIZE, REGISTER_SIZE);
  }
  store<u16>(image + Image.Status, <u16>(status & ~((X87_REGISTERS - 1) << TOP_SHIFT)));
  store<u8>(image + Image.Tags, ALL_VALID);
}

function storeRegister(vcpu: u32, register: usize): void {
  const low = instruction.part == VectorPart.High ? load<u64>(register, 8) : load<u64>(register);
  writePart(vcpu, destination, 0, min<u32>(instruction.memorySize, 8), low);
  if (instruction.memorySize > 8) writePart(vcpu, destination, 8, 8, load<u64>(register, 8));
}

function loadRegister(vcpu: u32, register: usize): void {
  const low = readPart(vcpu, destination, 0, min<u32>(instruction.memorySize, 8));
  const high = instruction.memorySize > 8 ? readPart(vcpu, destination, 8, 8) : 0;
  switch (instruction.part) {
    case VectorPart.Low: return store<u64>(register, low);
    case VectorPart.High: return store<u64>(register, low, 8);
    case VectorPart.Mmx: {
      store<u64>(register, low);
      return store<u16>(register, MMX_EXPONENT, 8);
    }
    default: {
      store<u64>(register, low);
      return store<u64>(register, high, 8);
    }
  }
}
