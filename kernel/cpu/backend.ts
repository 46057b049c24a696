// The virtualisation back end of this machine. Above kernel/cpu/ only these verbs are used and nothing names VMX.

export {
  DEBUGCTL_BTF, advance, codeMode, cr3, cr4, debugControl, efer, endInstruction, flags, instructionPointer, interruptsEnabled,
  isServingNmi, isTrapPending, privilegeLevel, readAnyRegister, segmentBase, segmentLimit, segmentRights, segmentSelector, setDebugControl, setFlags, setInstructionPointer,
  setTimeOffset, sleep, writeAnyRegister, writeSegment,
} from "./vmx/vcpu";
export {
  canInjectInterrupt, injectGeneralProtection, injectGeneralProtectionDuringDelivery, injectInterrupt,
  injectFault, injectPageFault, tryInjectNmi, wasDeliveringDoubleFault,
} from "./vmx/events";
export { VcpuFrames, flushTranslations, initialiseRegion, loadVmcs as loadVcpu, rewindLaunchState } from "./vmx/vmcs";
export { apicFeatures, deliversAtEntry, interruptStatus, isRecognised, setApicMode, setEndOfInterruptExits, setInterruptStatus } from "./vmx/virtual-apic";
export { powerUp, startFlat32, startLong64, startReal, startReset, startUp } from "./vmx/guest-state";
export { enterTask, shadowedCr0 as cr0 } from "./vmx/control-register-access";
export { armDeadline } from "./vmx/deadline";
export { IO_BITMAP_PAGES, MSR_BITMAP_PAGES, denyAllPorts, grantPorts, grantTscAux, grantX2ApicRegisters, initialiseMsrBitmap } from "./vmx/bitmaps";
export { EXIT_COUNTERS, takeExitCount } from "./vmx/counters";
export { hasInvpcid, hasRdtscp } from "./vmx/features";
export { supportsHltActivity } from "./vmx/capability";
export { readVmxCapabilities as readCapabilities } from "./vmx/capability";
export { EnableStatus, enterVmxOperation as enableVirtualisation } from "./vmx/enable";
export { handleExit, reportEntryFailure } from "./vmx/dispatch";
