// AssemblyScript's integer types, for the constants that kernel, monitor and scripts share.

type u8 = number;
type u16 = number;
type u32 = number;
type u64 = number;
type usize = number;
