// The fast path: MOV between memory and a 32-bit register, as Linux reads and writes its local APIC.

import { isRefused, readDevice, writeDevice } from "./device-access";
import { firstBytes } from "./fetch";
import { advance, defaultSize, isLongMode, readRegister, writeRegister } from "./frame";

const enum Opcode { Store = 0x89, Load = 0x8b }
const REX_WITHOUT_W: u64 = 0x40;
const REX_R_TO_BIT_3: u32 = 1; // REX.R is bit 2

/** True if the instruction is one of these; it then was carried out. */
export function executePlainMove(vcpu: u32, gpa: u64, isWrite: bool): bool {
  if (!isInsidePage(gpa)) return false;
  let bytes = firstBytes();
  let length: u32 = 0;
  let registerExtension: u32 = 0;
  if (isLongMode()) {
    if ((bytes & 0xf8) == REX_WITHOUT_W) {
      registerExtension = (<u32>bytes & 4) << REX_R_TO_BIT_3;
      bytes >>= 8;
      length = 1;
    }
  } else if (defaultSize() != 4) {
    return false;
  }
  const opcode = <u32>bytes & 0xff;
  if (opcode != (isWrite ? Opcode.Store : Opcode.Load)) return false;
  const operandLength = memoryOperandLength(<u32>(bytes >> 8));
  if (operandLength == 0) return false;
  const register = ((<u32>(bytes >> 11)) & 7) | registerExtension;
  move(vcpu, gpa, isWrite, register);
  if (!isRefused()) advance(length + 1 + operandLength);
  return true;
}

/** Aligned, and not at a page's start, where an access that began on the page before would be reported. */
function isInsidePage(gpa: u64): bool {
  return (gpa & 3) == 0 && (gpa & 0xfff) != 0;
}

function move(vcpu: u32, gpa: u64, isStore: bool, register: u32): void {
  if (isStore) {
    writeDevice(vcpu, gpa, 4, readRegister(register, 4));
    return;
  }
  const value = readDevice(vcpu, gpa, 4);
  if (!isRefused()) writeRegister(register, 4, value);
}

/** Length of ModR/M, SIB and displacement with 32-bit or 64-bit addresses (SDM 2A table 2-2); 0 for a register operand. */
function memoryOperandLength(bytes: u32): u32 {
  const mod = (bytes >> 6) & 3;
  const rm = bytes & 7;
  if (mod == 3) return 0;
  const sib: u32 = rm == 4 ? 1 : 0;
  if (mod == 1) return 1 + sib + 1;
  const base = sib ? (bytes >> 8) & 7 : rm;
  return 1 + sib + (mod == 2 || base == 5 ? 4 : 0);
}
