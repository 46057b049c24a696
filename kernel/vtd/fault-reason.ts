// Why a unit blocked a request, VT-d 4.1 7.1.3 (fault conditions of DMA), 5.1.4.1 (of interrupts). The code in comments is
// the manual's name of the condition.

const FIRST_INTERRUPT_REASON: u32 = 0x20;
const FIRST_SCALABLE_REASON: u32 = 0x30;

/** True if the request was an interrupt: its record holds an index and no address. */
export function isInterruptReason(reason: u32): bool {
  return reason >= FIRST_INTERRUPT_REASON && reason < FIRST_SCALABLE_REASON;
}

export function faultReasonText(reason: u32): string {
  const text = reason < <u32>TEXTS.length ? unchecked(TEXTS[reason]) : "";
  return text.length != 0 ? text : "reserved reason";
}

/** By reason; empty where it is reserved. */
const TEXTS: StaticArray<string> = [
  "", // 0x00
  "root entry not present", "context entry not present", "context entry invalid", // 0x01: LRT.2, LCT.2, LCT.4
  "address beyond the width of the domain or the unit", "no write permission", "no read permission", // 0x04: LGN.1, LGN.2, LGN.3
  "second-stage paging entry not readable", // 0x07: LSL.1
  "root entry not readable", "context entry not readable", "reserved field set in root entry", // 0x08: LRT.1, LCT.1, LRT.3
  "reserved field set in context entry", "reserved field set in second-stage paging entry", // 0x0b: LCT.3, LSL.2
  "translation or translated request blocked by context entry", "address leads into the interrupt range", "", // 0x0d: LCT.5, LGN.4
  "", "", "", "", "", "", "", "", "", "", "", "", "", "", "", "", // 0x10
  "reserved field set in interrupt request", "index beyond the interrupt remapping table", "interrupt remapping entry not present", // 0x20
  "interrupt remapping entry not readable", "reserved field set in interrupt remapping entry", "compatibility format interrupt blocked", // 0x23
  "source-id verification failed", "posted interrupt descriptor not accessible", "reserved field set in posted interrupt descriptor", // 0x26
  "interrupt request with PASID, translated or of another size", // 0x29
  "", "", "", "", "", "", // 0x2a
  "root table address invalid", "request with PASID in legacy mode", "page request in legacy mode", // 0x30: RTA.1, RTA.2, RTA.3
  "translation request in abort-DMA mode", // 0x33: RTA.4
  "", "", "", "", // 0x34
  "scalable-mode root entry not readable", "scalable-mode root entry not present", // 0x38: SRT.1, SRT.2
  "reserved field set in scalable-mode root entry", // 0x3a: SRT.3
  "", "", "", "", "", // 0x3b
  "scalable-mode context entry not readable", "scalable-mode context entry not present", // 0x40: SCT.1, SCT.2
  "reserved field set in scalable-mode context entry", "scalable-mode context entry invalid", // 0x42: SCT.3, SCT.4
  "device TLB not enabled in scalable-mode context entry", "PASID not enabled in scalable-mode context entry", // 0x44: SCT.5, SCT.6
  "PASID beyond the PASID directory", "page requests not enabled in scalable-mode context entry", // 0x46: SCT.7, SCT.8
  "RID_PASID of scalable-mode context entry invalid", // 0x48: SCT.9
  "", "", "", "", "", "", "", // 0x49
  "PASID directory entry not readable", "PASID directory entry not present", "reserved field set in PASID directory entry", // 0x50: SPD.1, SPD.2, SPD.3
  "", "", "", "", "", // 0x53
  "PASID table entry not readable", "PASID table entry not present", "reserved field set in PASID table entry", // 0x58: SPT.1, SPT.2, SPT.3
  "PASID table entry invalid", "execute requests not enabled in PASID table entry", // 0x5b: SPT.4, SPT.5
  "supervisor requests not enabled in PASID table entry", // 0x5d: SPT.6
  "", "", "", "", "", "", "", "", "", "", "", "", "", "", "", "", "", "", // 0x5e
  "first-stage paging entry not readable", "first-stage paging entry not present", // 0x70: SFS.1, SFS.2
  "reserved field set in first-stage paging entry", "first-stage root entry not readable", // 0x72: SFS.3, SFS.4
  "address of first-stage entry beyond the width of the second stage", "no read permission for first-stage root entry", // 0x74: SFS.5, SFS.6
  "no read permission for first-stage paging entry", "no write permission for accessed or dirty bit of first-stage entry", // 0x76: SFS.7, SFS.8
  "second-stage paging entry not readable", "second-stage paging entry without read and write permission", // 0x78: SSS.1, SSS.2
  "reserved field set in second-stage paging entry", "second-stage root not readable", // 0x7a: SSS.3, SSS.4
  "accessed or dirty bit of second-stage entry needed without snooping", "accessed or dirty bit of second-stage entry could not be set", // 0x7c: SSS.5, SSS.6
  "", "", // 0x7e
  "address not canonical", "user request for supervisor page", "no execute permission", // 0x80: SGN.1, SGN.2, SGN.3
  "address beyond the width of the tables or the unit", "address beyond the width of the second stage", "no write permission", // 0x83: SGN.4, SGN.5, SGN.6
  "no read permission", "address leads into the interrupt range", "translated request not permitted", // 0x86: SGN.7, SGN.8, SGN.9
  "translated address not permitted", // 0x89: SGN.10
  "", "", "", "", "", "", // 0x8a
  "accessed or dirty bit of first-stage entry needed without snooping", "accessed or dirty bit of first-stage entry could not be set", // 0x90: SFS.9, SFS.10
];
