// Where the project lies.

import path from "node:path";
import { fileURLToPath } from "node:url";

export const projectDirectory = path.resolve(path.dirname(fileURLToPath(import.meta.url)), "../..");
