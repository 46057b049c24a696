// XCR0 and XSAVE (SDM 1 13.3).

import { readCr4, writeCr4 } from "../runtime/attempt";
import { readXcr0, tryXgetbv, tryXrstors, tryXsaves, writeXcr } from "../runtime/instructions";
import { CpuidRegister, cpuidRegister } from "../runtime/processor";
import { check, checkDone, checkProtected, checkUndefined } from "./check";

const CR4_OSXSAVE: u64 = 1 << 18;
const X87: u64 = 1 << 0;
const SSE: u64 = 1 << 1;
const AVX: u64 = 1 << 2;

export function checkExtendedState(): void {
  const cr4 = readCr4();
  writeCr4(cr4 & ~CR4_OSXSAVE);
  checkUndefined("XGETBV without OSXSAVE", tryXgetbv());
  checkUndefined("XSETBV without OSXSAVE", writeXcr(0, X87));
  writeCr4(cr4 | CR4_OSXSAVE);
  checkDone("XSETBV with all that CPUID shows", writeXcr(0, cpuidRegister(0xd, CpuidRegister.Eax)));
  check("XCR0 reads back", readXcr0(), cpuidRegister(0xd, CpuidRegister.Eax));
  check("XSAVE area is as large as CPUID says", cpuidRegister(0xd, CpuidRegister.Ebx), cpuidRegister(0xd, CpuidRegister.Ecx));
  checkProtected("XCR0 without x87", writeXcr(0, SSE));
  checkProtected("XCR0 AVX without SSE", writeXcr(0, X87 | AVX));
  checkProtected("XCR0 reserved bit", writeXcr(0, X87 | (<u64>1 << 62)));
  checkProtected("XCR1", writeXcr(1, X87));
  checkUndefined("XSAVES", tryXsaves());
  checkUndefined("XRSTORS", tryXrstors());
  writeXcr(0, X87);
  writeCr4(cr4);
}
