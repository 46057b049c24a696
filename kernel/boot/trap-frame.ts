// State of the core at an exception in root mode, which boot/traps.c stores at Fixed.TrapFrame before it
// calls the kernel's trap(). boot/traps.c repeats the order, in which boot/vectors.S pushes it.
//
// An #UD whose instruction is UD2 (0F 0B) is a trap of the wasm module: after it stands a TEST AL,
// which is never executed and whose immediate, `phys.load8(rip - IMAGE_BASE + 3)`, says why: Text.WasmTrap.

@unmanaged
export class TrapFrame {
  cr3: u64;
  cr2: u64;
  rax: u64;
  rcx: u64;
  rdx: u64;
  rbx: u64;
  /** Of the handler; `rsp` below is the interrupted code's. */
  handlerRsp: u64;
  rbp: u64;
  rsi: u64;
  rdi: u64;
  r8: u64;
  r9: u64;
  r10: u64;
  r11: u64;
  r12: u64;
  r13: u64;
  r14: u64;
  r15: u64;
  /** Exception vector, SDM 3A table 6-1. */
  vector: u64;
  /** Error code, 0 if the vector has none. */
  error: u64;
  rip: u64;
  cs: u64;
  rflags: u64;
  rsp: u64;
  ss: u64;
}
