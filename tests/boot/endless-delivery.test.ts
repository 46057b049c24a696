// CVE-2015-5307 and CVE-2015-8104; tests/boot/weakened.test.ts shows what comes of them where #AC and #DB do not exit.

import { expect, test } from "vitest";
import { NEIGHBOUR_DONE, untouched } from "./helpers/attack-system.ts";
import { ENDLESS_DELIVERIES, endlessDelivery } from "./helpers/endless-delivery.ts";
import { bootSystem } from "./helpers/system.ts";

test.each(ENDLESS_DELIVERIES)("an exception that its own delivery raises again keeps core 0 from nothing: %s", async (source) => {
  const system = await endlessDelivery(`test-endless-${source}`, source);
  const output = await bootSystem(system, { timeoutSeconds: 40, until: new RegExp(NEIGHBOUR_DONE) });
  expect(output.of("attacker")).toEqual(["begins"]);
  expect(output.of("neighbour")).toEqual(untouched());
});
