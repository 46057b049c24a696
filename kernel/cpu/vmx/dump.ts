// The whole VMCS with field names, printed when a VM entry fails (SDM 3C 27.3 lists what the processor checks).

import { Text, hasText, printText } from "../../boot/symbols";
import { print, printHex, printLine } from "../../console/print";
import { VmcsField } from "./field";
import { vmread } from "./instructions";

/** Prints every field of the current VMCS that VmcsField names. */
export function dumpVmcs(): void {
  const error = vmread(VmcsField.VM_INSTRUCTION_ERROR); // VMREAD of a field that this processor does not have writes it
  for (let field: u32 = 0; field <= <u32>VmcsField.HOST_RIP; field += 2) {
    if (!hasText(Text.VmcsField, field)) continue;
    print("  ");
    printText(Text.VmcsField, field);
    print(" = ");
    printHex(field == <u32>VmcsField.VM_INSTRUCTION_ERROR ? error : vmread(field), 16);
    printLine();
  }
}
