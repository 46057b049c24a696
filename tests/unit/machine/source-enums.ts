// Numbers of AssemblyScript sources that Node cannot import, because they declare wasm imports.

import { readConstants, readEnum } from "../../../scripts/build/source-numbers.ts";

export { readConstants, readEnum };

/** A function that gives the members of an enum by name and throws at a name that is not there. */
export function enumReader(file: string, name: string): (member: string) => number {
  const members = readEnum(file, name);
  return (member) => {
    const value = members.get(member);
    if (value === undefined) throw new Error(`${name} in ${file} has no member ${member}`);
    return value;
  };
}
