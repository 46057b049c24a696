import { Image, clear, copyImage, imageSize } from "../imports";
import { LoadStatus } from "../interface";
import { COMMAND_LINE, COMMAND_LINE_CAPACITY } from "./layout";

/** Copies the command line, zero-terminated, to COMMAND_LINE. `limit` is the longest that the guest takes, in bytes. */
export function loadCommandLine(limit: u64): LoadStatus {
  const length = imageSize(Image.CommandLine);
  if (length > limit || length >= COMMAND_LINE_CAPACITY) return LoadStatus.CommandLineTooLong;
  if (!clear(COMMAND_LINE, COMMAND_LINE_CAPACITY)) return LoadStatus.ImageTooLarge;
  if (length != 0 && !copyImage(COMMAND_LINE, Image.CommandLine, 0, length)) return LoadStatus.CommandLineTooLong;
  return LoadStatus.Done;
}
