// wasm2c's code includes this; its one assertion holds by construction.
#define assert(condition) ((void)0)
