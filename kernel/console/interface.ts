// What the kernel and the planner say to the console (console/main.ts), and it to them.

/** Mask of consoles. */
export const enum ConsoleDevice {
  None = 0,
  DebugConsole = 1 << 0, // e9
  Com1 = 1 << 1, // com1
  Screen = 1 << 2, // fb
  All = 7,
}

/** framebuffer_type, Multiboot2 3.6.12. */
export const enum ScreenType {
  Rgb = 1,
  Text = 2,
}

/** Memory that the console reaches; the floor keeps base and size of each (boot/imports-console.h). */
export const enum ConsoleGrant {
  Rings = 0,
  /** Written only. */
  Screen = 1,
  Count = 2,
}

/** Bit of what the console's interrupt() returns beside that of each partition, by its number, for which input arrived. */
export const CALL_AGAIN: u32 = 1 << 31;
