// `bulkhead setup`

import { ensurePrograms } from "../setup/setup.ts";

export function setupCommand(): void {
  ensurePrograms("test");
  process.stderr.write("All programs are there.\n");
}
