// What the controls let a guest execute, for CPUID to agree with.

import { secondaryControls } from "./capability";
import { Secondary } from "./controls";

export function hasRdtscp(): bool { return (secondaryControls() & Secondary.ENABLE_RDTSCP) != 0; }
export function hasInvpcid(): bool { return (secondaryControls() & Secondary.ENABLE_INVPCID) != 0; }
