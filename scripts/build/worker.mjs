// Child process of the build: PACKAGE FILE ARGUMENTS. Loads a large npm package, then runs a TypeScript file that
// imports it. Plain JavaScript, because tsx takes ten seconds to go through such a package and Node half a second.

import path from "node:path";
import { pathToFileURL } from "node:url";

const [packageName, file] = process.argv.splice(2, 2);
await import(packageName);
const { register } = await import("tsx/esm/api");
register();
await import(pathToFileURL(path.resolve(file)).href);
