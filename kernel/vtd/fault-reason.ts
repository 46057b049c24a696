// Why a unit blocked a request, VT-d 4.1 7.1.3 (fault conditions of DMA), 5.1.4.1 (of interrupts). The code in comments is
// the manual's name of the condition.

const FIRST_INTERRUPT_REASON: u32 = 0x20;
const FIRST_SCALABLE_REASON: u32 = 0x30;

/** True if the request was an interrupt: its record holds an index and no address. */
export function isInterruptReason(reason: u32): bool {
  return reason >= FIRST_INTERRUPT_REASON && reason < FIRST_SCALABLE_REASON;
}

export function faultReasonText(reason: u32): string {
  if (reason < FIRST_INTERRUPT_REASON) return legacyReasonText(reason);
  if (reason < FIRST_SCALABLE_REASON) return interruptReasonText(reason);
  return reason < 0x70 ? tableReasonText(reason) : pageReasonText(reason);
}

const RESERVED: string = "reserved reason";

function legacyReasonText(reason: u32): string {
  switch (reason) {
    case 0x1: return "root entry not present"; // LRT.2
    case 0x2: return "context entry not present"; // LCT.2
    case 0x3: return "context entry invalid"; // LCT.4
    case 0x4: return "address beyond the width of the domain or the unit"; // LGN.1
    case 0x5: return "no write permission"; // LGN.2
    case 0x6: return "no read permission"; // LGN.3
    case 0x7: return "second-stage paging entry not readable"; // LSL.1
    case 0x8: return "root entry not readable"; // LRT.1
    case 0x9: return "context entry not readable"; // LCT.1
    case 0xa: return "reserved field set in root entry"; // LRT.3
    case 0xb: return "reserved field set in context entry"; // LCT.3
    case 0xc: return "reserved field set in second-stage paging entry"; // LSL.2
    case 0xd: return "translation or translated request blocked by context entry"; // LCT.5
    case 0xe: return "address leads into the interrupt range"; // LGN.4
    default: return RESERVED;
  }
}

function interruptReasonText(reason: u32): string {
  switch (reason) {
    case 0x20: return "reserved field set in interrupt request";
    case 0x21: return "index beyond the interrupt remapping table";
    case 0x22: return "interrupt remapping entry not present";
    case 0x23: return "interrupt remapping entry not readable";
    case 0x24: return "reserved field set in interrupt remapping entry";
    case 0x25: return "compatibility format interrupt blocked";
    case 0x26: return "source-id verification failed";
    case 0x27: return "posted interrupt descriptor not accessible";
    case 0x28: return "reserved field set in posted interrupt descriptor";
    case 0x29: return "interrupt request with PASID, translated or of another size";
    default: return RESERVED;
  }
}

function tableReasonText(reason: u32): string {
  switch (reason) {
    case 0x30: return "root table address invalid"; // RTA.1
    case 0x31: return "request with PASID in legacy mode"; // RTA.2
    case 0x32: return "page request in legacy mode"; // RTA.3
    case 0x33: return "translation request in abort-DMA mode"; // RTA.4
    case 0x38: return "scalable-mode root entry not readable"; // SRT.1
    case 0x39: return "scalable-mode root entry not present"; // SRT.2
    case 0x3a: return "reserved field set in scalable-mode root entry"; // SRT.3
    case 0x40: return "scalable-mode context entry not readable"; // SCT.1
    case 0x41: return "scalable-mode context entry not present"; // SCT.2
    case 0x42: return "reserved field set in scalable-mode context entry"; // SCT.3
    case 0x43: return "scalable-mode context entry invalid"; // SCT.4
    case 0x44: return "device TLB not enabled in scalable-mode context entry"; // SCT.5
    case 0x45: return "PASID not enabled in scalable-mode context entry"; // SCT.6
    case 0x46: return "PASID beyond the PASID directory"; // SCT.7
    case 0x47: return "page requests not enabled in scalable-mode context entry"; // SCT.8
    case 0x48: return "RID_PASID of scalable-mode context entry invalid"; // SCT.9
    case 0x50: return "PASID directory entry not readable"; // SPD.1
    case 0x51: return "PASID directory entry not present"; // SPD.2
    case 0x52: return "reserved field set in PASID directory entry"; // SPD.3
    case 0x58: return "PASID table entry not readable"; // SPT.1
    case 0x59: return "PASID table entry not present"; // SPT.2
    case 0x5a: return "reserved field set in PASID table entry"; // SPT.3
    case 0x5b: return "PASID table entry invalid"; // SPT.4
    case 0x5c: return "execute requests not enabled in PASID table entry"; // SPT.5
    case 0x5d: return "supervisor requests not enabled in PASID table entry"; // SPT.6
    default: return RESERVED;
  }
}

function pageReasonText(reason: u32): string {
  switch (reason) {
    case 0x70: return "first-stage paging entry not readable"; // SFS.1
    case 0x71: return "first-stage paging entry not present"; // SFS.2
    case 0x72: return "reserved field set in first-stage paging entry"; // SFS.3
    case 0x73: return "first-stage root entry not readable"; // SFS.4
    case 0x74: return "address of first-stage entry beyond the width of the second stage"; // SFS.5
    case 0x75: return "no read permission for first-stage root entry"; // SFS.6
    case 0x76: return "no read permission for first-stage paging entry"; // SFS.7
    case 0x77: return "no write permission for accessed or dirty bit of first-stage entry"; // SFS.8
    case 0x78: return "second-stage paging entry not readable"; // SSS.1
    case 0x79: return "second-stage paging entry without read and write permission"; // SSS.2
    case 0x7a: return "reserved field set in second-stage paging entry"; // SSS.3
    case 0x7b: return "second-stage root not readable"; // SSS.4
    case 0x7c: return "accessed or dirty bit of second-stage entry needed without snooping"; // SSS.5
    case 0x7d: return "accessed or dirty bit of second-stage entry could not be set"; // SSS.6
    case 0x80: return "address not canonical"; // SGN.1
    case 0x81: return "user request for supervisor page"; // SGN.2
    case 0x82: return "no execute permission"; // SGN.3
    case 0x83: return "address beyond the width of the tables or the unit"; // SGN.4
    case 0x84: return "address beyond the width of the second stage"; // SGN.5
    case 0x85: return "no write permission"; // SGN.6
    case 0x86: return "no read permission"; // SGN.7
    case 0x87: return "address leads into the interrupt range"; // SGN.8
    case 0x88: return "translated request not permitted"; // SGN.9
    case 0x89: return "translated address not permitted"; // SGN.10
    case 0x90: return "accessed or dirty bit of first-stage entry needed without snooping"; // SFS.9
    case 0x91: return "accessed or dirty bit of first-stage entry could not be set"; // SFS.10
    default: return RESERVED;
  }
}
