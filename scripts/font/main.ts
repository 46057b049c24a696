// Writes console/framebuffer-font.bin anew from Debian's package console-setup-linux (Lat15-Fixed16.psf.gz), whose copyright file
// says "All console fonts are public domain by nature": `npx tsx scripts/font/main.ts`. The result is kept with the sources, so
// that a build needs neither the package nor the network.

import { readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import { gunzipSync } from "node:zlib";
import { buildDirectory } from "../build/paths.ts";
import { downloadPackage, unpackPackage } from "../guests/debian.ts";
import { projectDirectory } from "../policy/project.ts";
import { kernelGlyphs } from "./glyphs.ts";
import { parsePsf } from "./psf.ts";

const tree = unpackPackage(downloadPackage("console-setup-linux", path.join(buildDirectory, "font")));
const font = parsePsf(gunzipSync(readFileSync(path.join(tree, "usr/share/consolefonts/Lat15-Fixed16.psf.gz"))));
writeFileSync(path.join(projectDirectory, "console/framebuffer-font.bin"), kernelGlyphs(font));
