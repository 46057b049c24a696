// IA32_APIC_BASE: modes, their changes, and the page's place (SDM 3A 11.4.3 to 11.4.5, 11.12.5).

import { check, checkProtected, checkTrue } from "../conformance/check";
import { Exception, readMemory32, readMsr, writeMsr } from "../runtime/attempt";
import { takeInterrupts, waitForInterrupt } from "../runtime/processor";
import { APIC_PAGE, BASE_BSP, BASE_ENABLED, BASE_EXTENDED, MSR_APIC_BASE, Page, readPage, useXapic } from "./page";

const VECTOR: u32 = 0x77;
const MSR_VERSION: u32 = 0x803;
const MSR_IDENTIFIER: u32 = 0x802;
const MSR_END_OF_INTERRUPT: u32 = 0x80b;
const MSR_SPURIOUS: u32 = 0x80f;
const MSR_SELF_IPI: u32 = 0x83f;
/** Where neither RAM nor a device is. */
const OTHER_PAGE: u64 = 0x42000000;
const PLAIN: u64 = APIC_PAGE | BASE_BSP;

const scratch: usize = memory.data(8, 8);

function setBase(value: u64): u32 {
  return writeMsr(MSR_APIC_BASE, value);
}

function checkDisabled(): void {
  check("APIC disable", setBase(PLAIN), Exception.None);
  check("APIC page of a disabled APIC", readPage(Page.Version), 0xffffffff);
  checkProtected("disabled to x2APIC", setBase(PLAIN | BASE_ENABLED | BASE_EXTENDED));
  checkProtected("disabled to EXTD alone", setBase(PLAIN | BASE_EXTENDED));
  check("disabled to xAPIC", setBase(PLAIN | BASE_ENABLED), Exception.None);
  check("APIC software-disabled after it", readPage(Page.Spurious), 0xff);
}

function checkMoved(version: u32): void {
  check("APIC page moves", setBase(OTHER_PAGE | BASE_BSP | BASE_ENABLED), Exception.None);
  readMemory32(OTHER_PAGE + <u64>Page.Version, scratch);
  check("APIC page at its new place", load<u32>(scratch), version);
  check("APIC page has left the old one", readPage(Page.Version), 0xffffffff);
  check("APIC page moves back", setBase(PLAIN | BASE_ENABLED), Exception.None);
  checkProtected("APIC page onto RAM", setBase(0x100000 | BASE_BSP | BASE_ENABLED));
  checkProtected("APIC base reserved bit", setBase(PLAIN | BASE_ENABLED | 1));
}

function checkExtended(version: u32): void {
  check("xAPIC to x2APIC", setBase(PLAIN | BASE_ENABLED | BASE_EXTENDED), Exception.None);
  readMsr(MSR_VERSION, scratch);
  check("x2APIC version", load<u64>(scratch), version);
  checkProtected("x2APIC identifier write", writeMsr(MSR_IDENTIFIER, 1));
  checkProtected("x2APIC EOI other than 0", writeMsr(MSR_END_OF_INTERRUPT, 1));
  writeMsr(MSR_SPURIOUS, 0x1ff);
  writeMsr(MSR_SELF_IPI, VECTOR);
  while (takeInterrupts(VECTOR) == 0) waitForInterrupt();
  check("x2APIC EOI", writeMsr(MSR_END_OF_INTERRUPT, 0), Exception.None);
  checkProtected("x2APIC to xAPIC", setBase(PLAIN | BASE_ENABLED));
  checkProtected("x2APIC to EXTD alone", setBase(PLAIN | BASE_EXTENDED));
}

export function checkModes(): void {
  const version = readPage(Page.Version);
  checkTrue("APIC version", (version & 0xff) == 0x14);
  checkDisabled();
  checkMoved(version);
  checkExtended(version);
  useXapic();
  check("APIC identifier after all", readPage(Page.Identifier), 0);
}
