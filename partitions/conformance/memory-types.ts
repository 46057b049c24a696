// PAT and memory type range registers (SDM 3A 12.11 and 12.12).

import { check, checkKept, checkRefused, checkTrue, msr } from "./check";

const enum Msr {
  MtrrCap = 0xfe,
  PhysBase7 = 0x20e,
  PhysMask7 = 0x20f,
  Fix64k = 0x250,
  Fix4kF8000 = 0x26f,
  Pat = 0x277,
  DefaultType = 0x2ff,
}

export function checkMemoryTypes(): void {
  check("PAT after reset", msr(Msr.Pat), 0x0007040600070406);
  checkKept("PAT", Msr.Pat, 0x07070707);
  checkRefused("PAT reserved type", Msr.Pat, 0x02);
  check("MTRRCAP", msr(Msr.MtrrCap), 0x508);
  checkRefused("MTRRCAP write", Msr.MtrrCap, 0);
  checkTrue("MTRRs are enabled", (msr(Msr.DefaultType) & 0xc00) == 0xc00);
  checkKept("MTRR default type", Msr.DefaultType, 0xc05);
  checkRefused("MTRR default type reserved", Msr.DefaultType, 0xc02);
  checkKept("MTRR variable base", Msr.PhysBase7, 0xd0000001);
  checkRefused("MTRR variable base reserved", Msr.PhysBase7, 0x100);
  checkKept("MTRR variable mask", Msr.PhysMask7, 0xfff000800);
  checkRefused("MTRR variable mask reserved", Msr.PhysMask7, <u64>1 << 63);
  checkKept("MTRR fixed range", Msr.Fix64k, 0x0605040100060504);
  checkRefused("MTRR fixed range reserved", Msr.Fix4kF8000, 0x0300000000000000);
}
