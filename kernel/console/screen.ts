// The screen among the consoles. Only core 0 knows of it and maps it; other cores' lines reach it through their rings.

import { isOpen, open } from "../../drivers/framebuffer-terminal";
import {
  framebufferAddress, framebufferBits, framebufferHeight, framebufferPitch, framebufferType, framebufferWidth,
} from "../boot/multiboot2";
import { reachFromBootTables } from "../memory/boot-direct";

let reachable: bool = false;

/** Before the seal: brings the screen that the loader set up, if any, within reach. */
export function findScreen(): void {
  reachable = framebufferAddress() != 0 && reachFromBootTables(framebufferAddress(), screenLength());
}

/** Takes the screen over, once; false if there is none that can be used. */
export function openScreen(): bool {
  if (!reachable || isOpen()) return reachable;
  return open(framebufferAddress(), framebufferPitch(), framebufferWidth(), framebufferHeight(), framebufferBits(), framebufferType());
}

export function isScreenReachable(): bool { return reachable; }

/** From now on nobody writes to the screen, not even a fatal report. */
export function forgetScreen(): void {
  reachable = false;
}

/** Bytes from framebufferAddress(). */
export function screenLength(): u64 { return <u64>framebufferPitch() * framebufferHeight(); }
