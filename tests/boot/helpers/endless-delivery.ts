// Guests whose exceptions raise the next exception in their own delivery, on core 0, beside a neighbour whose lines core 0 prints.

import { flat, typescript, type SystemDescription } from "../../../scripts/policy/language.ts";
import { buildGuestKernel } from "./guest-kernels.ts";

export const ENDLESS_DELIVERIES = ["alignment", "debug"] as const;
const ADDRESS = 0x300000;

/** `source`: tests/fixtures/guests/endless-SOURCE.S. */
export async function endlessDelivery(name: string, source: (typeof ENDLESS_DELIVERIES)[number]): Promise<SystemDescription> {
  const bits = source === "alignment" ? 32 : 64;
  const file = await buildGuestKernel(name, { source: `endless-${source}`, bits, address: ADDRESS, flat: true });
  const image = flat({ file, address: ADDRESS, mode: `${bits}-bit` });
  return {
    name,
    partitions: [
      { name: "attacker", core: 0, memory: "8 MiB", image },
      { name: "neighbour", core: 1, memory: "4 MiB", image: typescript("witness", { commandLine: "ticks=3" }) },
    ],
  };
}
