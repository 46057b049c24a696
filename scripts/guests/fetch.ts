import { UserError } from "../error.ts";
import { refreshPackageLists } from "../setup/apt.ts";
import { thisHost } from "../setup/host.ts";

/** apt's lists may be missing, or name packages that the mirror no longer has: then refreshes them and tries once more. */
export function fetchOrRefresh<Result>(fetch: () => Result, report: (message: string) => void): Result {
  try {
    return fetch();
  } catch (error) {
    if (!(error instanceof UserError)) throw error;
    report(`guests: refreshing apt's package lists, as ${error.message}`);
    if (!refreshPackageLists(thisHost)) throw error;
    return fetch();
  }
}
