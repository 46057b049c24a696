// Before the seal: the screen that the loader set up, if any.

import { framebufferAddress, framebufferBits, framebufferHeight, framebufferPitch, framebufferType, framebufferWidth } from "../boot/multiboot2";
import { reachFromBootTables } from "../memory/boot-direct";
import { placeScreen } from "../../kernel/console/screen";

/** Brings the screen within reach. */
export function findScreen(): void {
  const isReachable = framebufferAddress() != 0 && reachFromBootTables(framebufferAddress(), screenLength());
  placeScreen(isReachable ? framebufferAddress() : 0, framebufferPitch(), framebufferWidth(), framebufferHeight(), framebufferBits(), framebufferType());
}

/** Bytes from framebufferAddress(). */
export function screenLength(): u64 { return <u64>framebufferPitch() * framebufferHeight(); }
