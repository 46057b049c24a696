import { describe, expect, it } from "vitest";
import { parseSymbols, sourceName } from "../../../scripts/build/symbols.ts";

describe("the table of function names", () => {
  it("gives wasm2c's functions the names that AssemblyScript gave them", () => {
    expect(sourceName("w2c_kernel_kernel0x2Fcpu0x2Fvmx0x2Fguest0x2Dstate0x2FresetState")).toBe("kernel/cpu/vmx/guest-state/resetState");
    expect(sourceName("w2c_kernel_exit")).toBe("w2c_kernel_exit");
    expect(sourceName("vm_exit")).toBe("vm_exit");
  });

  it("holds the functions of the text by address and ends with the end of the text", () => {
    const output = [
      "0000000000200018 t entry32",
      "ffffffff80202000 T image_text_start",
      "ffffffff80202000 T vm_exit",
      "ffffffff80202100 t w2c_kernel_kernel0x2Fmain0x2Fexit",
      "ffffffff80203000 T image_text_end",
      "ffffffff80204000 D idt",
    ].join("\n");
    expect(parseSymbols(output)).toEqual([
      { address: 0xffffffff80202000n, name: "vm_exit" },
      { address: 0xffffffff80202100n, name: "kernel/main/exit" },
      { address: 0xffffffff80203000n, name: "" },
    ]);
  });
});
