// Before the seal: the screen that the loader set up, if any.

import { framebufferAddress, framebufferBits, framebufferHeight, framebufferPitch, framebufferType, framebufferWidth } from "../boot/multiboot2";
import { reachFromBootTables } from "../memory/boot-direct";
import { grant, placeScreen } from "../../kernel/console/console";
import { ConsoleGrant } from "../../kernel/console/interface";

/** Gives the console the screen, if it is within reach. */
export function findScreen(): void {
  if (!isScreenReachable()) return;
  grant(ConsoleGrant.Screen, framebufferAddress(), screenLength());
  placeScreen(framebufferPitch(), framebufferWidth(), framebufferHeight(), framebufferBits(), framebufferType());
}

export function isScreenReachable(): bool { return framebufferAddress() != 0 && reachFromBootTables(framebufferAddress(), screenLength()); }

/** Bytes from framebufferAddress(). */
export function screenLength(): u64 { return <u64>framebufferPitch() * framebufferHeight(); }
